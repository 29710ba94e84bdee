import { isObservable, type Observable } from 'rxjs';
import { DatasyncError } from '../model/errors.ts';
import { shown } from '../model/options.ts';
import { FatalError } from './frames.ts';

/**
 * What a function of a store returned, where it is an Observable. Anything else is no fault of the store that goes away
 * by itself: it ends the subscription.
 *
 * @param what whose function, for the message: `pinned: 'list'`
 * @throws FatalError caused by a DatasyncError `INVALID_CONFIG`
 */
export function observed<T>(what: string, backend: string, returned: Observable<T>): Observable<T> {
  if (isObservable(returned)) return returned;
  const promise = returned as PromiseLike<unknown> | undefined | null;
  let message = `${what} must return an Observable, not ${shown(returned)}`;
  if (typeof promise?.then === 'function') {
    message = `${what} must return an Observable, not a Promise: make one of it with fromPages, or with defer and from of rxjs`;
    // Said here, and not once more as an unhandled rejection.
    promise.then(undefined, () => undefined);
  }
  throw new FatalError(message, { cause: new DatasyncError('INVALID_CONFIG', message, { backend }) });
}
