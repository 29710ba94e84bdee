import { type MonoTypeOperatorFunction, Subscription } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { connect } from '../internal/connect.ts';
import { same } from '../internal/same.ts';
import { settledWell } from '../model/ack.ts';
import { type ChangeEvent, type DatasyncEvent, type ResyncEvent, release, retained } from '../model/events.ts';
import { checkOptions, rule } from '../model/options.ts';
import type { Change } from '../model/values.ts';
import { passOn } from './internal/passOn.ts';
import { sinceTold } from './internal/sinceTold.ts';

/**
 * Drops every put whose value equals what was told for that key.
 *
 * ![](../../marbles/distinctValue.svg)
 *
 * Nothing is lost by it: the revision goes on, an event that is left with nothing is settled `delivered`, and previous
 * values, the diffs of later resyncs and `lastGood` say what went through here. Told all the same is a put after a delete,
 * after the key was `rejected`, and after the event (or the resync) that told the value has failed: the consumer may not
 * hold it. A change that follows states which only `comparator` takes for equal says `coalesced`, and a resync's diff names their keys.
 *
 * It compares with `prevValue`: Observables of your own need {@link trackPrevious} above it.
 *
 * Order: kept. Errors: passed on; one that `comparator` throws ends the stream. Completion: passed on. Memory: one entry
 * per key that failed or is rejected, or whose dropped value differs from what was told.
 *
 * @example
 * fromConsul(client, { prefixes: ['/load/'], codec }).pipe(distinctValue((told, value) => Math.abs(told - value) < 5))
 *
 * @see {@link filterByRevision} to drop what the snapshot contains already
 * @param comparator whether a value is to be taken for the one that was told. Default: deep equality of what codecs make
 * (JSON, bytes, dates, Maps and Sets).
 * @returns an operator that passes every resync and every delete, and the puts that say something new
 * @throws DatasyncError `INVALID_CONFIG` at once, where `comparator` is no function
 */
export function distinctValue<T>(
  comparator: (told: T, value: T) => boolean = same,
): MonoTypeOperatorFunction<DatasyncEvent<T>> {
  checkOptions('distinctValue', { comparator }, { comparator: rule.callback });
  return (source) =>
    cold((subscriber) => {
      // What was told, of keys for which the source has gone on to a value that only `comparator` takes for equal.
      const behind = new Map<string, T>();
      // Keys of which the consumer may not hold what was told: failed on, or rejected since.
      let doubtful = new Set<string>();
      let latest: ResyncEvent<T> | undefined;
      let allDoubtful = false;

      const takeResync = (arrived: ResyncEvent<T>): void => {
        const event = sinceTold(arrived, behind);
        behind.clear();
        doubtful = new Set(arrived.rejected.map(({ key }) => key));
        allDoubtful = false;
        latest = event;
        passOn(subscriber, event, (outcome) => {
          if (!settledWell(outcome) && latest === event) allDoubtful = true;
        });
      };

      const isDropped = (change: Change<T>, told: T | undefined): boolean => {
        const { op, key } = change;
        if (op === 'delete' || told === undefined || allDoubtful || doubtful.has(key)) return false;
        if (!comparator(told, change.value)) return false;
        if (comparator === same || same(told, change.value)) behind.delete(key);
        else behind.set(key, told);
        return true;
      };

      const takeChange = (arrived: ChangeEvent<T>): void => {
        let { rejected, coalesced } = arrived;
        if (behind.size > 0)
          rejected = rejected.map((item) =>
            behind.has(item.key) ? { ...item, lastGood: behind.get(item.key)! } : item,
          );
        const changes: Change<T>[] = [];
        for (const change of arrived.changes) {
          const { key } = change;
          const isBehind = behind.has(key);
          const told = isBehind ? behind.get(key) : change.prevValue;
          if (isDropped(change, told)) continue;
          changes.push(isBehind ? { ...change, prevValue: told } : change);
          if (isBehind) coalesced = true;
          behind.delete(key);
          doubtful.delete(key);
        }
        for (const { key } of rejected) doubtful.add(key);
        if (changes.length === 0 && rejected.length === 0) {
          release(arrived);
          return;
        }
        const isWhole = changes.length === arrived.changes.length && coalesced === arrived.coalesced;
        const event =
          isWhole && rejected === arrived.rejected ? arrived : arrived.with({ changes, rejected, coalesced });
        passOn(subscriber, event, (outcome) => {
          // Superseded is what a resync replaced, and that tells every key.
          if (!settledWell(outcome) && outcome.type !== 'superseded') for (const { key } of changes) doubtful.add(key);
        });
      };

      const upstream = new Subscription();
      subscriber.add(upstream);
      connect(
        source,
        {
          next: (arrived) => {
            const event = retained(arrived, 'distinctValue');
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
