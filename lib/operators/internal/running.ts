import { defer, type Observable, type Subscriber, Subscription } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { connect } from '../../internal/connect.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { DatasyncEvent, Source } from '../../model/events.ts';

/**
 * A pipeline that is fed by hand. It runs from `start` until it ends, stops listening, or is stopped; then it may be
 * started again.
 */
export class Running<T> {
  readonly #pipeline: (source: Source<T>) => Observable<unknown>;
  readonly #ended: (error: unknown) => void;
  /** Of the run that is on: what errors is only unsubscribed after it has said so. */
  #listeners = new Set<Subscriber<DatasyncEvent<T>>>();
  #handle: Subscription | undefined;

  /** @param ended told why it has come to its end by itself; what completes has come to it too early */
  constructor(pipeline: (source: Source<T>) => Observable<unknown>, ended: (error: unknown) => void) {
    this.#pipeline = pipeline;
    this.#ended = ended;
  }

  get isRunning(): boolean {
    return this.#handle !== undefined;
  }

  start(): void {
    if (this.#handle !== undefined) return;
    const listeners = new Set<Subscriber<DatasyncEvent<T>>>();
    this.#listeners = listeners;
    const source: Source<T> = cold((subscriber) => {
      listeners.add(subscriber);
      return () => listeners.delete(subscriber);
    });
    const handle = new Subscription();
    this.#handle = handle;
    const pipeline = defer(() => this.#pipeline(source));
    connect(
      pipeline,
      {
        next: () => undefined,
        error: (error) => this.#end(error),
        complete: () => this.#end(new DatasyncError('NACKED', 'its pipeline has completed, before its source')),
      },
      handle,
    );
  }

  next(event: DatasyncEvent<T>): void {
    if (this.#handle !== undefined && this.#listeners.size === 0)
      this.#end(new DatasyncError('NACKED', 'its pipeline does not listen to its source any more, or not yet'));
    for (const listener of [...this.#listeners]) listener.next(event);
  }

  /** The source has completed, so the pipeline may as well. */
  complete(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    for (const listener of [...this.#listeners]) listener.complete();
    handle?.unsubscribe();
  }

  stop(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.unsubscribe();
  }

  #end(error: unknown): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    // First, since what is unsubscribed lets go of its events, and that may already start the next run.
    this.#ended(error);
    handle.unsubscribe();
  }
}
