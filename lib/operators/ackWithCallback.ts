import type { Observable, OperatorFunction } from 'rxjs';
import type { Outcome } from '../model/ack.ts';
import type { ChangeEvent, DatasyncEvent, ResyncEvent } from '../model/events.ts';
import { acked } from './internal/acked.ts';
import { checkHandlers } from './internal/handle.ts';

/** What the work is given besides the event. */
export interface WorkContext {
  /** Aborted when the work is given up: timed out, or unsubscribed. */
  readonly signal: AbortSignal;
}

/** What nobody has to wait for. The first is what a function declared `void` returns. */
type Done = ReturnType<() => void> | undefined | null | boolean | number | bigint | string | symbol;

/** Neither a Promise nor an Observable, nor an array (which has `flatMap`) that may hold one. */
type Plain =
  | Done
  | (object & { readonly then?: undefined; readonly subscribe?: undefined; readonly flatMap?: undefined })
  | readonly Plain[];

/**
 * What the work may return: a Promise or an Observable, which is waited for, or anything that need not be waited for.
 * An array of Promises is neither: nobody would hear how they end. Return `Promise.all(…)`, or `forkJoin(…)` of Observables.
 */
export type WorkResult = PromiseLike<unknown> | Observable<unknown> | Plain;

/** The work. What it throws, a rejected Promise or an Observable's error is a failure; an Observable is done when it completes, also empty. */
export interface AckHandlers<T> {
  /** Applies the whole state: from `entries`, or from `diff`. */
  readonly resync: (event: ResyncEvent<T>, context: WorkContext) => WorkResult;
  /** Applies what changed. */
  readonly change: (event: ChangeEvent<T>, context: WorkContext) => WorkResult;
}

/** Options of {@link ackWithCallback}. */
export interface AckWithCallbackConfig {
  /**
   * Milliseconds one piece of asynchronous work may take; then it is stopped, and `timedOut`. A Promise cannot be stopped: one
   * that does not heed the `signal` goes on beside the work on what follows, also of the same key. Default: no limit.
   */
  readonly timeout?: number;
  /** How many events may be worked on at once; those of one key never are, nor is anything beside a resync. Default: 1. */
  readonly concurrency?: number;
}

/** An event, and how the work on it ended: what its handler returned, threw, or said by the event's own `fail` or claims. */
export interface AckResult<T> {
  readonly event: DatasyncEvent<T>;
  readonly outcome: Outcome;
}

/**
 * Does your work for each event, one at a time, and tells the source how it ended.
 *
 * ![](../../marbles/ackWithCallback.svg)
 *
 * An event is settled (`applied`, `failed` with the error, `timedOut`) before its result is emitted; the next one starts
 * then. The work may be synchronous, a Promise or an Observable; a claim it takes of the event is waited for, and
 * `event.fail` counts until the work has ended. Unsubscribed, the running work is stopped first
 * (Observable unsubscribed, `signal` aborted), then it and all that waits are `cancelled`.
 *
 * Order: kept; nothing is discarded. Errors: at once, the running work is cancelled; a failure of the work is no error of
 * the stream. Completion: after the last work. Memory: one claim per event that waits, bounded by the source's `inFlight`.
 * A handler that writes to the store and waits to see its write waits for ever.
 *
 * With a `concurrency` above 1 changes of different keys are worked on side by side, as many as that, and their results
 * come as they end. Those that share a key follow each other in order; a resync waits for all before it, and all after it wait for it.
 *
 * @example
 * source.pipe(bufferDuringResync(), ackWithCallback({ resync: (event) => replaceAll(event.entries), change: (event) => apply(event.changes) }))
 *
 * @see {@link bufferDuringResync} to keep changes back while a resync is being applied, or has failed
 * @param handlers both are required
 * @param config see {@link AckWithCallbackConfig}
 * @returns an operator that emits each event with its outcome
 * @throws DatasyncError `INVALID_CONFIG` at once, where a handler is missing or an option unknown
 */
export function ackWithCallback<T>(
  handlers: AckHandlers<T>,
  config?: AckWithCallbackConfig,
): OperatorFunction<DatasyncEvent<T>, AckResult<T>>;
export function ackWithCallback<T>(
  handlers: AckHandlers<T>,
  config: AckWithCallbackConfig = {},
): OperatorFunction<DatasyncEvent<T>, AckResult<T>> {
  checkHandlers('ackWithCallback', handlers);
  return acked('ackWithCallback', handlers, config);
}
