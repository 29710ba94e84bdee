import { isObservable, type Observable, type OperatorFunction, Subscription, timer } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { attach, connect } from '../internal/connect.ts';
import { failure, type Outcome, outcomes, worse } from '../model/ack.ts';
import { ackOf, type ChangeEvent, type DatasyncEvent, type ResyncEvent, release, retained } from '../model/events.ts';
import { checkOptions, rule } from '../model/options.ts';

/** What the work is given besides the event. */
export interface WorkContext {
  /** Aborted when the work is given up: timed out, or unsubscribed. */
  readonly signal: AbortSignal;
}

/** The work. What it throws, a rejected Promise or an Observable's error is a failure; an Observable is done when it completes, also empty. */
export interface AckHandlers<T> {
  /** Applies the whole state: from `entries`, or from `diff`. */
  readonly resync: (event: ResyncEvent<T>, context: WorkContext) => unknown;
  /** Applies what changed. */
  readonly change: (event: ChangeEvent<T>, context: WorkContext) => unknown;
}

/** Options of {@link ackWithCallback}. */
export interface AckWithCallbackConfig {
  /** Milliseconds one piece of asynchronous work may take; then it is stopped, and `timedOut`. Default: no limit. */
  readonly timeout?: number;
}

/** An event, and how the work on it ended. */
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
 * then. The work may be synchronous, a Promise or an Observable. Unsubscribed, the running work is stopped first
 * (Observable unsubscribed, `signal` aborted), then it and all that waits are `cancelled`.
 *
 * Order: kept; nothing is discarded. Errors: at once, the running work is cancelled; a failure of the work is no error of
 * the stream. Completion: after the last work. Memory: one claim per event that waits, bounded by the source's `inFlight`.
 * A handler that writes to the store and waits to see its write waits for ever.
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
  config: AckWithCallbackConfig = {},
): OperatorFunction<DatasyncEvent<T>, AckResult<T>> {
  checkOptions('ackWithCallback', handlers, { resync: rule.callback, change: rule.callback }, ['resync', 'change']);
  checkOptions('ackWithCallback', config, { timeout: rule.milliseconds });

  return (source) =>
    cold((subscriber) => {
      const waiting: DatasyncEvent<T>[] = [];
      // The event whose claim we hold for its work; `busy` outlasts it by the emission of the result.
      let current: DatasyncEvent<T> | undefined;
      let busy = false;
      let stop: (() => void) | undefined;
      let looping = false;
      let completed = false;

      const finish = (outcome: Outcome): void => {
        const event = current!;
        current = stop = undefined;
        release(event, outcome);
        subscriber.next({ event, outcome });
        busy = false;
        loop();
      };

      const stopWork = (): void => stop?.();

      const cancelAll = (): void => {
        stopWork();
        if (current !== undefined) waiting.unshift(current);
        current = undefined;
        for (const event of waiting.splice(0)) release(event, outcomes.cancelled);
      };

      const start = (event: DatasyncEvent<T>): void => {
        busy = true;
        current = event;
        const context = new Work();
        const ack = ackOf(event)!;
        const said = ack.worst;
        let work: unknown;
        try {
          work = event.type === 'resync' ? handlers.resync(event, context) : handlers.change(event, context);
        } catch (error) {
          finish(failure(error));
          return;
        }
        if (subscriber.closed) return;
        if (isObservable(work) || isPromiseLike(work)) waitFor(work, context);
        // A handler may have called `event.fail` itself.
        else finish(ack.worst === said ? outcomes.applied : worse(outcomes.applied, ack.worst));
      };

      const waitFor = (work: Observable<unknown> | PromiseLike<unknown>, context: Work): void => {
        const running = new Subscription();
        stop = () => {
          stop = undefined;
          running.unsubscribe();
          context.abort();
        };
        const end = (outcome: Outcome): void => {
          // A Promise cannot be unsubscribed: it may come back after it was given up.
          if (running.closed) return;
          running.unsubscribe();
          finish(outcome);
        };
        if (config.timeout !== undefined) {
          running.add(
            timer(config.timeout).subscribe(() => {
              stop?.();
              finish(outcomes.timedOut);
            }),
          );
        }
        if (isObservable(work)) {
          // The handle of its own closes before `end` is called; `running` must still be open then.
          attach(running, work, {
            next: () => undefined,
            error: (error) => end(failure(error)),
            complete: () => end(outcomes.applied),
          });
        } else {
          work.then(
            () => end(outcomes.applied),
            (error: unknown) => end(failure(error)),
          );
        }
      };

      const loop = (): void => {
        if (looping) return;
        looping = true;
        while (!busy && waiting.length > 0 && !subscriber.closed) start(waiting.shift()!);
        looping = false;
        if (completed && !busy && waiting.length === 0) subscriber.complete();
      };

      const upstream = new Subscription();
      // In this order: the work is stopped, the source cancels what is open, the rest is let go of.
      subscriber.add(stopWork);
      subscriber.add(upstream);
      subscriber.add(cancelAll);
      connect(
        source,
        {
          next: (event) => {
            waiting.push(retained(event));
            loop();
          },
          error: (error) => {
            cancelAll();
            subscriber.error(error);
          },
          complete: () => {
            completed = true;
            loop();
          },
        },
        upstream,
      );
    });
}

/** Makes a signal only for work that looks at it. */
class Work implements WorkContext {
  #controller: AbortController | undefined;
  #aborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function';
}
