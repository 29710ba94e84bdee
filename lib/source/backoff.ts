import {
  asyncScheduler,
  catchError,
  defer,
  from,
  type Observable,
  type ObservableInput,
  throwError,
  timer,
} from 'rxjs';
import { DatasyncError, type DatasyncErrorDetails, type ErrorCode, reasonOf } from '../model/errors.ts';
import { shown } from '../model/options.ts';
import type { ResolvedRetry } from './config.ts';

/**
 * How long to wait before the next connection: exponential, capped, jittered; the count starts again only after a
 * connection that was live for `stable` milliseconds.
 */
export class Backoff {
  readonly #config: ResolvedRetry;
  readonly #where: DatasyncErrorDetails;
  #attempt = 0;
  #liveSince: number | undefined;

  /** @param where for errors: what is wrong with the functions of the policy */
  constructor(config: ResolvedRetry, where: DatasyncErrorDetails = {}) {
    this.#config = config;
    this.#where = where;
  }

  /** Failures in a row. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The connection works. */
  live(): void {
    this.#liveSince ??= asyncScheduler.now();
  }

  /** The connection is over. @returns false where the policy has run out */
  failed(): boolean {
    if (this.#liveSince !== undefined && asyncScheduler.now() - this.#liveSince >= this.#config.stable)
      this.#attempt = 0;
    this.#liveSince = undefined;
    return ++this.#attempt <= this.#config.count;
  }

  /** Emits when it is time; `delay` is missing where a notifier decides. What is wrong with the user's functions is its error. */
  wait(error: unknown): { readonly delay?: number; readonly notifier: Observable<unknown> } {
    const { delay: first, maxDelay } = this.#config;
    if (typeof first === 'function') return { notifier: defer(() => this.#ask(first, error)) };
    // 0 doubled for ever must not become 0 × Infinity.
    const doubled = first * 2 ** Math.min(this.#attempt - 1, 52);
    try {
      const delay = Math.min(maxDelay, doubled) * (0.5 + this.#random() / 2);
      return { delay, notifier: timer(delay) };
    } catch (fault) {
      return { notifier: throwError(() => fault) };
    }
  }

  #ask(delay: (error: unknown, attempt: number) => ObservableInput<unknown>, error: unknown): Observable<unknown> {
    let given: ObservableInput<unknown>;
    let notifier: Observable<unknown>;
    try {
      given = delay(error, this.#attempt);
    } catch (cause) {
      throw this.#fault('INVALID_CONFIG', `'retry.delay' threw: ${reasonOf(cause)}`, { cause });
    }
    try {
      notifier = from(given);
    } catch (cause) {
      const message = `'retry.delay' must return an Observable, a Promise or the like, not ${shown(given)}`;
      throw this.#fault('INVALID_CONFIG', message, { cause });
    }
    // It is how a policy of the user's says that it has run out.
    const failed = (cause: unknown): Observable<never> =>
      throwError(() => this.#fault('RETRY_EXHAUSTED', `'retry.delay' gave up: ${reasonOf(cause)}`, { cause }));
    return notifier.pipe(catchError(failed));
  }

  #random(): number {
    let value: unknown;
    try {
      value = this.#config.random();
    } catch (cause) {
      throw this.#fault('INVALID_CONFIG', `'retry.random' threw: ${reasonOf(cause)}`, { cause });
    }
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    throw this.#fault('INVALID_CONFIG', `'retry.random' must return a number, 0 to 1, not ${shown(value)}`);
  }

  #fault(code: ErrorCode, message: string, details: { readonly cause?: unknown } = {}): DatasyncError {
    return new DatasyncError(code, message, { ...details, ...this.#where });
  }
}
