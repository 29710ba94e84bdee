import { catchError, concatMap, defer, delay, from, type Observable, of, timer } from 'rxjs';
import { ContinuityLost, type DatasyncEvent, type Outcome, pinned } from '../../../lib/index.ts';
import { outcomes } from '../../../lib/model/ack.ts';
import type { Change, KeyValue, Rejected, ResyncDiff } from '../../../lib/model/values.ts';
import type { ChangesFrame, Settled } from '../../../lib/source/frames.ts';
import { HandLoop } from './handLoop.ts';
import { badBackend, badLoop, type KnownBad, play, type World } from './play.ts';
import { BAD } from './tinyStore.ts';

// ---- kvdbsync: list, watch, resync ----------------------------------------------------------------------------------

/** The watch is opened after the list and without its revision: what was written between the two is lost. */
const watchFromNow = ({ store }: World) =>
  pinned<number>({
    list: () => store.list(),
    watch: () => timer(5).pipe(concatMap(() => store.watch(store.revision))),
  });

/** The resync goes to another channel than the changes, and a change may come first. */
class ChangeBeforeSnapshot extends HandLoop {
  override takeSnapshot(frame: Parameters<HandLoop['takeSnapshot']>[0]): void {
    if (this.epoch > 0) super.takeSnapshot(frame);
    else {
      const pages = this.pages;
      this.later(15, () => {
        this.pages = pages;
        super.takeSnapshot({ ...frame, revision: this.revision });
      });
    }
  }
}

/** A resync does not refresh the registry of previous values. */
class StalePrevious extends HandLoop {
  readonly #registry = new Map<string, string>();

  override previous(key: string): string | undefined {
    return this.#registry.get(key);
  }

  override note(key: string, item: KeyValue<string> | undefined): void {
    super.note(key, item);
    if (item !== undefined) this.#registry.set(key, item.value);
  }

  override diff(items: readonly KeyValue<string>[]): ResyncDiff<string> {
    const diff = super.diff(items);
    if (this.epoch === 0) for (const { key, value } of items) this.#registry.set(key, value);
    return diff;
  }
}

/** Nobody compares a resync with what was there: keys deleted meanwhile stay with the consumer. */
class ForgetsDeletes extends HandLoop {
  override diff(items: readonly KeyValue<string>[]): ResyncDiff<string> {
    return { ...super.diff(items), removed: [] };
  }
}

/** Changes that raced the resync are passed on after it, whatever it holds already. */
class StaleAfterResync extends HandLoop {
  readonly #recent: ChangesFrame<unknown>[] = [];

  override takeChanges(frame: ChangesFrame<unknown>): void {
    const { settled: _, ...copy } = frame;
    this.#recent.push(copy);
    super.takeChanges(frame);
  }

  override takeSnapshot(frame: Parameters<HandLoop['takeSnapshot']>[0]): void {
    super.takeSnapshot(frame);
    for (const frame of this.#recent.splice(0)) super.takeChanges(frame);
  }
}

/** A value that does not decode is skipped in a resync, and so it is gone. */
class UndecodableIsDeleted extends HandLoop {
  override goodOf(entries: Parameters<HandLoop['goodOf']>[0], revision: number): KeyValue<string>[] {
    return entries.flatMap((entry) => this.decode(entry, revision) ?? []);
  }
}

/** A transaction arrives as so many single changes. */
class Exploded extends HandLoop {
  override tellChange(
    changes: readonly Change<string>[],
    rejected: readonly Rejected<string>[],
    revision: number,
    settled?: Settled,
  ): void {
    const last = changes.at(-1);
    for (const change of changes.slice(0, -1)) super.tellChange([change], [], revision);
    super.tellChange(last === undefined ? [] : [last], rejected, revision, settled);
  }
}

/** A file database that looks for the prefix anywhere in the key. */
class ContainsPrefix extends HandLoop {
  override watches(key: string): boolean {
    return this.prefixes.some((prefix) => key.includes(prefix));
  }
}

// ---- the stores -----------------------------------------------------------------------------------------------------

/** etcd: compacted while away, it begins again where the log begins, without a word. */
const skipsForward = ({ store }: World) => {
  const watch = (after: number): Observable<ChangesFrame<number>> =>
    store.watch(after).pipe(
      catchError((error: unknown) => {
        if (error instanceof ContinuityLost) return watch(store.compacted);
        throw error;
      }),
    );
  return pinned<number>({ list: () => store.list(), watch: ({ from }) => watch(from) });
};

/** Redis: one previous value for all keys. */
class SharedPrevious extends HandLoop {
  #previous: string | undefined;

  override previous(): string | undefined {
    return this.#previous;
  }

  override note(key: string, item: KeyValue<string> | undefined): void {
    super.note(key, item);
    this.#previous = item?.value;
  }
}

/** Redis: the event names the key, the value is fetched later: it may be a newer one. */
const getPerEvent = ({ store }: World) =>
  pinned<number>({
    list: () => store.list(),
    watch: ({ from: after }) =>
      store.watch(after).pipe(
        delay(15),
        concatMap((frame) => {
          const changes = frame.changes.map((change) => {
            const now = store.entries.get(change.key);
            if (change.op === 'delete' || now === undefined) return change;
            return {
              ...change,
              value: store.page([now]).entries.map((entry) => ('value' in entry ? entry.value : new Uint8Array()))[0]!,
            };
          });
          return of({ ...frame, changes });
        }),
      ),
  });

/** Consul: a delete carries the `ModifyIndex` of the last put. */
class OldModifyIndex extends HandLoop {
  override deletedAt(key: string): number {
    return this.told.get(key)?.revision ?? 0;
  }
}

/** Consul: an error of the list closes the channel, and that was it. */
class DiesSilently extends HandLoop {
  override broken(): void {
    this.connection.unsubscribe();
  }
}

/** Redis: the error loop has no pause. */
class RetriesAtOnce extends HandLoop {
  override later(_ms: number, action: () => void): void {
    action();
  }
}

// ---- acks -----------------------------------------------------------------------------------------------------------

/** The time-out of a commit is its success, and so is silence. */
class UnknownIsSuccess extends HandLoop {
  override settle(settled: Settled | undefined, outcome: Outcome): void {
    super.settle(settled, outcome.type === 'failed' ? outcome : outcomes.applied);
  }
}

/** `Close` of one registration closes the channel of all. */
function sharedClose(world: World, isBad: boolean): Observable<DatasyncEvent<string>>[] {
  const { history } = world;
  const open = new Set<HandLoop>();
  return ['a', 'b'].map(() =>
    defer(() => {
      const source = world.source(
        class extends HandLoop {
          override connect(): void {
            open.add(this);
            super.connect();
          }

          override close(): void {
            super.close();
            open.delete(this);
            if (isBad) for (const other of [...open]) other.subscriber.complete();
          }
        },
      );
      return source.pipe(history.tap('source'));
    }),
  );
}

// ---- scenes ---------------------------------------------------------------------------------------------------------

const away = (world: World): void => {
  const { store } = world;
  store.write({ x: '1', y: '1', z: '1' });
  world.writes(20, { x: '2' });
  // Back with a listing: the log is gone.
  world.at(50, () => store.cut());
  world.at(60, () => {
    store.write({ y: undefined });
    store.write({ z: '2' });
    store.compact();
  });
};

/** The defects of Ligato cn-infra, and of what stands on it. */
export const cnInfra: readonly KnownBad[] = [
  badBackend('cn-infra kvdbsync: list, then watch without a start revision', ['I10'], watchFromNow, ({ store, at }) => {
    store.write({ x: '1' });
    at(2, () => store.write({ x: '2' }));
    at(20, () => store.write({ x: '3' }));
  }),
  badLoop('cn-infra kvdbsync: a change before the snapshot', ['I1'], ChangeBeforeSnapshot, ({ store, at }) => {
    at(5, () => store.write({ x: '1' }));
    at(8, () => store.write({ x: undefined }));
  }),
  badLoop('cn-infra kvdbsync: previous values survive a resync', ['I14'], StalePrevious, (world) => {
    away(world);
    world.writes(500, { z: '3' });
  }),
  badLoop('cn-infra kvdbsync: deletes lost while away', ['I21', 'I18'], ForgetsDeletes, away),
  badLoop('cn-infra kvdbsync: a stale delete after the resync', ['I9'], StaleAfterResync, (world) => {
    const { store, requests, at } = world;
    store.write({ x: '1', y: '1' });
    world.writes(20, { x: undefined }, { x: '2' });
    at(50, () => requests.next());
    world.writes(60, { x: '3' });
  }),
  badLoop('vpp-agent orchestrator: an undecodable value counts as deleted', ['I40'], UndecodableIsDeleted, (world) => {
    away(world);
    world.at(61, () => world.store.write({ x: BAD }));
    world.at(62, () => world.store.compact());
  }),
  badLoop('cn-infra etcd: a transaction as single events', ['I13'], Exploded, (world) =>
    world.writes(10, { x: '1', y: '1' }, { x: '2', y: undefined }),
  ),
  badBackend('cn-infra etcd: compacted while away, it skips forward', ['I24'], skipsForward, (world) => {
    away(world);
    world.writes(500, { y: '3', z: '3' });
  }),
  badLoop('cn-infra redis: one previous value for all keys', ['I14'], SharedPrevious, (world) =>
    world.writes(10, { x: '1' }, { x: '2' }, { y: '1' }),
  ),
  badBackend('cn-infra redis: a GET for each event', ['I19'], getPerEvent, (world) =>
    world.writes(10, { x: '1' }, { x: '2' }, { x: '3' }),
  ),
  badLoop('cn-infra consul: a delete with the revision of the last put', ['I15'], OldModifyIndex, (world) =>
    world.writes(10, { x: '1' }, { y: '1' }, { x: undefined }),
  ),
  badLoop('cn-infra consul: the watch dies silently', ['I18', 'I27'], DiesSilently, away),
  badBackendScene('cn-infra redis: an error loop without a pause'),
  {
    name: 'cn-infra filedb: strings.Contains for a prefix',
    breaks: ['I4'],
    adapter: { Loop: ContainsPrefix },
    play: (variant) =>
      play((world) => {
        const { store, history } = world;
        store.write({ 'a/1': '1', 'ba/1': '1' });
        world.run(
          world
            .source(variant === 'bad' ? ContainsPrefix : HandLoop, world.backend(), ['a/'])
            .pipe(history.tap('source')),
        );
        world.writes(10, { 'a/2': '1' }, { 'ba/2': '2' });
      }),
  },
  badLoop('cn-infra syncbase: unknown, and a time-out, count as success', ['I35'], UnknownIsSuccess, (world) =>
    world.writes(10, { x: '1' }),
  ),
  {
    name: 'cn-infra: Close of one closes all',
    breaks: ['I2'],
    play: (variant) =>
      play((world) => {
        const [a, b] = sharedClose(world, variant === 'bad');
        world.run(from([0]).pipe(concatMap(() => b!)));
        const first = a!.subscribe();
        world.at(50, () => first.unsubscribe());
        world.writes(10, { x: '1' });
      }),
  },
];

/** The server refuses for a while. */
function badBackendScene(name: string): KnownBad {
  return {
    name,
    breaks: ['I27'],
    adapter: { Loop: RetriesAtOnce },
    play: (variant) =>
      play((world) => {
        let left = 6;
        const backend = world.backend({
          list: () => {
            if (left-- > 0) throw new Error('connection refused');
            return world.store.list();
          },
        });
        world.run(
          world.source(variant === 'bad' ? RetriesAtOnce : HandLoop, backend).pipe(world.history.tap('source')),
        );
      }),
  };
}
