import { type Observable, type Observer, Subscription, type TeardownLogic, type Unsubscribable } from 'rxjs';
import { cold } from './cold.ts';

/**
 * Subscribes so that the returned handle already works while a synchronous source is still inside `subscribe`:
 * `unsubscribe` cuts it off at once, and nothing is said after it.
 */
export function connect<T>(source: Observable<T>, observer: Observer<T>, handle: Subscription): void {
  // Closed before it began: the source would never be stopped.
  if (handle.closed) return;
  // What ends by itself rxjs closes, after it has said so: what it lets go of may already bring something new.
  let ended = false;
  // Not `takeUntil`: an operator around the source would cost every value.
  const stoppable = cold<T>((subscriber) => {
    handle.add(() => {
      if (ended) return;
      try {
        subscriber.unsubscribe();
      } catch {
        // A teardown of the source's that throws: whoever gives the source up goes on.
      }
    });
    return source.subscribe(subscriber);
  });
  stoppable.subscribe({
    next: (value) => {
      try {
        observer.next(value);
      } catch (error) {
        // Not the consumer's, whose exceptions rxjs reports: what came is not what the operator can take.
        if (handle.closed) return;
        handle.unsubscribe();
        observer.error(error);
      }
    },
    error: (error: unknown) => {
      if (handle.closed) return;
      ended = true;
      handle.unsubscribe();
      observer.error(error);
    },
    complete: () => {
      if (handle.closed) return;
      ended = true;
      handle.unsubscribe();
      observer.complete();
    },
  });
}

/** The same, for as long as `owner` is subscribed at most. */
export function attach<T>(
  owner: Unsubscribable & { add(teardown: TeardownLogic): void },
  source: Observable<T>,
  observer: Observer<T>,
): Subscription {
  const handle = new Subscription();
  owner.add(handle);
  connect(source, observer, handle);
  return handle;
}
