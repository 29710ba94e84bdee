import { textCodec } from 'rx-datasync';
import type { RedisStore } from 'rx-datasync/redis';
import { concatMap, defer, merge, type Observable, retry, switchMap, take, timer } from 'rxjs';
import { type Flight, flightCodec, flightKeys, runwayKeys } from './flights.ts';
import { follow } from './follow.ts';

const again = { delay: 200 };
const airlines = ['LX', 'OK', 'SK', 'TP', 'LO'];
const places = ['Bergen', 'Brno', 'Genoa', 'Porto', 'Turku', 'Vilnius', 'Zagreb'];
/** As long as anybody may still be waiting to hear what became of a flight. */
const remembered = 60_000;

/** The radar sees one flight after the other, and numbers them on from the last one. Emits their names, as soon as they are in Redis. */
export function radar(redis: RedisStore, count: number, every: number): Observable<string> {
  const broker = redis.broker({ prefix: flightKeys, codec: flightCodec });
  const announce = async (number: number): Promise<string> => {
    const name = `${airlines[number % airlines.length]!}${number}`;
    const [from, to] = [places[number % places.length]!, places[(number + 3) % places.length]!];
    // The same one, whether this is the first attempt or one before has got through after all.
    await broker.putIfNotExists(name, { from, to, stage: 'approach', at: '' });
    return name;
  };
  return defer(() => broker.listKeys()).pipe(
    retry(again),
    switchMap((names) => {
      const last = Math.max(99, ...names.map((name) => Number(name.slice(2))));
      return timer(0, every).pipe(
        take(count),
        concatMap((n) => defer(() => announce(last + 1 + n)).pipe(retry(again))),
      );
    }),
  );
}

/** A runway is open while its program runs. What the tower sends there lands, or takes off: one flight at a time. */
export function runway(redis: RedisStore, number: string, pace: number): Observable<unknown> {
  const open = redis.broker({ prefix: runwayKeys, codec: textCodec });
  const opened = defer(() => open.put(number, 'open', { lifetime: 'client' })).pipe(retry(again));
  const moves = follow(redis, (flight) => {
    if (flight.at !== number) return undefined;
    if (flight.stage === 'landing') return { to: { ...flight, stage: 'landed' }, after: pace };
    if (flight.stage === 'takeoff') return { to: { ...flight, stage: 'departed' }, after: pace, ttl: remembered };
    return undefined;
  });
  return merge(opened, moves);
}

/** The hangar takes in what has landed, and looks after some of it at once. */
export function hangar(redis: RedisStore, pace: number, places: number): Observable<unknown> {
  const staged = (flight: Flight, stage: Flight['stage'], after: number) => ({ to: { ...flight, stage }, after });
  return follow(
    redis,
    (flight) => {
      if (flight.stage === 'landed') return staged(flight, 'hangar', 0);
      return flight.stage === 'hangar' ? staged(flight, 'ready', pace) : undefined;
    },
    places,
  );
}
