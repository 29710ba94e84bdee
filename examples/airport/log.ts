import type { DatasyncEvent, SourceStatus } from 'rx-datasync';
import type { RedisStore } from 'rx-datasync/redis';
import { map, type Observable } from 'rxjs';
import { type Flight, flightCodec, flightKeys, occupies, type Print, patient, progress, stages } from './flights.ts';

/** What is in the log. */
export interface Totals {
  readonly landed: number;
  readonly departed: number;
}

const landed = stages.indexOf('landed');
const takeoff = stages.indexOf('takeoff');
const departed = stages.indexOf('departed');

/**
 * Keeps the log: a line for each landing and each departure, made from what a flight was and what it is. Every event has both, also the resync
 * after Redis was away; so no line is missing, and none comes twice.
 */
export function log(redis: RedisStore, print: Print): Observable<Totals> {
  const totals = { landed: 0, departed: 0 };
  const enter = (key: string, before: Flight | undefined, now: Flight | undefined): void => {
    const name = key.slice(flightKeys.length);
    const [was, is] = [progress(before), progress(now)];
    if (was < landed && is >= landed) {
      totals.landed++;
      // Where several moves are told as one, it may be on another one by now.
      const where = is < takeoff ? ` on runway ${now!.at}` : '';
      print(`${name} from ${now!.from} has landed${where}`);
    }
    if (was < departed && is === departed) {
      totals.departed++;
      print(`${name} to ${now!.to} has departed from runway ${now!.at}`);
    }
    // A runway that closed is no loss, and what departed is forgotten after a while.
    const isBack = is < was && !(before !== undefined && occupies(before) && is === was - 1) && was !== departed;
    if (isBack)
      print(`! ${name} was ${before!.stage} and is ${now?.stage ?? 'gone'}: Redis has lost what it had confirmed`);
  };
  const take = (event: DatasyncEvent<Flight>): void => {
    if (event.type === 'change') {
      for (const change of event.changes)
        enter(change.key, change.prevValue, change.op === 'put' ? change.value : undefined);
    } else if (event.reason === 'initial') print(`= the log begins; flights here: ${event.entries.size}`);
    else {
      const { added, changed, removed } = event.diff;
      const moved = added.length + changed.length + removed.length;
      print(`= everything was read again (${event.reason}); flights that have moved meanwhile: ${moved}`);
      for (const { key, value } of added) enter(key, undefined, value);
      for (const { key, value, prevValue } of changed) enter(key, prevValue, value);
      for (const { key, prevValue } of removed) enter(key, prevValue, undefined);
    }
  };
  const statusObserver = spoken(print);
  return redis.source({ ...patient, prefixes: [flightKeys], codec: flightCodec, statusObserver }).pipe(
    map((event) => {
      take(event);
      return { ...totals };
    }),
  );
}

/** Says when Redis is away. */
function spoken(print: Print): { next(status: SourceStatus): void } {
  let away = false;
  return {
    next: ({ state, cause }) => {
      if (state === 'backoff' && !away)
        print(`! Redis is away: ${cause instanceof Error ? cause.message : String(cause)}`);
      away = state === 'backoff' || (away && state !== 'live');
    },
  };
}
