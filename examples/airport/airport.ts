import type { RedisStore } from 'rx-datasync/redis';
import {
  BehaviorSubject,
  combineLatest,
  ignoreElements,
  map,
  merge,
  type Observable,
  share,
  switchMap,
  take,
  takeWhile,
  tap,
} from 'rxjs';
import { board } from './board.ts';
import type { Print } from './flights.ts';
import { log, type Totals } from './log.ts';
import { hangar, radar, runway } from './roles.ts';
import { tower } from './tower.ts';

/** How much is going on; times in milliseconds. */
export interface Traffic {
  /** How many flights the radar sees. */
  readonly flights: number;
  readonly every: number;
  /** How long a landing takes, and a start; the hangar takes three times as long. */
  readonly pace: number;
}

/** The parts of the airport: each may be a program of its own, in any number, on any machine. */
export const parts: Readonly<
  Record<string, (redis: RedisStore, print: Print, traffic: Traffic, name: string) => Observable<unknown>>
> = {
  radar: (redis, print, { flights, every }) =>
    radar(redis, flights, every).pipe(tap((name) => print(`${name} is in sight`))),
  tower: (redis) => tower(redis),
  runway: (redis, _, { pace }, name) => runway(redis, name, pace),
  hangar: (redis, _, { pace }) => hangar(redis, 3 * pace, 8),
  log: (redis, print) => log(redis, print),
  board: (redis, print) => board(redis).pipe(tap((picture) => print(`${picture}\n`))),
};

/** The whole of it in one program, until all flights have come and gone. Emits what is in the log. */
export function airport(redis: RedisStore, print: Print, traffic: Traffic): Observable<Totals> {
  const runways = ['1', '2'].map((name) => runway(redis, name, traffic.pace));
  const working = merge(
    radar(redis, traffic.flights, traffic.every),
    tower(redis),
    ...runways,
    hangar(redis, 3 * traffic.pace, 8),
  );
  const book = log(redis, print).pipe(share());
  // Whatever happens before the log begins is not in it.
  const begun = book.pipe(
    take(1),
    switchMap(() => working),
    ignoreElements(),
  );
  return merge(book, begun).pipe(takeWhile(({ departed }) => departed < traffic.flights, true));
}

/** The same with the board above the last lines of the log, drawn over and over in a terminal. */
export function shown(redis: RedisStore, draw: Print, traffic: Traffic): Observable<Totals> {
  const lines = new BehaviorSubject<readonly string[]>([]);
  const print = (line: string): void => lines.next([...lines.value, line].slice(-8));
  const screen = combineLatest([board(redis), lines]).pipe(
    map(([picture, last]) => `\u001b[H\u001b[J${picture}\n\n${last.join('\n')}`),
    tap(draw),
  );
  return merge(airport(redis, print, traffic), screen.pipe(ignoreElements())).pipe(
    takeWhile(({ departed }) => departed < traffic.flights, true),
  );
}
