import { type ChangeEvent, consumer, orderedResync, type Snapshot, textCodec } from 'rx-datasync';
import type { RedisStore } from 'rx-datasync/redis';
import type { Observable } from 'rxjs';
import { type Flight, flightCodec, flightKeys, occupies, patient, progress, runwayKeys } from './flights.ts';

/**
 * The tower sends each flight to a runway that is open and free: those in the air first. When a runway closes under a flight, that waits again.
 *
 * It must know all runways before it clears the first flight, also after Redis was away: hence `orderedResync`.
 */
export function tower(redis: RedisStore): Observable<unknown> {
  const broker = redis.broker({ prefix: flightKeys, codec: flightCodec });
  const runways = new Map<string, string>();
  const flights = new Map<string, Flight>();

  const move = async (key: string, flight: Flight, to: Flight): Promise<void> => {
    const { swapped } = await broker.compareAndSwap(key.slice(flightKeys.length), flight, to);
    // If not, what we know of it is old, and the new is on its way to us.
    if (swapped) flights.set(key, to);
    else flights.delete(key);
  };

  const clear = async (): Promise<void> => {
    const taken = new Set<string>();
    for (const [key, flight] of [...flights]) {
      if (!occupies(flight)) continue;
      if (runways.has(runwayKeys + flight.at)) taken.add(runwayKeys + flight.at);
      else await move(key, flight, { ...flight, stage: flight.stage === 'landing' ? 'approach' : 'ready', at: '' });
    }
    const free = [...runways.keys()].filter((runway) => !taken.has(runway));
    const waiting = [...flights]
      .filter(([, { stage }]) => stage === 'approach' || stage === 'ready')
      .sort(([, a], [, b]) => progress(a) - progress(b));
    for (const runway of free.slice(0, waiting.length)) {
      const [key, flight] = waiting.shift()!;
      const stage = flight.stage === 'approach' ? 'landing' : 'takeoff';
      await move(key, flight, { ...flight, stage, at: runway.slice(runwayKeys.length) });
    }
  };

  return redis.source({ ...patient, prefixes: [runwayKeys, flightKeys] }).pipe(
    orderedResync([
      consumer('runways', runwayKeys, textCodec, {
        resync: ({ entries }) => replace(runways, entries),
        change: (event) => {
          apply(runways, event);
          return clear();
        },
      }),
      consumer('flights', flightKeys, flightCodec, {
        resync: ({ entries }) => {
          replace(flights, entries);
          return clear();
        },
        change: (event) => {
          apply(flights, event);
          return clear();
        },
      }),
    ]),
  );
}

function replace<T>(view: Map<string, T>, entries: Snapshot<T>): void {
  view.clear();
  for (const { key, value } of entries) view.set(key, value);
}

function apply<T>(view: Map<string, T>, { changes }: ChangeEvent<T>): void {
  for (const change of changes) {
    if (change.op === 'put') view.set(change.key, change.value);
    else view.delete(change.key);
  }
}
