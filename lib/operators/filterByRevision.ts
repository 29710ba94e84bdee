import { defer, filter, type MonoTypeOperatorFunction } from 'rxjs';
import { outcomes } from '../model/ack.ts';
import { ackOf, checkEvent, type DatasyncEvent } from '../model/events.ts';

/**
 * Drops every change that the snapshot already contains.
 *
 * ![](../../marbles/filterByRevision.svg)
 *
 * A change, put or delete alike, of a revision that is not above the last resync's is settled `superseded` and goes no
 * further; a resync always passes and sets the new base, up or down, whatever its reason. The comparison is with the
 * store-wide revision of the resync, not with that of the key: a stale delete at 60 must not kill what the snapshot at 61 shows.
 *
 * Once per source, after {@link bufferDuringResync}; never after rxjs `merge` of different sources, whose revisions do
 * not compare. Behind `fromX` it finds nothing to drop; behind `listX` and `watchX` it is what keeps the truth.
 *
 * Order: kept. Errors and completion: passed on. Memory: one number.
 *
 * @example
 * merge(watchMemory(store, config), listMemory(store, config)).pipe(bufferDuringResync(), filterByRevision())
 *
 * @see {@link bufferDuringResync} to hold back changes until the snapshot has been applied
 * @returns an operator that passes every resync, and the changes after it
 */
export function filterByRevision<T>(): MonoTypeOperatorFunction<DatasyncEvent<T>> {
  return (source) =>
    defer(() => {
      let base = Number.NEGATIVE_INFINITY;
      return source.pipe(
        filter((event) => {
          checkEvent(event, 'filterByRevision');
          if (event.type === 'resync') {
            base = event.revision;
            return true;
          }
          if (event.revision > base) return true;
          ackOf(event)?.note(outcomes.superseded);
          return false;
        }),
      );
    });
}
