import { type MonoTypeOperatorFunction, Subscription } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { connect } from '../internal/connect.ts';
import { type Outcome, settledWell } from '../model/ack.ts';
import { type ChangeEvent, type DatasyncEvent, type ResyncEvent, release, retained } from '../model/events.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { Change, KeyValue, Rejected } from '../model/values.ts';
import { amended, Suspects } from '../source/suspects.ts';
import { diffOf } from './internal/diffOf.ts';
import { passOn } from './internal/passOn.ts';

/**
 * Gives Observables of your own what every source has: epochs, previous values, diffs, and suspects.
 *
 * ![](../../marbles/trackPrevious.svg)
 *
 * `prevValue` becomes what went through here last for that key. A resync gets the next epoch and the diff against that;
 * a key is `changed` unless it has the same revision, or, where the history went back, the same value. A delete of a
 * key that never went through goes no further, and an event left with nothing neither. The keys of an event that failed
 * below are named by every resync until one that names them has been settled well. A key that cannot be decoded keeps
 * its last good value. Nobody retries a hand-made resync: after a failure {@link bufferDuringResync} holds until the next list.
 *
 * Order: kept. Errors and completion: passed on. Memory: one entry per key.
 *
 * @example
 * merge(watchMemory(store, config), listMemory(store, config)).pipe(bufferDuringResync(), filterByRevision(), trackPrevious())
 *
 * @see {@link bufferDuringResync} and {@link filterByRevision}, which stand above it
 * @returns an operator that passes the same events, filled in
 */
export function trackPrevious<T>(): MonoTypeOperatorFunction<DatasyncEvent<T>> {
  return (source) =>
    cold((subscriber) => {
      const suspects = new Suspects<T>();
      let told = new Map<string, KeyValue<T>>();
      // Told as rejected, and not good since.
      let bad = new Set<string>();
      let epoch = 0;
      let revision = Number.NEGATIVE_INFINITY;

      const judge = (event: DatasyncEvent<T>, clear: () => void) => (outcome: Outcome) => {
        if (settledWell(outcome)) clear();
        else if (event.type === 'resync' || outcome.type !== 'superseded') suspects.add(event);
      };

      const takeResync = (arrived: ResyncEvent<T>): void => {
        const wentBack = arrived.reason === 'regressed' || arrived.revision < revision;
        const before = told;
        const wasBad = bad;
        told = new Map(arrived.entries.items.map((item) => [item.key, item]));
        bad = new Set(arrived.rejected.map(({ key }) => key));
        const rejected = arrived.rejected.map((item) => {
          const good = told.has(item.key) ? undefined : before.get(item.key);
          if (good === undefined) return item;
          told.set(item.key, good);
          return { ...item, lastGood: good.value };
        });
        const entries = told.size === arrived.entries.size ? arrived.entries : new Snapshot([...told.values()]);
        revision = arrived.revision;
        const recovered = (key: string): boolean => wasBad.has(key) && !bad.has(key);
        const diff = diffOf(before, told, wentBack, recovered);
        const { event, clear } = amended(arrived.with({ epoch: ++epoch, entries, diff, rejected }), suspects);
        passOn(subscriber, event, judge(event, clear));
      };

      const takeChange = (arrived: ChangeEvent<T>): void => {
        revision = arrived.revision;
        const rejected = arrived.rejected.map((item): Rejected<T> => {
          const good = told.get(item.key);
          bad.add(item.key);
          return good === undefined ? item : { ...item, lastGood: good.value };
        });
        const changes: Change<T>[] = [];
        for (const change of arrived.changes) {
          const { key } = change;
          const before = told.get(key);
          const wasBad = bad.delete(key);
          if (change.op === 'put') told.set(key, { key, value: change.value, revision: change.revision });
          // Of a key that never was good a delete is told once.
          else if (before === undefined && !wasBad) continue;
          else told.delete(key);
          changes.push({ ...change, prevValue: before?.value });
        }
        if (changes.length === 0 && rejected.length === 0) {
          release(arrived);
          return;
        }
        const event = arrived.with({ epoch, changes, rejected });
        suspects.told(event);
        passOn(
          subscriber,
          event,
          judge(event, () => undefined),
        );
      };

      const upstream = new Subscription();
      subscriber.add(upstream);
      connect(
        source,
        {
          next: (arrived) => {
            const event = retained(arrived, 'trackPrevious');
            if (event.type === 'resync') takeResync(event);
            else takeChange(event);
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        },
        upstream,
      );
    });
}
