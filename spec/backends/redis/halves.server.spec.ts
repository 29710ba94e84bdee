import { Redis as Client } from 'ioredis';
import { merge, retry, type Subscription } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listRedis, type RedisHalfConfig, watchRedis } from '../../../lib/backends/redis/index.ts';
import {
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  textCodec,
  trackPrevious,
} from '../../../lib/index.ts';
import { ContinuityLost } from '../../../lib/source/frames.ts';
import { needServer } from '../../servers/need.ts';
import { openProxy } from '../../servers/proxy.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { until } from './follower.ts';
import { contentOf } from './load.ts';

const config: RedisHalfConfig<string> & { codec: typeof textCodec } = {
  prefixes: ['app/'],
  codec: textCodec,
  probeInterval: 100,
};

function stopped(subscription: Subscription): Subscription {
  onTestFinished(() => subscription.unsubscribe());
  return subscription;
}

async function place() {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const proxy = await openProxy({ port: redis.port });
  onTestFinished(() => proxy.close());
  const writer = new Client({ port: redis.port });
  writer.on('error', () => undefined);
  onTestFinished(() => writer.disconnect());
  const client = new Client({ port: proxy.port, lazyConnect: true });
  return { redis, proxy, writer, client };
}

describe.runIf(needServer(redisLine))('listRedis and watchRedis', () => {
  it('a list is one resync, and completes; it leaves no connection', async () => {
    const { redis, writer, client } = await place();
    await writer.mset('app/a', '1', 'app/b', '2', 'other', '3');
    const told: unknown[] = [];
    listRedis(client, config).subscribe({ next: (event) => told.push(event), complete: () => told.push('over') });
    await until(() => told.length < 2 && told);
    expect(told).toMatchObject([{ type: 'resync', epoch: 0, reason: 'initial', prefixes: ['app/'] }, 'over']);
    const [{ entries, revision }] = told as [
      { entries: { get(key: string): unknown; size: number }; revision: number },
    ];
    expect([entries.size, entries.get('app/b')]).toMatchObject([2, { value: '2', revision }]);
    const again: number[] = [];
    listRedis(client, config).subscribe((event) => again.push(event.revision));
    await until(() => again.length === 0 && 'no list');
    expect(again[0]).toBeGreaterThan(revision);
    await until(async () => (await redis.cli('CLIENT', 'LIST')).split('\n').length > 2 && 'connections are left');
  });

  it('a watch tells what is touched from its subscription on, and leaves no connection', async () => {
    const { redis, writer, client } = await place();
    await writer.mset('app/a', '1', 'app/b', '1');
    const told: DatasyncEvent<string>[] = [];
    const watch = stopped(watchRedis(client, config).subscribe((event) => told.push(event)));
    const listed: unknown[] = [];
    listRedis(client, config).subscribe((event) => listed.push(event));
    await until(() => listed.length === 0 && 'not armed');
    await writer.set('app/a', '2');
    await until(() => told.length < 1 && 'nothing');
    await writer.del('app/b');
    await until(() => told.length < 2 && 'nothing');
    await writer.set('other', '1');
    await writer.hset('app/h', 'f', 'v');
    await until(() => told.length < 3 && 'nothing');
    const [first, second] = told.map(({ revision }) => revision) as [number, number];
    expect(second).toBeGreaterThan(first);
    expect(told).toMatchObject([
      { type: 'change', epoch: 0, coalesced: true, changes: [{ op: 'put', key: 'app/a', value: '2' }] },
      { changes: [{ op: 'delete', key: 'app/b', prevValue: undefined }] },
      { changes: [], rejected: [{ key: 'app/h' }] },
    ]);
    watch.unsubscribe();
    await until(async () => (await redis.cli('CLIENT', 'LIST')).split('\n').length > 2 && 'connections are left');
  });

  it('values that only grow never go back, however the listings fall between the reads of what was touched', async () => {
    const { writer, client } = await place();
    const view = new Map<string, number>();
    const back: string[] = [];
    let resyncs = 0;
    let n = 0;
    let isOver = false;
    onTestFinished(() => {
      isOver = true;
    });
    const writing = (async () => {
      while (!isOver) {
        const pipeline = writer.pipeline();
        for (let i = 0; i < 20; i++) pipeline.set(`app/${n % 50}`, n++);
        await pipeline.exec();
      }
    })();
    const set = (key: string, value: string): void => {
      if (Number(value) < (view.get(key) ?? -1)) back.push(`${key}: ${value} after ${view.get(key)}`);
      view.set(key, Number(value));
    };
    // Small batches: there is always something that was touched and not read yet.
    const small = { ...config, batch: 5 };
    for (let run = 0; run < 30; run++) {
      view.clear();
      const events = merge(watchRedis(client, small), listRedis(client, small)).pipe(
        bufferDuringResync(),
        filterByRevision(),
        trackPrevious(),
      );
      let changes = 0;
      const subscription = stopped(
        events.subscribe((event) => {
          if (event.type === 'resync') {
            resyncs += 1;
            for (const { key, value } of event.entries.items) set(key, value);
          } else {
            changes += 1;
            for (const change of event.changes) if (change.op === 'put') set(change.key, change.value);
          }
        }),
      );
      await until(() => changes < 20 && `${changes} changes`);
      // Somebody else lists meanwhile, over the same client.
      let others = 0;
      listRedis(client, small).subscribe(() => {
        others += 1;
      });
      await until(() => others === 0 && 'no list');
      if (run === 29) {
        isOver = true;
        await writing;
        const truth = await contentOf(writer, 'app/');
        await until(() => [...truth].some(([key, value]) => view.get(key) !== Number(value)) && 'it lags behind');
      }
      subscription.unsubscribe();
    }
    expect(back).toEqual([]);
    expect(resyncs).toBe(30);
  });

  it('while a listing reads, the watch does not: what it tells then has a higher revision', async () => {
    const { writer, client } = await place();
    await writer.set('app/a', '1');
    await writer.hset('app/h', 'f', 'v');
    const told: DatasyncEvent<string>[] = [];
    stopped(watchRedis(client, config).subscribe((event) => told.push(event)));
    // Listings that take as long as we like.
    const open: (() => void)[] = [];
    const gate = { type: 'hash', read: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))) };
    const lists: number[] = [];
    const list = () =>
      stopped(
        listRedis(client, { ...config, readers: [gate], timeout: 60_000 }).subscribe(({ revision }) =>
          lists.push(revision),
        ),
      );
    list();
    await until(() => open.length < 1 && 'it does not read');
    await writer.set('app/a', '2');
    // Whoever else listens has told it.
    const other: unknown[] = [];
    const same = client.duplicate();
    onTestFinished(() => same.disconnect());
    stopped(watchRedis(same, config).subscribe((event) => other.push(event)));
    await until(async () => {
      await writer.set('app/a', '3');
      return other.length === 0 && 'nobody hears';
    });
    expect([told, lists]).toEqual([[], []]);
    open[0]!();
    await until(() => told.length < 1 && 'not told');
    expect(lists).toHaveLength(1);
    expect(told[0]).toMatchObject({ changes: [{ key: 'app/a', value: '3' }] });
    expect(told[0]!.revision).toBeGreaterThan(lists[0]!);
    // A listing that is given up holds nobody back.
    const given = list();
    await until(() => open.length < 2 && 'it does not read');
    await writer.set('app/a', '4');
    given.unsubscribe();
    await until(() => told.length < 2 && 'held for ever');
  });

  it('a listing waits only for the watches that were there before it, also for those that fail', async () => {
    const { proxy, client } = await place();
    const order: string[] = [];
    await proxy.refuse();
    const never = new Client({ port: proxy.port, lazyConnect: true });
    watchRedis(never, config).subscribe({ error: (error: { code: string }) => order.push(error.code) });
    const listed = () => order.push('listed');
    stopped(listRedis(never, { ...config, timeout: 60_000 }).subscribe({ next: listed, error: listed }));
    await until(() => order.length === 0 && 'it goes on');
    expect(order).toEqual(['CONNECTION_LOST']);
    await proxy.accept();
    await until(() => order.length < 2 && 'not listed');
    expect(order).toEqual(['CONNECTION_LOST', 'listed']);
    client.disconnect();
  });

  it('FLUSHALL is an error that says so, a break one of the connection; with retry around both, nothing is wrong in the end', async () => {
    const { proxy, writer, client } = await place();
    await writer.mset('app/a', '1', 'app/b', '1');
    const errors: unknown[] = [];
    stopped(watchRedis(client, config).subscribe({ error: (error: unknown) => errors.push(error) }));
    const view = new Map<string, string>();
    let resyncs = 0;
    const events = merge(watchRedis(client, config), listRedis(client, config)).pipe(
      retry({ delay: 10 }),
      bufferDuringResync(),
      filterByRevision(),
      trackPrevious(),
    );
    const subscription = stopped(
      events.subscribe((event) => {
        if (event.type === 'resync') {
          resyncs += 1;
          view.clear();
          for (const { key, value } of event.entries.items) view.set(key, value);
          return;
        }
        for (const change of event.changes) {
          if (change.op === 'put') view.set(change.key, change.value);
          else view.delete(change.key);
        }
      }),
    );
    await until(() => view.size !== 2 && 'not listed');
    await writer.flushall();
    await until(() => view.size > 0 && 'it is still there');
    await until(() => errors.length === 0 && 'no error');
    expect(errors[0]).toBeInstanceOf(ContinuityLost);
    expect(errors[0]).toMatchObject({ reason: 'regressed' });
    stopped(watchRedis(client, config).subscribe({ error: (error: unknown) => errors.push(error) }));
    let armed = false;
    listRedis(client, config).subscribe(() => {
      armed = true;
    });
    await until(() => !armed && 'not armed');
    const before = resyncs;
    proxy.cut();
    await writer.set('app/c', '1');
    await until(() => (view.get('app/c') !== '1' || resyncs === before) && 'not listed again');
    expect(errors[1]).toMatchObject({ code: 'CONNECTION_LOST' });
    subscription.unsubscribe();
  });

  it('more keys are touched while it must wait than it remembers: an error that says so', async () => {
    const { writer, client } = await place();
    await writer.hset('app/h', 'f', 'v');
    const errors: unknown[] = [];
    const open: (() => void)[] = [];
    stopped(watchRedis(client, config).subscribe({ error: (error: unknown) => errors.push(error) }));
    const gate = { type: 'hash', read: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))) };
    stopped(listRedis(client, { ...config, readers: [gate], timeout: 60_000 }).subscribe());
    await until(() => open.length === 0 && 'it does not read');
    await writer.eval("for i = 1, 100001 do redis.call('SET', 'app/' .. i, i) end", 0);
    // Until all of it has been sent, and read from the socket.
    await until(async () => / oll=[1-9]/.test(String(await writer.client('LIST'))) && 'not sent');
    for (let turn = 0; turn < 100; turn++) await writer.ping();
    open[0]!();
    await until(() => errors.length === 0 && 'no error');
    expect(errors[0]).toMatchObject({ reason: 'compacted' });
  });

  it.each<[string, object, string]>([
    ['an unknown option', { prefixes: ['a'], onDenied: 'retry' }, "'onDenied'"],
    ['no prefixes', { prefixes: [] }, "'config.prefixes' must be a list that is not empty"],
    ['prefixes that are missing', {}, "'prefixes' is missing"],
    ['a mode that is none', { prefixes: ['a'], mode: 'push' }, "'mode' must be"],
  ])('refuses %s', (_, wrong, words) => {
    const client = new Client({ lazyConnect: true });
    const refusal = expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(words) });
    expect(() => listRedis(client, wrong as never)).toThrow(refusal);
    expect(() => watchRedis(client, wrong as never)).toThrow(refusal);
    expect(() => watchRedis({} as never, { prefixes: ['a'] })).toThrow("'client' must be");
  });
});
