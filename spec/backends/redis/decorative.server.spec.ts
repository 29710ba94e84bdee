import { Redis as Client } from 'ioredis';
import {
  concatMap,
  delayWhen,
  EMPTY,
  map,
  merge,
  type Observable,
  of,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listRedis, redisBackend, watchRedis } from '../../../lib/backends/redis/index.ts';
import {
  ackWithCallback,
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  jsonCodec,
  trackPrevious,
} from '../../../lib/index.ts';
import { History, validate } from '../../../lib/testing/index.ts';
import { needServer } from '../../servers/need.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { until } from '../../support/follower.ts';

type Dropped = 'nothing' | 'bufferDuringResync' | 'filterByRevision' | 'ackWithCallback';

const codec = jsonCodec<number>();

/** The keys of an event: of a resync, nothing. */
function keysOf(event: DatasyncEvent<number>): readonly string[] {
  return event.type === 'resync' ? [] : event.changes.map(({ key }) => key);
}

/** The two halves of a real server that race, and work that takes time and fails once, with one of the operators missing. */
async function violationsWithout(dropped: Dropped): Promise<string[]> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const client = new Client({ port: redis.port, lazyConnect: true });
  const config = { prefixes: [''], codec };
  const history = new History<number>();
  let heard = 0;
  let writes = 0;
  /** Writes, and waits until the watch has told it: each write is an event of its own. */
  const written = async (key: string, value?: number): Promise<void> => {
    writes += 1;
    history.write({
      revision: writes,
      put: value === undefined ? {} : { [key]: value },
      delete: value === undefined ? [key] : [],
    });
    const before = heard;
    await (value === undefined ? redis.cli('DEL', key) : redis.cli('SET', key, JSON.stringify(value)));
    await until(() => expect(heard).toBeGreaterThan(before));
  };

  const late = new Subject<void>();
  const start = new Subject<void>();
  const there = new Subject<void>();
  const applied = new Subject<void>();
  let isEarly = true;
  let listed = false;
  const handled = new Set<string>();

  const list = start.pipe(
    concatMap(() => listRedis(client, config)),
    tap(() => {
      listed = true;
    }),
    delayWhen(() => there),
  );
  const watch = watchRedis(client, config).pipe(
    tap(() => {
      heard += 1;
    }),
    // What the list contains comes late from the watch, after what is newer.
    delayWhen(() => (isEarly ? late : of(0))),
  );
  const work = history.work('consumer', (event: DatasyncEvent<number>): Observable<unknown> => {
    const fails = event.type === 'change' && event.changes.some((change) => change.op === 'put' && change.value === 9);
    // A resync takes until it is let go.
    const taking: Observable<unknown> = event.type === 'resync' ? applied.pipe(take(1)) : timer(5);
    return taking.pipe(
      tap(() => {
        for (const key of keysOf(event)) handled.add(key);
      }),
      concatMap(() => (fails ? throwError(() => new Error('no route')) : EMPTY)),
    );
  });
  const held = merge(watch, list).pipe(
    dropped === 'bufferDuringResync' ? map((event: DatasyncEvent<number>) => event) : bufferDuringResync(),
  );
  const filtered = dropped === 'filterByRevision' ? held : held.pipe(filterByRevision());
  const told = filtered.pipe(trackPrevious(), history.tap('buffered'));
  const worked: Observable<unknown> =
    dropped === 'ackWithCallback'
      ? told.pipe(concatMap(work))
      : told.pipe(ackWithCallback({ resync: work, change: work }), history.tapResults());

  history.truth(0, []);
  const subscription = worked.subscribe({ error: () => undefined });
  onTestFinished(() => subscription.unsubscribe());
  // It is armed as soon as a list that was subscribed after it is told.
  let armed = false;
  listRedis(client, config).subscribe(() => {
    armed = true;
  });
  await until(() => expect(armed).toBe(true));
  await written('x', 1);
  await written('x');
  await written('x', 2);
  isEarly = false;
  start.next();
  await until(() => expect(listed).toBe(true));
  await written('y', 1);
  there.next();
  late.next();
  await written('z', 1);
  applied.next();
  await until(() => expect(handled).toContain('z'));
  await written('w', 9);
  await until(() => expect(handled).toContain('w'));
  history.quiet();
  subscription.unsubscribe();
  return [...new Set(validate(history, redisBackend(client).capabilities).map(({ invariant }) => invariant))].sort();
}

describe.runIf(needServer(redisLine))('no operator is decorative: over a list and a watch of Redis that race', () => {
  it('with all of them every promise is kept', async () => expect(await violationsWithout('nothing')).toEqual([]));

  it.each([
    ['bufferDuringResync', ['I30']],
    ['filterByRevision', ['I12', 'I9']],
    ['ackWithCallback', ['I34', 'I35']],
  ] as const)('without %s %j break', async (dropped, broken) => {
    expect(await violationsWithout(dropped)).toEqual(expect.arrayContaining([...broken]));
  });
});
