/**
 * An airport around keys in Redis, as the redis-lib/airport example of cn-infra; see README.md beside it.
 *
 *     npx tsx examples/airport/main.ts                                    the whole of it, until all flights have come and gone
 *     npx tsx examples/airport/main.ts radar | tower | runway 1 | hangar | log | board      a part of it, until Ctrl-C
 *
 * Options: `--flights 20`, `--every 400`, `--pace 300` (milliseconds); `--redis-config FILE`.
 */
import { parseArgs } from 'node:util';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { stopped, withRedis } from '../redis-simple/withRedis.ts';
import { airport, parts, shown } from './airport.ts';
import type { Totals } from './log.ts';

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { flights: text, every: text, pace: text, 'redis-config': text },
});
const { flights = '20', every = '400', pace = '300' } = values;
const traffic = { flights: Number(flights), every: Number(every), pace: Number(pace) };
const [part, name = '1'] = positionals;
const print = (line: string): void => console.log(line);

await withRedis(async (redis) => {
  await redis.ready();
  if (part === undefined) {
    let totals: Totals = { landed: 0, departed: 0 };
    const whole = process.stdout.isTTY ? shown(redis, print, traffic) : airport(redis, print, traffic);
    const counted = whole.pipe(
      tap((now) => {
        totals = now;
      }),
      takeUntil(stopped),
    );
    await lastValueFrom(counted, { defaultValue: undefined });
    print(`${totals.landed} flights have landed, ${totals.departed} have departed`);
  } else {
    const start = parts[part];
    if (start === undefined) throw new Error(`no such part: ${part}; there are ${Object.keys(parts).join(', ')}`);
    await lastValueFrom(start(redis, print, traffic, name).pipe(takeUntil(stopped)), { defaultValue: undefined });
  }
});
