import { concatMap, delay, map, timer } from 'rxjs';
import { pinned, type ResyncReason } from '../../../lib/index.ts';
import type { KeyValue } from '../../../lib/model/values.ts';
import { type ChangesFrame, ContinuityLost, type Settled, type SnapshotFrame } from '../../../lib/source/frames.ts';
import { HandLoop } from './handLoop.ts';
import { badLoop, type KnownBad, play, type World } from './play.ts';

// ---- breaks ---------------------------------------------------------------------------------------------------------

/** A new epoch is counted, and no resync begins it. */
class EpochWithoutResync extends HandLoop {
  override connect(): void {
    if (this.epoch > 0) this.epoch++;
    super.connect();
  }
}

/** Deep-equal content is the same object: that it was deleted and made again is not seen. */
class ComparesContent extends HandLoop {
  override isNews(item: KeyValue<string>): boolean {
    const before = this.told.get(item.key);
    return before !== undefined && before.value !== item.value;
  }
}

/** etcd3: the old revision is kept, until the restored store has caught up with it. */
class WaitsToCatchUp extends HandLoop {
  override takeSnapshot(frame: SnapshotFrame<unknown>): void {
    if ((frame.revision ?? 0) >= this.revision) super.takeSnapshot(frame);
    else frame.settled?.({ type: 'superseded' });
  }

  override takeChanges(frame: ChangesFrame<unknown>): void {
    if ((frame.revision ?? 0) > this.revision) super.takeChanges(frame);
    else frame.settled?.({ type: 'superseded' });
  }
}

/** A snapshot that goes back is told as any other. */
class GoesBackSilently extends HandLoop {
  override reasonAt(revision: number): ResyncReason {
    const reason = super.reasonAt(revision);
    return reason === 'regressed' ? 'reconnected' : reason;
  }
}

/** apisix: a time-out moves the position on by one. */
class MovesToken extends HandLoop {
  override broken(error: unknown): void {
    if (typeof this.position === 'number' && !(error instanceof ContinuityLost)) this.position++;
    super.broken(error);
  }
}

/** A compaction is an error like any other: go on where you were. */
class GoesOnAfterCompaction extends HandLoop {
  override broken(): void {
    this.later(100, () => {
      this.position = (this.position as number) + 100;
      this.connect();
    });
  }
}

// ---- acks and ends --------------------------------------------------------------------------------------------------

class SettlesTwice extends HandLoop {
  override settle(settled: Settled | undefined, outcome: Parameters<Settled>[0]): void {
    settled?.(outcome);
    settled?.(outcome);
  }
}

/** JavaScript informers: `stop` during a back-off stops nothing. */
class GoesOnAfterStop extends HandLoop {
  override later(ms: number, action: () => void): void {
    timer(ms).subscribe(action);
  }
}

/** Any hiccup is the end. */
class EndsOnHiccup extends HandLoop {
  override broken(error: unknown): void {
    this.subscriber.error(error);
  }
}

/** What a member of the cluster sends again after a reconnect is told once more as news. */
class BelievesLateFrames extends HandLoop {
  override takeChanges(frame: ChangesFrame<unknown>): void {
    // Nothing looks at the revision.
    super.takeChanges(frame);
  }
}

class DropsLateFrames extends HandLoop {
  override takeChanges(frame: ChangesFrame<unknown>): void {
    if ((frame.revision ?? 0) > this.revision) super.takeChanges(frame);
    else frame.settled?.({ type: 'superseded' });
  }
}

/** A connection that never ends by itself, with signs of life or without. */
const mute = (world: World, isAlive: boolean) => {
  const { store } = world;
  return {
    ...pinned<number>({
      list: () => store.list(),
      watch: () =>
        isAlive
          ? timer(0, 50).pipe(
              map(() => ({ type: 'progress' as const, revision: store.revision, position: store.revision })),
            )
          : timer(20_000).pipe(map(() => ({ type: 'progress' as const }))),
    }),
    maxSilence: 200,
  };
};

const twoBreaks = (world: World): void => {
  world.writes(10, { x: '1' });
  world.at(50, () => world.store.cut());
  world.writes(300, { x: '2' });
};

/** What goes wrong when a connection breaks, and when all is over. */
export const breaks: readonly KnownBad[] = [
  badLoop('a new epoch without a resync', ['I20'], EpochWithoutResync, twoBreaks),
  badLoop('SharedInformer by content: made again, and silent', ['I22'], ComparesContent, (world) => {
    world.writes(10, { x: '1' });
    world.at(50, () => world.store.cut());
    world.writes(60, { x: undefined }, { x: '1' });
    world.at(90, () => world.store.compact());
  }),
  badLoop('microsoft/etcd3: waits until the revision has caught up', ['I23', 'I5', 'I18'], WaitsToCatchUp, (world) => {
    world.writes(10, { x: '1' }, { y: '1' });
    world.at(50, () => world.store.wipe());
    world.at(51, () => world.store.cut());
    world.writes(300, { x: '2' });
  }),
  badLoop('a restored backup as if nothing had happened', ['I23'], GoesBackSilently, (world) => {
    world.writes(10, { x: '1' }, { y: '1' });
    world.at(50, () => world.store.wipe());
    world.at(51, () => world.store.cut());
    world.writes(300, { x: '2' });
  }),
  badLoop('apisix: a time-out moves the token', ['I25', 'I10'], MovesToken, (world) => {
    world.writes(10, { x: '1' });
    world.at(50, () => world.store.cut());
    world.writes(60, { x: '2' }, { x: '3' });
    world.writes(300, { x: '4' });
  }),
  badLoop(
    'client-go before 410: goes on after a compaction',
    ['I24', 'I25', 'I27', 'I18'],
    GoesOnAfterCompaction,
    (world) => {
      world.writes(10, { x: '1' });
      world.at(50, () => world.store.cut());
      world.writes(60, { x: '2' }, { x: '3' });
      world.at(90, () => world.store.compact());
    },
  ),
  badLoop('a frame is settled twice', ['I33'], SettlesTwice, (world) => world.writes(10, { x: '1' })),
  {
    name: 'kubernetes-client/javascript: stop during a back-off stops nothing',
    breaks: ['I42'],
    adapter: { Loop: GoesOnAfterStop },
    play: (variant) =>
      play((world) => {
        const { store, history } = world;
        const subscription = world
          .source(variant === 'bad' ? GoesOnAfterStop : HandLoop)
          .pipe(history.tap('source'))
          .subscribe();
        world.at(50, () => store.cut());
        world.at(60, () => subscription.unsubscribe());
      }),
  },
  badLoop('RxDB PR#4612: a hiccup ends the stream', ['I43'], EndsOnHiccup, twoBreaks),
  {
    name: 'etcd cache: late frames are news',
    breaks: ['I45', 'I11'],
    adapter: { Loop: BelievesLateFrames, isTrusting: true },
    play: (variant) =>
      play((world) => {
        const { store, history } = world;
        const again = world.backend({
          watch: ({ from: after }) => store.watch(after).pipe(concatMap((frame) => [frame, { ...frame }])),
        });
        world.run(
          world.source(variant === 'bad' ? BelievesLateFrames : DropsLateFrames, again).pipe(history.tap('source')),
        );
        world.writes(10, { x: '1' }, { x: '2' });
      }),
  },
  {
    name: 'a half-open socket is waited for for ever',
    breaks: ['I28'],
    adapter: { claims: ['silence'] },
    play: (variant) =>
      play((world) =>
        world.run(world.source(HandLoop, mute(world, variant === 'good')).pipe(world.history.tap('source'))),
      ),
  },
  {
    name: 'NATS heartbeats, misread: a quiet connection is cut',
    breaks: ['I28'],
    play: (variant) =>
      play((world) => {
        const { history, store } = world;
        const Impatient = class extends HandLoop {
          override connect(): void {
            super.connect();
            const { connection } = this;
            if (this.epoch > 1 || variant === 'good') return;
            this.later(500, () => {
              connection.unsubscribe();
              this.relist('reconnected');
            });
          }
        };
        store.write({ x: '1' });
        world.run(world.source(Impatient, mute(world, true)).pipe(history.tap('source')));
      }),
  },
  {
    name: 'the status counts what was only received',
    breaks: ['I17'],
    play: (variant) =>
      play((world) => {
        const { history, store } = world;
        const status = (revision: number) =>
          history.statusObserver.next({
            subscription: 1,
            state: 'live',
            revision,
            lag: 0,
            unsettled: 0,
            lateClaims: 0,
            dropped: 0,
            unknownDeletes: 0,
          });
        const Reports = class extends HandLoop {
          override tellChange(...args: Parameters<HandLoop['tellChange']>): void {
            if (variant === 'bad') status(args[2]);
            super.tellChange(...args);
            if (variant === 'good') status(args[2]);
          }
        };
        world.run(world.source(Reports).pipe(history.tap('source')));
        world.writes(10, { x: '1' });
        world.at(20, () => store.write({ x: '2' }));
      }),
  },
  {
    name: 'a consumer that stores its token before the work is done',
    breaks: ['I26'],
    play: (variant) =>
      play((world) => {
        const { history } = world;
        const stored = world.source(HandLoop).pipe(
          history.tap('source'),
          map((event) => {
            const claim = event.claim();
            if (variant === 'bad') history.token(event.revision);
            timer(5).subscribe(() => {
              claim.done();
              if (variant === 'good') history.token(event.revision);
            });
          }),
        );
        world.run(stored);
        world.writes(10, { x: '1' }, { x: '2' });
      }),
  },
  {
    name: 'a broker that resolves before its commit',
    breaks: ['I41'],
    play: (variant) => {
      let published = 0;
      return play((world) => {
        const { history, store } = world;
        world.run(world.source(HandLoop).pipe(history.tap('source'), delay(0)));
        world.at(10, () => {
          // In virtual time a Promise comes too late; what a broker said is recorded as it would be.
          history.add({ type: 'publish', publish: ++published });
          const revision = variant === 'bad' ? store.revision + 1 : store.write({ x: '1' });
          history.add({ type: 'published', publish: published, revision });
        });
      });
    },
  },
];
