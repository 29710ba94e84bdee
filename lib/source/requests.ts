import { asyncScheduler, type Subscription, timer } from 'rxjs';

/** Milliseconds between a resync that was asked for and the next one: a handler that always asks must not spin. */
const floor = 100;

/** Requests to read everything again: one runs, and all that come meanwhile are one more. */
export class Requests {
  readonly #mustWait: () => boolean;
  readonly #relist: () => void;
  #pending = false;
  #timer: Subscription | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** @param mustWait whether a listing runs or a resync is open */
  constructor(mustWait: () => boolean, relist: () => void) {
    this.#mustWait = mustWait;
    this.#relist = relist;
  }

  ask(): void {
    if (!this.#waits && asyncScheduler.now() >= this.#answeredAt + floor) {
      this.#answer();
      return;
    }
    this.#pending = true;
    this.run();
  }

  /** What stood in the way may be gone. */
  run(): void {
    if (!this.#pending || this.#waits) return;
    this.#timer = timer(floor).subscribe(() => {
      this.#timer = undefined;
      if (this.#pending && !this.#waits) this.#answer();
    });
  }

  /** A listing has started: it is the one that was asked for. */
  answered(): void {
    this.#pending = false;
  }

  close(): void {
    this.#pending = false;
    this.#timer?.unsubscribe();
  }

  get #waits(): boolean {
    return this.#timer !== undefined || this.#mustWait();
  }

  #answer(): void {
    this.#answeredAt = asyncScheduler.now();
    this.#pending = false;
    this.#relist();
  }
}
