import { isObservable, type Observable, Subscription, timer } from 'rxjs';
import { attach } from '../../internal/connect.ts';
import { failure, type Outcome, outcomes } from '../../model/ack.ts';

/**
 * One piece of a consumer's work, until it ends or is given up. What is synchronous takes no Promise, no Subscription,
 * and no signal unless it asks for it.
 */
export class Work {
  readonly #end: (outcome: Outcome) => void;
  #over = false;
  #running: Subscription | undefined;
  #controller: AbortController | undefined;
  #aborted = false;

  /** @param end told once how it ended; never after {@link stop} */
  constructor(end: (outcome: Outcome) => void) {
    this.#end = end;
  }

  /** Aborted when the work is given up. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  /**
   * @param run does the work, and is given this; what it throws, a rejected Promise or an Observable's error is a failure
   * @param timeout milliseconds for what is asynchronous; `undefined`: no limit
   */
  start(run: (work: Work) => unknown, timeout: number | undefined): void {
    let work: unknown;
    let outcome: Outcome | undefined;
    try {
      work = run(this);
      if (!isObservable(work) && !isPromiseLike(work)) outcome = outcomes.applied;
    } catch (error) {
      outcome = failure(error);
    }
    if (outcome !== undefined) this.#finish(outcome);
    else this.#waitFor(work as Observable<unknown> | PromiseLike<unknown>, timeout);
  }

  /** Gives it up: an Observable is unsubscribed, the signal aborted. */
  stop(): void {
    this.#over = true;
    this.#halt();
  }

  #waitFor(work: Observable<unknown> | PromiseLike<unknown>, timeout: number | undefined): void {
    const running = new Subscription();
    this.#running = running;
    // It gave itself up. A Promise is heard all the same, or its rejection would count as unhandled.
    if (this.#over) running.unsubscribe();
    const failed = (error: unknown): void => this.#finish(failure(error));
    const done = (): void => this.#finish(outcomes.applied);
    if (timeout !== undefined) running.add(timer(timeout).subscribe(() => this.#timeOut()));
    if (isObservable(work)) {
      attach(running, work, { next: () => undefined, error: failed, complete: done });
      return;
    }
    try {
      work.then(done, failed);
    } catch (error) {
      failed(error);
    }
  }

  #timeOut(): void {
    this.#halt();
    this.#finish(outcomes.timedOut);
  }

  // Not twice, nor after `stop`: a Promise may come back after it was given up, and halting may make someone stop it.
  #finish(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#running?.unsubscribe();
    this.#end(outcome);
  }

  #halt(): void {
    this.#running?.unsubscribe();
    this.#aborted = true;
    this.#controller?.abort();
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function';
}
