import { isObservable, type Observable, Subscription, timer } from 'rxjs';
import { attach } from '../../internal/connect.ts';
import { isPromiseLike } from '../../internal/isPromiseLike.ts';
import { Ack, type AckOwner, failure, type Outcome, outcomes, worse } from '../../model/ack.ts';
import { DatasyncError } from '../../model/errors.ts';

/**
 * One piece of a consumer's work, until it has settled or is given up. It has an ack of its own, for the words and claims
 * of the handler: the event's has those of others too. What is synchronous takes no Promise, no Subscription, and no
 * signal unless it asks for it.
 */
export class Work implements AckOwner {
  readonly ack: Ack = new Ack(this);
  readonly #event: Ack;
  readonly #end: (outcome: Outcome) => void;
  /** Said how it ended; a claim may still be open. */
  #ended = false;
  #stopped = false;
  /** What runs, and the limit of its time. */
  #running: Subscription | undefined;
  #controller: AbortController | undefined;
  #aborted = false;

  /**
   * @param event the ack of the event, of which one claim is given back when the work settles
   * @param end told then how; never after {@link stop}
   */
  constructor(event: Ack, end: (outcome: Outcome) => void) {
    this.#event = event;
    this.#end = end;
  }

  settled(outcome: Outcome): void {
    this.#running?.unsubscribe();
    // What the source said before the work did: its watchdog, for one.
    const cut = this.#event.outcome;
    this.#event.release(outcome);
    if (!this.#stopped) this.#end(cut === undefined ? outcome : worse(outcome, cut));
  }

  failedLate(outcome: Outcome): void {
    this.#event.note(outcome);
  }

  late(): void {
    this.#event.late();
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
      if (Array.isArray(work)) checkArray(work);
      if (!isObservable(work) && !isPromiseLike(work)) outcome = outcomes.applied;
    } catch (error) {
      outcome = failure(error);
    }
    if (outcome === undefined) {
      this.#waitFor(work as Observable<unknown> | PromiseLike<unknown>, timeout);
      return;
    }
    this.#finish(outcome);
    if (this.ack.outcome === undefined && !this.#aborted) this.#limit(timeout);
  }

  /** Gives it up: an Observable is unsubscribed, the signal aborted. Its event is still claimed. */
  stop(): void {
    this.#stopped = true;
    this.#halt();
  }

  /** Lets go of the event, after {@link stop}. */
  cancel(): void {
    this.ack.force(outcomes.cancelled);
  }

  #waitFor(work: Observable<unknown> | PromiseLike<unknown>, timeout: number | undefined): void {
    const running = new Subscription();
    this.#running = running;
    // It gave itself up. A Promise is heard all the same, or its rejection would count as unhandled.
    if (this.#aborted) running.unsubscribe();
    this.#limit(timeout);
    const failed = (error: unknown): void => this.#finish(failure(error));
    const done = (): void => this.#finish(outcomes.applied);
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

  #limit(timeout: number | undefined): void {
    if (timeout === undefined) return;
    this.#running ??= new Subscription();
    this.#running.add(
      timer(timeout).subscribe(() => {
        this.#halt();
        // Halting may have made someone stop it.
        if (!this.#stopped) this.ack.force(outcomes.timedOut);
      }),
    );
  }

  // Not twice, nor after it was given up: a Promise may come back all the same.
  #finish(outcome: Outcome): void {
    if (this.#ended || this.#aborted) return;
    this.#ended = true;
    this.ack.release(outcome);
    if (this.ack.outcome !== undefined) return;
    // A claim that outlasts its event, because the source lost patience, is waited for no more; what was said stands.
    this.#event.onSettled(() => {
      if (!this.#stopped) this.ack.force(outcomes.delivered);
    });
  }

  #halt(): void {
    this.#running?.unsubscribe();
    this.#aborted = true;
    this.#controller?.abort();
  }
}

/** Nobody waits for what is in an array: what looks done would not be. */
function checkArray(items: readonly unknown[]): void {
  const pending = items.filter((item) => isPromiseLike(item) || isObservable(item));
  if (pending.length === 0) return;
  // Said here, and not once more as unhandled rejections.
  for (const item of pending) if (isPromiseLike(item)) item.then(undefined, () => undefined);
  const message = `the handler returned an array with ${pending.length} Promises or Observables in it, which nobody waits for: return Promise.all(…) of it, or forkJoin(…)`;
  throw new DatasyncError('INVALID_CONFIG', `ackWithCallback: ${message}`);
}
