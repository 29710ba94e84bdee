import { asyncScheduler, defer, type Observable, timer } from 'rxjs';
import type { ResolvedRetry } from './config.ts';

/**
 * How long to wait before the next connection: exponential, capped, jittered; the count starts again only after a
 * connection that was live for `stable` milliseconds.
 */
export class Backoff {
  readonly #config: ResolvedRetry;
  #attempt = 0;
  #liveSince: number | undefined;

  constructor(config: ResolvedRetry) {
    this.#config = config;
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

  /** Emits when it is time; `delay` is missing where a notifier decides. */
  wait(error: unknown): { readonly delay?: number; readonly notifier: Observable<unknown> } {
    const { delay: first, maxDelay, random } = this.#config;
    // Deferred: what the user's function throws is an error of the notifier.
    if (typeof first === 'function') return { notifier: defer(() => first(error, this.#attempt)) };
    // 0 doubled for ever must not become 0 × Infinity.
    const doubled = first * 2 ** Math.min(this.#attempt - 1, 52);
    const delay = Math.min(maxDelay, doubled) * (0.5 + random() / 2);
    return { delay, notifier: timer(delay) };
  }
}
