import type { MonoTypeOperatorFunction, ObservableInput } from 'rxjs';
import type { DatasyncEvent, ResyncEvent } from '../model/events.ts';
import { checkOptions, rule } from '../model/options.ts';
import { buffered } from './internal/buffered.ts';

/**
 * Holds back changes until the snapshot before them has been applied.
 *
 * ![](../../marbles/bufferDuringResync.svg)
 *
 * Changes wait before the first resync, and from the delivery of each resync until the latest one has been settled
 * well: at once where nobody claims it, else when the consumer is done. After a failed one they go on waiting for the next.
 * When a resync arrives, a held change of an older epoch or of a revision not above the resync's is settled `superseded`,
 * and the diffs of this and every following resync say what the consumer really holds, until one has been settled well;
 * after `regressed` all held changes are. A hand-made resync (epoch 0) that is older than the last event let through, and
 * does not say `regressed`, is settled `superseded` itself.
 *
 * Order: kept, transactions too. Errors: passed on at once; what is held is `cancelled`. Completion: waits for the open
 * resync, then lets the held changes through, or cancels them where it failed. Memory: one claim per change held, bounded
 * by the source's `inFlight`.
 *
 * @example
 * fromEtcd(client, { prefixes: ['/vnf/'], codec }).pipe(bufferDuringResync(), ackWithCallback({ resync, change }))
 *
 * @see {@link filterByRevision} to drop the changes that the snapshot already contains
 * @param until replaces the settlement: changes flow when it first emits or completes, also after a failed resync; it is
 * subscribed after the resync was delivered, and its error is passed on. Default: the settlement.
 * @returns an operator that passes the same events, later
 * @throws DatasyncError `INVALID_CONFIG` at once, where `until` is no function
 */
export function bufferDuringResync<T>(
  until?: (resync: ResyncEvent<T>) => ObservableInput<unknown>,
): MonoTypeOperatorFunction<DatasyncEvent<T>> {
  checkOptions('bufferDuringResync', { until }, { until: rule.callback });
  return (source) => buffered(source, until, 'bufferDuringResync');
}
