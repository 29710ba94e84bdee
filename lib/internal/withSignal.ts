import type { Observable } from 'rxjs';
import { cold } from './cold.ts';

/** Runs `start` with a signal that is aborted when the subscription ends, for whatever reason. */
export function withSignal<T>(start: (signal: AbortSignal) => Observable<T>): Observable<T> {
  return cold((subscriber) => {
    const controller = new AbortController();
    // Registered first: a synchronous source may be cut off inside its own subscribe.
    subscriber.add(() => controller.abort());
    subscriber.add(start(controller.signal).subscribe(subscriber));
  });
}
