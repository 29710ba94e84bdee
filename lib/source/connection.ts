import { asyncScheduler, defer, type Observable, Subscription } from 'rxjs';
import { connect } from '../internal/connect.ts';
import { DatasyncError, messageOf } from '../model/errors.ts';
import type { SourceStatus } from '../model/status.ts';
import { Backoff } from './backoff.ts';
import type { ResolvedRetry } from './config.ts';
import { type Backend, ContinuityLost, FatalError, type Frame, type OpenContext } from './frames.ts';
import { observed } from './observed.ts';
import { Silence } from './silence.ts';

/** What the loop is told of its connection. */
export interface ConnectionObserver<P> {
  /** `handle` is closed as soon as the connection is given up, also within this call. */
  frame(frame: Frame<P>, handle: Subscription): void;
  /** It broke and will be tried again: told before the next state. */
  lost(error: unknown, cause: unknown): void;
  /** It is time to try again. */
  reopen(): void;
  /** It will not be tried again. */
  failed(error: unknown): void;
  state(state: SourceStatus['state'], cause?: unknown): void;
}

/** The one open connection of a subscription, or the wait for the next. */
export class Connection<P> {
  readonly #backend: Backend<P>;
  readonly #observer: ConnectionObserver<P>;
  readonly #backoff: Backoff;
  readonly #silence: Silence;
  readonly #ready: () => Observable<void>;
  #handle: Subscription | undefined;
  #until: number | undefined;
  #ended = false;

  /** @param ready whether the subscriber has room */
  constructor(
    backend: Backend<P>,
    retry: ResolvedRetry,
    ready: () => Observable<void>,
    observer: ConnectionObserver<P>,
  ) {
    this.#backend = backend;
    this.#observer = observer;
    this.#backoff = new Backoff(retry, { backend: backend.name });
    const { maxSilence, name } = backend;
    this.#silence = new Silence(maxSilence, () => {
      const message = `nothing came for ${maxSilence} ms, not even a sign of life`;
      this.over(new DatasyncError('DEAD_STREAM', message, { backend: name }));
    });
    this.#ready = this.#silence.except(ready);
  }

  /** Connected, or waiting to be. */
  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** Failures in a row. */
  get attempt(): number {
    return this.#backoff.attempt;
  }

  /** When the next attempt starts, where that is known. */
  get until(): number | undefined {
    return this.#until;
  }

  /** It works. */
  live(): void {
    this.#backoff.live();
  }

  /** Opens a new connection; the one before must be closed. */
  open(context: Omit<OpenContext<P>, 'ready'>): void {
    const handle = new Subscription();
    this.#handle = handle;
    this.#observer.state('connecting');
    // The observer of that state may have ended it all, or replaced the connection.
    if (handle.closed) return;
    this.#silence.start();
    connect(
      defer(() =>
        observed("the backend's 'open'", this.#backend.name, this.#backend.open({ ...context, ready: this.#ready })),
      ),
      {
        next: (frame) => {
          this.#silence.hear();
          this.#observer.frame(frame, handle);
        },
        error: (error) => this.over(error),
        complete: () => this.over(undefined),
      },
      handle,
    );
  }

  /** Closes it for good. */
  end(): void {
    this.#ended = true;
    this.close();
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = this.#until = undefined;
    this.#silence.stop();
    handle?.unsubscribe();
  }

  /** It has ended, one way or another: fatal, or tried again after a while. */
  over(error: unknown): void {
    const { name } = this.#backend;
    if (error instanceof FatalError) {
      this.close();
      const { cause, message } = error;
      const fatal = new DatasyncError('FATAL', message, { cause: error, backend: name });
      this.#observer.failed(cause instanceof DatasyncError ? cause : fatal);
      return;
    }
    const known = error instanceof ContinuityLost && error.cause instanceof DatasyncError ? error.cause : error;
    const cause = known ?? new DatasyncError('CONNECTION_LOST', 'the connection ended', { backend: name });
    // First of all: its teardown may reach the consumer, who may end it all, or have another one opened.
    this.#observer.lost(error, cause);
    const again = this.#backoff.failed();
    this.close();
    if (this.#ended || this.isOpen) return;
    if (again) this.#wait(cause);
    else this.#giveUp(cause);
  }

  #wait(cause: unknown): void {
    const { delay, notifier } = this.#backoff.wait(cause);
    const handle = new Subscription();
    this.#handle = handle;
    this.#until = delay === undefined ? undefined : asyncScheduler.now() + delay;
    this.#observer.state('backoff', cause);
    connect(
      notifier,
      {
        next: () => {
          this.close();
          this.#observer.reopen();
        },
        error: (failure) => this.#observer.failed(failure),
        complete: () => this.#giveUp(cause),
      },
      handle,
    );
  }

  #giveUp(cause: unknown): void {
    const { attempt } = this.#backoff;
    const message = `gave up after ${attempt} failure${attempt === 1 ? '' : 's in a row'}: ${messageOf(cause)}`;
    this.#observer.failed(new DatasyncError('RETRY_EXHAUSTED', message, { cause, backend: this.#backend.name }));
  }
}
