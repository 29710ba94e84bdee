import { concat, concatMap, from, map, of, throwError, timer, toArray } from 'rxjs';
import { ChangeEvent, type DatasyncEvent, pinned, type ResyncReason } from '../../../lib/index.ts';
import type { Change, KeyValue, Rejected } from '../../../lib/model/values.ts';
import { type ChangesFrame, ContinuityLost, type Settled } from '../../../lib/source/frames.ts';
import { HandLoop } from './handLoop.ts';
import { badBackend, badLoop, type KnownBad, play, type World } from './play.ts';

// ---- snapshots ------------------------------------------------------------------------------------------------------

/** Pages without a revision to hold them together: each is of its own time. */
const unpinnedPages = ({ store }: World) =>
  pinned<number>({
    list: () =>
      from(['a', 'b']).pipe(
        concatMap((letter) =>
          timer(10).pipe(
            map(() => store.page([...store.entries.values()].filter(({ key }) => key.startsWith(letter)))),
          ),
        ),
        // Honest revisions `pinned` would refuse: the pages are said to be of the time of the last one.
        toArray(),
        concatMap((pages) => pages.map(({ entries }) => ({ ...pages.at(-1)!, entries }))),
      ),
    watch: ({ from: after }) => store.watch(after),
  });

/** nats.js: nothing there, nothing said. */
class SilentWhenEmpty extends HandLoop {
  override tellResync(
    reason: ResyncReason,
    items: readonly KeyValue<string>[],
    revision: number,
    settled?: Settled,
  ): void {
    if (items.length > 0) super.tellResync(reason, items, revision, settled);
    else settled?.({ type: 'superseded' });
  }
}

/** kube-rs: what a broken listing had brought stays in the buffer. */
class KeepsBrokenPages extends HandLoop {
  override forgetPages(): void {
    // Nobody does it.
  }
}

/** python-firestore: an error is a snapshot with nothing in it. */
class EmptyOnError extends HandLoop {
  override broken(error: unknown): void {
    if (this.epoch > 0) this.tellResync('reconnected', [], this.revision);
    super.broken(error);
  }
}

/** A view that is cleared for each resync, and then filled. */
const clearedViews = (event: DatasyncEvent<string>, state: Map<string, string>): Map<string, string>[] => {
  if (event.type === 'resync')
    return [new Map(), new Map(Array.from(event.entries, ({ key, value }) => [key, value] as const))];
  const next = new Map(state);
  for (const change of event.changes) if (change.op === 'put') next.set(change.key, change.value);
  return [next];
};

// ---- changes --------------------------------------------------------------------------------------------------------

/** At least once. */
class Duplicates extends HandLoop {
  override takeChanges(frame: ChangesFrame<unknown>): void {
    super.takeChanges(frame);
    const { settled: _, ...copy } = frame;
    super.takeChanges(copy);
  }
}

/** Two queues, and no order between them. */
class OutOfOrder extends HandLoop {
  #held: ChangesFrame<unknown> | undefined;

  override takeChanges(frame: ChangesFrame<unknown>): void {
    if (this.#held === undefined) {
      this.#held = frame;
      return;
    }
    super.takeChanges(frame);
    super.takeChanges(this.#held);
    this.#held = undefined;
  }
}

/** Bolt's filter: equal content is no event, though nobody asked for that. */
class DropsEqualPuts extends HandLoop {
  override takeChanges(frame: ChangesFrame<unknown>): void {
    const [change] = frame.changes;
    const isEqual = change?.op === 'put' && this.decode(change, 0)?.value === this.told.get(change.key)?.value;
    if (isEqual) frame.settled?.({ type: 'superseded' });
    else super.takeChanges(frame);
  }
}

/** What waits is kept per key, but deletes are not. */
class CoalescesAwayDeletes extends HandLoop {
  #waiting = new Map<string, Change<string>>();

  override tellChange(
    changes: readonly Change<string>[],
    rejected: readonly Rejected<string>[],
    revision: number,
    settled?: Settled,
  ): void {
    for (const change of changes) if (change.op === 'put') this.#waiting.set(change.key, change);
    if (this.#waiting.size < 2) {
      settled?.({ type: 'superseded' });
      return;
    }
    const event = new ChangeEvent({
      epoch: this.epoch,
      revision,
      changes: [...this.#waiting.values()],
      rejected,
      coalesced: true,
    });
    this.#waiting = new Map();
    this.send(event, settled, () => undefined);
  }
}

/** Other systems' defects, as the contract names them. */
export const peers: readonly KnownBad[] = [
  badBackend('etcd without WithRev: pages of different times', ['I3'], unpinnedPages, ({ store, at }) => {
    store.write({ a: '1', b: '1' });
    at(15, () => store.write({ a: '2', b: '2' }));
    at(50, () => store.write({ a: '3' }));
  }),
  badLoop('nats.js: an empty store is not told', ['I5'], SilentWhenEmpty, () => undefined),
  {
    name: 'kube-rs: a broken listing leaves a trace',
    breaks: ['I6'],
    adapter: { Loop: KeepsBrokenPages },
    play: (variant) =>
      play((world) => {
        const { store } = world;
        let isBroken = true;
        store.write({ a: '1', b: '1' });
        const backend = world.backend({
          list: () => {
            if (!isBroken) return store.list();
            isBroken = false;
            return concat(
              of(store.page()),
              timer(5).pipe(concatMap(() => throwError(() => new Error('the listing broke')))),
            );
          },
        });
        world.run(
          world.source(variant === 'bad' ? KeepsBrokenPages : HandLoop, backend).pipe(world.history.tap('source')),
        );
        world.writes(20, { a: undefined, b: undefined });
        // Else the keys would stay until the end.
        world.writes(300, { a: '2', b: '2' });
      }),
  },
  badLoop('python-firestore: an error is an empty snapshot', ['I7'], EmptyOnError, (world) => {
    world.writes(10, { x: '1', y: '1' });
    world.at(50, () => world.store.cut(new ContinuityLost('reconnected')));
  }),
  {
    name: 'make-mirror and others: the view is cleared before it is filled',
    breaks: ['I8'],
    play: (variant) =>
      play((world) => {
        const { history, requests } = world;
        world.store.write({ x: '1' });
        let state = new Map<string, string>();
        const views = world.source(HandLoop).pipe(
          history.tap('source'),
          concatMap((event) => {
            const all = clearedViews(event, state);
            state = all.at(-1)!;
            return variant === 'bad' ? all : all.slice(-1);
          }),
          history.tapStates(),
        );
        world.run(views);
        world.at(50, () => requests.next());
      }),
  },
  badLoop('NATS KV: at least once', ['I11'], Duplicates, (world) => world.writes(10, { x: '1' }, { x: '2' })),
  badLoop('etcd#15271: out of order', ['I12'], OutOfOrder, (world) =>
    world.writes(10, { x: '1' }, { y: '1' }, { x: '2' }, { z: '1' }),
  ),
  badLoop('Bolt: equal puts are dropped unasked', ['I16'], DropsEqualPuts, (world) =>
    world.writes(10, { x: '1' }, { x: '1' }, { y: '1' }),
  ),
  badLoop('electric: a coalesced delete is lost', ['I32', 'I14'], CoalescesAwayDeletes, (world) => {
    world.store.write({ x: '1', y: '1' });
    world.writes(10, { x: undefined }, { y: '2' }, { z: '1' });
    world.writes(100, { x: '2' }, { z: '2' });
  }),
];
