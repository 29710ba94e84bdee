import { asyncScheduler, type Subscription, timer } from 'rxjs';
import type { ResolvedRedeliver } from './config.ts';

/**
 * When a failed resync is told again: after a delay that doubles, up to `count` times in a row; after that only when
 * something new is known, at most once per `maxDelay`.
 */
export class Redelivery {
  readonly #config: ResolvedRedeliver;
  readonly #tellAgain: () => void;
  #failures = 0;
  #timer: Subscription | undefined;
  #toldAt = 0;
  /** Something was learnt after the last resync was told. */
  #news = false;

  /** @param tellAgain makes a resync due */
  constructor(config: ResolvedRedeliver, tellAgain: () => void) {
    this.#config = config;
    this.#tellAgain = tellAgain;
  }

  /** The retries are used up: nothing is told again unless something new is known. */
  get exhausted(): boolean {
    return this.#failures > this.#config.count;
  }

  /** A resync was told: it is the retry, whatever made it due. */
  told(): void {
    this.#cancel();
    this.#toldAt = asyncScheduler.now();
    this.#news = false;
  }

  failed(): void {
    // Several failures before the retry are one.
    if (this.#timer !== undefined) return;
    this.#failures++;
    const { delay, maxDelay } = this.#config;
    // 0 doubled for ever must not become 0 × Infinity.
    if (!this.exhausted) this.#schedule(Math.min(maxDelay, delay * 2 ** Math.min(this.#failures - 1, 52)));
    else if (this.#news) this.news();
  }

  /** A resync was settled well. @param clean nothing is left to tell again */
  succeeded(clean: boolean): void {
    this.#failures = 0;
    if (clean) this.#cancel();
  }

  /** Something new is known. */
  news(): void {
    this.#news = true;
    if (!this.exhausted || this.#timer !== undefined) return;
    this.#schedule(Math.max(0, this.#toldAt + this.#config.maxDelay - asyncScheduler.now()));
  }

  close(): void {
    this.#cancel();
  }

  #schedule(delay: number): void {
    this.#timer = timer(delay).subscribe(() => {
      this.#cancel();
      this.#tellAgain();
    });
  }

  #cancel(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
