import type { Observable } from 'rxjs';
import type { DatasyncEvent } from '../model/events.ts';
import { History } from './history.ts';
import type { Place, PlaceOptions } from './steps.ts';

/** What {@link recordHistory} records, and how. */
export interface RecordOptions<T> extends PlaceOptions {
  /** Default: a new one. */
  readonly history?: History<T>;
  /** Default: `source`. */
  readonly place?: Place;
  /** What the consumer does with each event, inside `next`: may say `done`, `fail` or take a claim. Default: nothing. */
  readonly consume?: (event: DatasyncEvent<T>) => void;
}

/** A running record. */
export interface Recording<T> {
  readonly history: History<T>;
  /** Ends the subscription, and with it the record. */
  unsubscribe(): void;
}

/**
 * Subscribes, and records what it gets.
 *
 * @example
 * const backend = memoryBackend(store);
 * const { history, unsubscribe } = recordHistory(fromBackend(backend, { prefixes: [''], codec: jsonCodec<number>() }));
 * await broker.put('x', 1);
 * history.write({ revision: 1, put: { x: 1 } }); // what the store really did
 * history.quiet(); // all of it has had time to arrive: without this nothing is missed
 * unsubscribe();
 * validate(history, backend.capabilities); // []
 *
 * @param source any Observable of events
 * @returns the history, which goes on until it is unsubscribed
 */
export function recordHistory<T>(source: Observable<DatasyncEvent<T>>, options: RecordOptions<T> = {}): Recording<T> {
  const { history = new History<T>(), place = 'source', consume = () => undefined, ...about } = options;
  const subscription = source.pipe(history.tap(place, about)).subscribe({ next: consume, error: () => undefined });
  return { history, unsubscribe: () => subscription.unsubscribe() };
}
