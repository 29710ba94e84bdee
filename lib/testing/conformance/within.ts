import { timer } from 'rxjs';
import { isPromise } from './stage.ts';
import type { Awaitable } from './subject.ts';

/** What an adapter does, in so many milliseconds. @throws Error `late()`, where it is not done by then */
export function within<T>(ms: number, done: Awaitable<T>, late: () => Error): Promise<T> {
  if (!isPromise(done)) return Promise.resolve(done);
  return new Promise((resolve, reject) => {
    const waiting = timer(ms).subscribe(() => reject(late()));
    done.then(resolve, reject).finally(() => waiting.unsubscribe());
  });
}
