import { catchError, concatMap, defer, delay, type Observable, of, timer } from 'rxjs';
import { ContinuityLost, type DatasyncEvent, type Outcome, pinned } from '../../../lib/index.ts';
import { outcomes } from '../../../lib/model/ack.ts';
import type { Change, KeyValue, Rejected, ResyncDiff } from '../../../lib/model/values.ts';
import type { ChangesFrame, Settled } from '../../../lib/source/frames.ts';
import { HandLoop } from './handLoop.ts';
import type { World } from './play.ts';

// ---- kvdbsync: list, watch, resync ----------------------------------------------------------------------------------

/** The watch is opened after the list and without its revision: what was written between the two is lost. */
export const watchFromNow = ({ store }: World) =>
  pinned<number>({
    list: () => store.list(),
    watch: () => timer(5).pipe(concatMap(() => store.watch(store.revision))),
  });

/** The resync goes to another channel than the changes, and a change may come first. */
export class ChangeBeforeSnapshot extends HandLoop {
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
export class StalePrevious extends HandLoop {
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
export class ForgetsDeletes extends HandLoop {
  override diff(items: readonly KeyValue<string>[]): ResyncDiff<string> {
    return { ...super.diff(items), removed: [] };
  }
}

/** Changes that raced the resync are passed on after it, whatever it holds already. */
export class StaleAfterResync extends HandLoop {
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
export class UndecodableIsDeleted extends HandLoop {
  override goodOf(entries: Parameters<HandLoop['goodOf']>[0], revision: number): KeyValue<string>[] {
    return entries.flatMap((entry) => this.decode(entry, revision) ?? []);
  }
}

/** A transaction arrives as so many single changes. */
export class Exploded extends HandLoop {
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
export class ContainsPrefix extends HandLoop {
  override watches(key: string): boolean {
    return this.prefixes.some((prefix) => key.includes(prefix));
  }
}

// ---- the stores -----------------------------------------------------------------------------------------------------

/** etcd: compacted while away, it begins again where the log begins, without a word. */
export const skipsForward = ({ store }: World) => {
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
export class SharedPrevious extends HandLoop {
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
export const getPerEvent = ({ store }: World) =>
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
export class OldModifyIndex extends HandLoop {
  override deletedAt(key: string): number {
    return this.told.get(key)?.revision ?? 0;
  }
}

/** Consul: an error of the list closes the channel, and that was it. */
export class DiesSilently extends HandLoop {
  override broken(): void {
    this.connection.unsubscribe();
  }
}

/** Redis: the error loop has no pause. */
export class RetriesAtOnce extends HandLoop {
  override later(_ms: number, action: () => void): void {
    action();
  }
}

// ---- acks -----------------------------------------------------------------------------------------------------------

/** The time-out of a commit is its success, and so is silence. */
export class UnknownIsSuccess extends HandLoop {
  override settle(settled: Settled | undefined, outcome: Outcome): void {
    super.settle(settled, outcome.type === 'failed' ? outcome : outcomes.applied);
  }
}

/** `Close` of one registration closes the channel of all. */
export function sharedClose(world: World, isBad: boolean): Observable<DatasyncEvent<string>>[] {
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
