import { ackWithCallback, bufferDuringResync, type KeyValue } from 'rx-datasync';
import type { RedisStore } from 'rx-datasync/redis';
import { concatMap, EMPTY, from, mergeMap, type Observable, timer } from 'rxjs';
import { type Flight, flightCodec, flightKeys, patient } from './flights.ts';

/** Where a flight goes next, and how long that takes. */
export interface Move {
  readonly to: Flight;
  readonly after: number;
  /** Milliseconds that Redis remembers it. */
  readonly ttl?: number;
}

/**
 * Moves each flight on that it is told of and that a rule names, so many at a time. It keeps nothing in mind: who is killed in the midst of
 * it, and started again, is told of the same flights by the first resync.
 */
export function follow(
  redis: RedisStore,
  rule: (flight: Flight) => Move | undefined,
  concurrency = 1,
): Observable<unknown> {
  const broker = redis.broker({ prefix: flightKeys, codec: flightCodec });
  const moveOn = ({ key, value }: Pick<KeyValue<Flight>, 'key' | 'value'>): Observable<unknown> => {
    const move = rule(value);
    if (move === undefined) return EMPTY;
    const { to, after, ttl } = move;
    const options = ttl === undefined ? {} : { ttl };
    // Is it not swapped, then somebody has moved it already: perhaps we, without having heard of it.
    const name = key.slice(flightKeys.length);
    return timer(after).pipe(concatMap(() => broker.compareAndSwap(name, value, to, options)));
  };
  return redis.source({ ...patient, prefixes: [flightKeys], codec: flightCodec }).pipe(
    bufferDuringResync(),
    ackWithCallback(
      {
        resync: ({ entries }) => from(entries.sorted()).pipe(mergeMap(moveOn, concurrency)),
        change: ({ changes }) =>
          from(changes).pipe(mergeMap((one) => (one.op === 'put' ? moveOn(one) : EMPTY), concurrency)),
      },
      { concurrency },
    ),
  );
}
