import { type MonoTypeOperatorFunction, type ObservableInput, type Observer, share } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { attach } from '../internal/connect.ts';
import { type DatasyncEvent, release, retained } from '../model/events.ts';
import { checkOptions, type Leaf, oneOf, rule } from '../model/options.ts';
import type { SourceStatus } from '../model/status.ts';
import { type DeliveryConfig, deliveryDefaults, deliveryRules } from '../source/config.ts';
import { Sharing } from './internal/sharing.ts';

/** Options of {@link shareResync}. Those that start with `reset` are as in rxjs `share`. */
export interface ShareResyncConfig {
  /**
   * When an event of the source is settled: `own`: `delivered` at once, each subscriber's outcomes are its own business;
   * `all`: when all who were subscribed when it came have settled their first attempt, with the worst outcome: the
   * slowest sets the pace of all. Default: `own`.
   */
  readonly acks?: 'own' | 'all';
  /** What each subscriber may hold, and how it is told again. */
  readonly delivery?: DeliveryConfig;
  /** Told how each subscriber is doing, counted from 1; only `next` is called. */
  readonly statusObserver?: Partial<Observer<SourceStatus>>;
  /** After an error the next subscriber subscribes to the source anew; false: it gets the error. Default: true. */
  readonly resetOnError?: boolean | ((error: unknown) => ObservableInput<unknown>);
  /** After completion the next subscriber subscribes to the source anew; false: it gets the last state, and completes. Default: true. */
  readonly resetOnComplete?: boolean | (() => ObservableInput<unknown>);
  /** When the last one has left, the source is unsubscribed; false: it stays, and the next one is told at once. A function: when its Observable emits. Default: true. */
  readonly resetOnRefCountZero?: boolean | (() => ObservableInput<unknown>);
}

const reset: Leaf = [(value) => typeof value === 'boolean' || typeof value === 'function', 'true, false or a function'];
const rules = {
  acks: oneOf('own', 'all'),
  delivery: deliveryRules,
  statusObserver: rule.observer,
  resetOnError: reset,
  resetOnComplete: reset,
  resetOnRefCountZero: reset,
};

/**
 * Shares one subscription to a source: each subscriber has a resync, a pace, acks and retries of its own, however late it comes.
 *
 * ![](../../marbles/shareResync.svg)
 *
 * Whoever subscribes while the source runs is told the state as it stands, as its `initial` resync, and then every change.
 * Epochs, previous values and diffs are those of the subscriber; revisions are the source's. A slow subscriber slows nobody:
 * what waits for it is kept, first exactly, then per key. What it fails on is told to it again from memory; the source
 * learns of it only with `acks: 'all'`. Stands below `bufferDuringResync` where list and watch are put together by hand:
 * changes before the first resync are `superseded`.
 *
 * Order: the source's. Errors: at once, to all. Completion: for each one when it has settled everything. Memory: one entry
 * per key for all together, and what waits for each.
 *
 * @example
 * const nodes = fromEtcd(client, { prefixes: ['/nodes/'], codec }).pipe(shareResync());
 * for (const client of clients) nodes.pipe(bufferDuringResync(), ackWithCallback(handlersOf(client))).subscribe();
 *
 * @see {@link bufferDuringResync}, which each subscriber puts below where it needs it
 * @param config see {@link ShareResyncConfig}
 * @returns an operator that passes the same data, to many
 * @throws DatasyncError `INVALID_CONFIG` at once, where an option is unknown or wrong
 */
export function shareResync<T>(config: ShareResyncConfig = {}): MonoTypeOperatorFunction<DatasyncEvent<T>> {
  checkOptions('shareResync', config, rules);
  const { acks, statusObserver, resetOnError = true, resetOnComplete = true, resetOnRefCountZero = true } = config;
  const delivery = deliveryDefaults(config.delivery);
  const waitsForAll = acks === 'all';
  return (source) => {
    let subscriptions = 0;
    const number = (): number => ++subscriptions;
    const events = cold<DatasyncEvent<T>>((subscriber) => {
      attach(subscriber, source, {
        // What is no event must be an error of the stream, and known to `share`.
        next: (arrived) => {
          const event = retained(arrived, 'shareResync');
          subscriber.next(event);
          release(event);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
    const connector = (): Sharing<T> => new Sharing<T>({ delivery, waitsForAll, statusObserver, number });
    const shared = events.pipe(share({ connector, resetOnError, resetOnComplete, resetOnRefCountZero }));
    return shared; // whose values they are is said by the entries that are passed on
  };
}
