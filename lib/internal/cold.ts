import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';

/**
 * The one place where a producer is made: each subscription runs `subscribe` anew.
 * (Under a platform Observable, which shares its producer, a second subscriber would miss the resync: there this becomes its cold form.)
 */
export function cold<T>(subscribe: (subscriber: Subscriber<T>) => TeardownLogic): Observable<T> {
  return new Observable<T>(subscribe);
}
