import { toState } from 'rx-datasync';
import type { RedisStore } from 'rx-datasync/redis';
import { auditTime, combineLatest, map, type Observable } from 'rxjs';
import { type Flight, flightCodec, flightKeys, patient, runwayKeys, type Stage } from './flights.ts';

const rows = 8;
const width = 24;

/** What hangs in the hall: a new picture when something has changed, at most ten a second. */
export function board(redis: RedisStore): Observable<string> {
  const flights = redis.source({ ...patient, prefixes: [flightKeys], codec: flightCodec }).pipe(toState());
  const runways = redis.source({ ...patient, prefixes: [runwayKeys] }).pipe(toState());
  return combineLatest([flights, runways]).pipe(
    auditTime(100),
    map(([all, open]) => picture(all, [...open.keys()])),
  );
}

/** One picture of the airport. */
export function picture(flights: ReadonlyMap<string, Flight>, open: readonly string[]): string {
  const all = [...flights].map(([key, flight]) => [key.slice(flightKeys.length), flight] as const).sort();
  const lines = open
    .map((key) => key.slice(runwayKeys.length))
    .sort()
    .map((runway) => {
      const on = all.find(([, { stage, at }]) => at === runway && (stage === 'landing' || stage === 'takeoff'));
      if (on === undefined) return `runway ${runway}  ────────────────  free`;
      const [name, { stage, from, to }] = on;
      return stage === 'landing'
        ? `runway ${runway}  ──────╲✈─────────  ${name} lands, from ${from}`
        : `runway ${runway}  ─────────╱✈──────  ${name} takes off, to ${to}`;
    });
  const columns = [
    column('ARRIVALS', all, ['approach'], ({ from }) => `from ${from}`),
    column('HANGAR', all, ['landed', 'hangar'], ({ stage }) => (stage === 'landed' ? 'rolls in' : 'is served')),
    column('DEPARTURES', all, ['ready'], ({ to }) => `to ${to}`),
  ];
  const body = Array.from({ length: rows + 1 }, (_, row) => columns.map((texts) => (texts[row] ?? '').padEnd(width)));
  return [
    ...(lines.length > 0 ? lines : ['all runways are closed']),
    '',
    ...body.map((texts) => texts.join('').trimEnd()),
  ].join('\n');
}

function column(
  title: string,
  all: readonly (readonly [string, Flight])[],
  wanted: readonly Stage[],
  textOf: (flight: Flight) => string,
): readonly string[] {
  const here = all.filter(([, { stage }]) => wanted.includes(stage));
  const texts = here.slice(0, rows).map(([name, flight]) => `${name}  ${textOf(flight)}`);
  return [`${title} ${here.length}`, ...texts];
}
