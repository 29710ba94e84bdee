import { asyncScheduler, type Subscription, timer } from 'rxjs';

/** So many milliseconds without any settlement are long, whatever the work is. */
const long = 10_000;

/**
 * Whether open events settle. Progress is watched, not age: one slow event among many that settle is no trouble.
 *
 * Without `claimTimeout` there is no timer: that nothing settles is found out when something arrives.
 */
export class Progress {
  readonly #claimTimeout: number;
  readonly #oldest: () => number | undefined;
  readonly #timeOut: () => void;
  #settledAt = 0;
  #stalled = false;
  #watchdog: Subscription | undefined;

  /**
   * @param claimTimeout milliseconds, or Infinity
   * @param oldest since when the oldest open event is open
   * @param timeOut ends that one
   */
  constructor(claimTimeout: number, oldest: () => number | undefined, timeOut: () => void) {
    this.#claimTimeout = claimTimeout;
    this.#oldest = oldest;
    this.#timeOut = timeOut;
  }

  /** An event has stayed open. */
  opened(): void {
    const still = this.#still;
    if (this.#claimTimeout === Infinity || this.#watchdog !== undefined || still === undefined) return;
    this.#watchdog = timer(Math.max(0, this.#claimTimeout - still)).subscribe(() => {
      this.#watchdog = undefined;
      if ((this.#still ?? 0) >= this.#claimTimeout) this.#timeOut();
      this.opened();
    });
  }

  /** Such an event has settled. @returns whether it was said that nothing does */
  settled(): boolean {
    this.#settledAt = asyncScheduler.now();
    const stalled = this.#stalled;
    this.#stalled = false;
    return stalled;
  }

  /** @returns for how many milliseconds nothing has settled, where that is long and was not said yet */
  stall(): number | undefined {
    if (this.#stalled) return undefined;
    const still = this.#still;
    if (still === undefined || still < long) return undefined;
    this.#stalled = true;
    return still;
  }

  close(): void {
    this.#watchdog?.unsubscribe();
  }

  /** For how long nothing has settled, of what is open. */
  get #still(): number | undefined {
    const oldest = this.#oldest();
    return oldest === undefined ? undefined : asyncScheduler.now() - Math.max(this.#settledAt, oldest);
  }
}
