import { asyncScheduler, type Observable, type Subscription, timer } from 'rxjs';
import { cold } from '../internal/cold.ts';

/**
 * Finds out that a connection is dead though it is open: nothing came for longer than the backend promises. While the
 * backend waits for room it says nothing, and is not dead.
 */
export class Silence {
  readonly #limit: number | undefined;
  readonly #dead: () => void;
  #timer: Subscription | undefined;
  #heardAt = 0;
  #waiting = 0;

  /** @param limit milliseconds; `undefined`: never */
  constructor(limit: number | undefined, dead: () => void) {
    this.#limit = limit;
    this.#dead = dead;
  }

  start(): void {
    this.hear();
    this.#watch();
  }

  stop(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  /** A frame came. */
  hear(): void {
    if (this.#limit !== undefined) this.#heardAt = asyncScheduler.now();
  }

  /** The same `ready`, during which silence does not count. */
  except(ready: () => Observable<void>): () => Observable<void> {
    return () =>
      cold((subscriber) => {
        let waited = false;
        this.#waiting++;
        subscriber.add(() => {
          this.#waiting--;
          // Room that was there all along is no sign of life.
          if (waited) this.hear();
        });
        subscriber.add(ready().subscribe(subscriber));
        waited = true;
      });
  }

  #watch(): void {
    const limit = this.#limit;
    if (limit === undefined) return;
    // A clock that was set back must not make it wait for as long as that.
    const wait = Math.min(limit, Math.max(1, this.#heardAt + limit - asyncScheduler.now()));
    this.#timer = timer(wait).subscribe(() => {
      if (this.#waiting > 0 || this.#heardAt > asyncScheduler.now()) this.hear();
      if (asyncScheduler.now() - this.#heardAt < limit) this.#watch();
      else this.#dead();
    });
  }
}
