import { Observable, type Subscriber } from 'rxjs';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';
import { notation } from '../../lib/testing/notation.ts';
import { whenOver } from '../../lib/testing/virtually.ts';

/** What a subscriber was told. */
export class Seen<T> {
  readonly events: DatasyncEvent<T>[] = [];
  readonly errors: unknown[] = [];
  completed = false;
  #taken = 0;
  #subscriber: Subscriber<DatasyncEvent<T>> | undefined;

  /**
   * @param next what the consumer does with each event; it may unsubscribe
   * @param early told before the source is subscribed
   */
  constructor(
    source: Observable<DatasyncEvent<T>>,
    next: (event: DatasyncEvent<T>, seen: Seen<T>) => void = () => undefined,
    early: (seen: Seen<T>) => void = () => undefined,
  ) {
    whenOver(() => this.unsubscribe());
    early(this);
    new Observable<DatasyncEvent<T>>((subscriber) => {
      // Known before the source is subscribed, which may emit at once.
      this.#subscriber = subscriber;
      source.subscribe(subscriber);
    }).subscribe({
      next: (event) => {
        this.events.push(event);
        next(event, this);
      },
      error: (error: unknown) => this.errors.push(error),
      complete: () => {
        this.completed = true;
      },
    });
  }

  /** The events since the last call, as texts. */
  take(): string[] {
    const texts = this.events.slice(this.#taken).map((event) => notation.format(event));
    this.#taken = this.events.length;
    return texts;
  }

  get last(): DatasyncEvent<T> {
    return this.events.at(-1)!;
  }

  unsubscribe(): void {
    this.#subscriber?.unsubscribe();
  }
}

/** A `statusObserver` that keeps what it was told. */
export class StatusLog {
  readonly all: SourceStatus[] = [];
  #taken = 0;

  readonly next = (status: SourceStatus): void => {
    this.all.push(status);
  };

  get last(): SourceStatus {
    return this.all.at(-1)!;
  }

  /** The states since the last call; `!` marks a stale one. */
  take(): string[] {
    const texts = this.all.slice(this.#taken).map(({ state, stale }) => `${state}${stale === undefined ? '' : '!'}`);
    this.#taken = this.all.length;
    return texts;
  }
}
