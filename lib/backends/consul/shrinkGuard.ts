import { asyncScheduler } from 'rxjs';
import type { ShrinkConfig } from './options.ts';

/** Milliseconds between two looks at least, whatever is due. */
const shortest = 50;

/** Holds back a large loss of keys until it has been seen for long enough. One per prefix. */
export class ShrinkGuard {
  readonly #share: number;
  readonly #confirm: number;
  #lost: ReadonlySet<string> = new Set();
  #since = 0;
  #believes: boolean;

  /** @param believes the next look is taken as it is */
  constructor({ share, confirm }: Required<ShrinkConfig>, believes: boolean) {
    this.#share = share;
    this.#confirm = confirm;
    this.#believes = believes;
  }

  /** Milliseconds after which another look may settle something; `undefined`: nothing is held. */
  get due(): number | undefined {
    if (this.#lost.size === 0 || this.#confirm === Infinity) return undefined;
    return Math.max(shortest, this.#since + this.#confirm - asyncScheduler.now());
  }

  /** What until is waited for, for a message. */
  get until(): string {
    return this.#confirm === Infinity ? 'a resync is asked for' : `it has been so for ${this.#confirm} ms`;
  }

  /**
   * @param lost the keys that one look does not see any more
   * @param of how many there were
   * @returns whether the loss is not believed
   */
  holds(lost: readonly string[], of: number): boolean {
    if (lost.length <= this.#share * of || this.#believes) return this.#believe();
    const now = asyncScheduler.now();
    const unchanged = lost.length === this.#lost.size && lost.every((key) => this.#lost.has(key));
    if (!unchanged) {
      this.#lost = new Set(lost);
      this.#since = now;
    }
    return now - this.#since < this.#confirm || this.#believe();
  }

  #believe(): false {
    this.#lost = new Set();
    this.#believes = false;
    return false;
  }
}
