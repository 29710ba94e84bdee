import { filter, Subject, timer } from 'rxjs';
import { bufferDuringResync } from '../../../lib/index.ts';
import type { ResyncEvent } from '../../../lib/model/events.ts';
import type { Settled } from '../../../lib/source/frames.ts';
import { smallBuffer, trustingBuffer } from './buffers.ts';
import { HandLoop } from './handLoop.ts';
import { type KnownBad, play } from './play.ts';
import { replayedWindow } from './window.ts';
import { failsOnDeletes, slowly, work } from './work.ts';

/** Listeners in the order they were registered: the source, which was first, reacts before the buffer has let go. */
class ReactsFirst extends HandLoop {
  override sendResync(event: ResyncEvent<string>, settled?: Settled): void {
    const ack = this.send(event, settled, () => undefined);
    // Registered last, and so told first: as if the order were the other one.
    ack.onSettled(() => {
      if (this.openResync === ack) this.openResync = undefined;
      if (this.due !== undefined) this.relist(this.due);
    });
  }
}

/** A resync waits until every change has been settled: those that wait for a resync never are. */
class WaitsForChanges extends HandLoop {
  override again(): void {
    if (this.open.size === 0) super.again();
    else this.later(20, () => this.again());
  }

  override request(): void {
    if (this.open.size === 0) super.request();
    else this.later(20, () => this.request());
  }
}

/** What a consumer failed on is told again against what was told, as if it had been applied. */
class ForgetsSuspects extends HandLoop {
  override amended(event: ResyncEvent<string>): { event: ResyncEvent<string>; clear: () => void } {
    return { event, clear: () => undefined };
  }
}

/** Any resync that is settled well clears all suspects, also those it could not name. */
class ClearsAllSuspects extends HandLoop {
  override amended(plain: ResyncEvent<string>): { event: ResyncEvent<string>; clear: () => void } {
    const { event, clear } = super.amended(plain);
    return {
      event,
      clear: () => {
        clear();
        this.suspects = new (this.suspects.constructor as new () => HandLoop['suspects'])();
      },
    };
  }

  /** Only a failed resync is told again. */
  override react(): void {
    return;
  }
}

class ReportsOnly extends HandLoop {
  override react(): void {
    return;
  }
}

/** Every request is a resync, whatever is still open. */
class PilesUp extends HandLoop {
  override request(): void {
    this.relist('requested');
  }
}

/** The new prefixes are listed while the old connection goes on. */
class KeepsOldConnection extends HandLoop {
  override rewatch(prefixes: readonly string[]): void {
    const old = this.connection;
    this.prefixes = prefixes;
    this.forget('prefixes');
    this.connect();
    this.connection.add(old);
  }
}

/** The defects of the two prototypes, each a rule of the design since. */
export const trial: readonly KnownBad[] = [
  replayedWindow,
  {
    name: 'trial: changes thrown away, and the resync not amended',
    breaks: ['I14', 'I18'],
    play: (variant) =>
      play((world) => {
        const { history, store } = world;
        store.write({ x: '1' });
        const buffer = smallBuffer(variant === 'good');
        world.run(
          world
            .source(HandLoop)
            .pipe(history.tap('source'), buffer, history.tap('buffered'), work(world, slowly(50, [1]))),
        );
        world.writes(10, { y: '1' });
      }),
  },
  {
    name: 'trial: listeners in the order of registration',
    breaks: ['I30'],
    play: (variant) =>
      play((world) => {
        const { history, store, requests } = world;
        store.write({ x: '1' });
        const Loop = variant === 'bad' ? ReactsFirst : HandLoop;
        world.run(
          world
            .source(Loop)
            .pipe(history.tap('source'), trustingBuffer(), history.tap('buffered'), work(world, slowly(50))),
        );
        world.at(20, () => requests.next());
        world.writes(60, { x: '2' });
      }),
  },
  {
    name: 'trial: a resync that waits for open changes',
    breaks: ['I39', 'I33'],
    adapter: { Loop: WaitsForChanges },
    play: (variant) =>
      play((world) => {
        const { history, store, requests } = world;
        store.write({ x: '1' });
        const Loop = variant === 'bad' ? WaitsForChanges : HandLoop;
        world.run(
          world
            .source(Loop)
            .pipe(history.tap('source'), bufferDuringResync(), history.tap('buffered'), work(world, slowly(50, [1]))),
        );
        world.writes(10, { x: '2' });
        world.at(100, () => {
          history.request();
          requests.next();
        });
      }),
  },
  {
    name: 'trial: a nacked resync that forgets deletions',
    breaks: ['I21'],
    adapter: { Loop: ForgetsSuspects },
    play: (variant) =>
      play((world) => {
        const { history, store } = world;
        store.write({ x: '1', y: '1' });
        let fails = 1;
        const Loop = variant === 'bad' ? ForgetsSuspects : HandLoop;
        world.run(
          world.source(Loop).pipe(
            history.tap('source'),
            work(
              world,
              failsOnDeletes(() => fails-- > 0),
            ),
          ),
        );
        world.writes(10, { x: undefined });
      }),
  },
  {
    name: 'trial: suspects cleared by a resync that did not name them',
    breaks: ['I21'],
    adapter: { Loop: ClearsAllSuspects },
    play: (variant) =>
      play((world) => {
        const { history, store, requests } = world;
        store.write({ x: '1', y: '1' });
        const Loop = variant === 'bad' ? ClearsAllSuspects : ReportsOnly;
        const claims = new Subject<void>();
        const consumer = world.source(Loop).pipe(
          history.tap('source'),
          filter((event) => {
            const claim = event.claim();
            const isLate = event.type === 'change';
            // The change fails after the resync was told, and before that has been settled.
            if (isLate) claims.subscribe(() => claim.fail(new Error('failed')));
            else timer(30).subscribe(() => claim.done());
            return true;
          }),
        );
        world.run(consumer);
        world.writes(50, { x: undefined });
        world.at(100, () => requests.next());
        world.at(110, () => claims.next());
        world.at(200, () => requests.next());
      }),
  },
  {
    name: 'trial: resyncs pile up under a stuck consumer',
    breaks: ['I31', 'I39'],
    adapter: { Loop: PilesUp },
    play: (variant) =>
      play(
        (world) => {
          const { history, requests } = world;
          world.store.write({ x: '1' });
          const Loop = variant === 'bad' ? PilesUp : HandLoop;
          world.run(
            world.source(Loop).pipe(
              history.tap('source'),
              filter((event) => event.claim() !== undefined),
            ),
          );
          for (const at of [10, 20, 30]) world.at(at, () => requests.next());
        },
        { holding: true },
      ),
  },
  {
    name: 'trial: the old connection lives on during a change of prefixes',
    breaks: ['I29'],
    adapter: { Loop: KeepsOldConnection },
    play: (variant) =>
      play((world) => {
        const { history, store } = world;
        store.write({ 'a/1': '1', 'b/1': '1' });
        const Loop = variant === 'bad' ? KeepsOldConnection : HandLoop;
        const source = world.source(
          class extends Loop {
            override connect(): void {
              super.connect();
              if (this.prefixes.length === 1) this.later(50, () => this.rewatch(['a/', 'b/']));
            }
          },
          world.backend(),
          ['a/'],
        );
        world.run(source.pipe(history.tap('source')));
      }),
  },
];
