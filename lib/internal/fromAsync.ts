import type { Observable } from 'rxjs';
import { cold } from './cold.ts';

/**
 * One result of a promise API. Unsubscribing aborts the signal; what `run` says after that is dropped, its error too.
 *
 * @param run starts anew with each subscription
 */
export function fromAsync<T>(run: (signal: AbortSignal) => PromiseLike<T>): Observable<T> {
  return cold((subscriber) => {
    const controller = new AbortController();
    subscriber.add(() => controller.abort());
    let result: PromiseLike<T>;
    try {
      result = run(controller.signal);
    } catch (error) {
      subscriber.error(error);
      return;
    }
    result.then(
      (value) => {
        subscriber.next(value);
        subscriber.complete();
      },
      (error: unknown) => {
        // Closed, it is most likely the abort itself; rxjs would report it as unhandled.
        if (!subscriber.closed) subscriber.error(error);
      },
    );
  });
}
