import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromRedisConfig } from '../../../lib/backends/redis/index.ts';
import { needServer } from '../../servers/need.ts';
import { openProxy } from '../../servers/proxy.ts';
import { type RedisOptions, redisLine, startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';
import { contentOf, Load } from './load.ts';

async function place(options: RedisOptions = { persist: true }) {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  const proxy = await openProxy({ port: redis.port });
  onTestFinished(() => proxy.close());
  const writer = new Client({ port: redis.port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  writer.on('error', () => undefined);
  onTestFinished(() => writer.disconnect());
  const follow = (config: Partial<FromRedisConfig<string>> = {}, credentials: object = {}) =>
    new Follower(new Client({ port: proxy.port, lazyConnect: true, ...credentials }), config).started();
  const truth = () => contentOf(writer);
  return { redis, proxy, writer, follow, truth };
}

describe.runIf(needServer(redisLine))('faults of a Redis node', () => {
  it('kill -9 under load, three times: nothing is missing, nothing too much, and each break is a resync', async () => {
    const { redis, writer, follow, truth } = await place();
    const load = new Load(writer);
    const follower = await follow();
    for (let kills = 1; kills <= 3; kills++) {
      await load.more(500);
      await redis.kill();
      await redis.start();
      await until(() => follower.reasons.length <= kills && follower.reasons);
    }
    await load.stop();
    await follower.knows(truth);
    expect(follower.wrong).toEqual([]);
    expect(follower.reasons.slice(1).every((reason) => reason === 'reconnected')).toBe(true);
  });

  it('a server that stands still longer than every limit is given up, and found again', async () => {
    const { redis, writer, follow, truth } = await place();
    const follower = await follow();
    await writer.set('a', '1');
    await until(() => follower.view.get('a') !== '1');
    redis.pause();
    await until(() => follower.state !== 'backoff' && follower.state);
    expect(follower.causes.at(-1)).toBe('DEAD_STREAM');
    void writer.set('a', '2');
    redis.resume();
    await follower.knows(truth);
    expect(follower.view.get('a')).toBe('2');
    expect(follower.reasons).toEqual(['initial', 'reconnected']);
  });

  it.each(['blackHole', 'halfOpen'] as const)(
    'a link that is dead and says nothing (%s) is found out while all is idle',
    async (how) => {
      const { proxy, writer, follow, truth } = await place();
      await writer.set('gone', '1');
      const follower = await follow();
      proxy[how]();
      await writer.multi().del('gone').set('came', '1').exec();
      await until(() => !follower.statuses.some(({ stale }) => stale !== undefined) && follower.state);
      await proxy.heal();
      await follower.knows(truth);
      expect(follower.reasons).toEqual(['initial', 'reconnected']);
      expect(follower.events.at(-1)).toBe('{+came:1 !gone:1}@2 reconnected');
    },
  );

  it('idle but alive: nothing is read again', async () => {
    const { writer, follow } = await place();
    await writer.set('a', '1');
    const follower = await follow({ probeInterval: 20, timeout: 1_000 });
    const pings = async () => Number(/cmdstat_ping:calls=(\d+)/.exec(await writer.info('commandstats'))?.[1]);
    const before = await pings();
    await until(async () => (await pings()) < before + 20);
    expect(follower.reasons).toEqual(['initial']);
    expect(follower.statuses.filter(({ state }) => state === 'connecting')).toHaveLength(1);
  });

  it('a slow reader that the server cuts off for its output buffer reads everything again', async () => {
    const { redis, writer, follow, truth } = await place();
    const follower = await follow();
    await redis.cli('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 100kb 0 0');
    // More than that at once, however fast it is read.
    await writer.eval("for i = 1, 20000 do redis.call('SET', 'some-name-of-a-key/' .. i, i) end", 0);
    await until(() => follower.reasons.length < 2 && 'not cut off');
    await follower.knows(truth);
    expect(follower.wrong).toEqual([]);
    expect(follower.reasons.at(-1)).toBe('reconnected');
  });

  it('FLUSHALL under load: as often as it comes', async () => {
    const { writer, follow, truth } = await place({ persist: false });
    const load = new Load(writer);
    const follower = await follow();
    for (let n = 0; n < 10; n++) {
      await load.more(200);
      await writer.flushall();
    }
    await load.stop();
    await follower.knows(truth);
    expect(follower.wrong).toEqual([]);
    expect(new Set(follower.reasons.slice(1))).toEqual(new Set(['regressed']));
  });

  it('SWAPDB under load', async () => {
    const { writer, follow, truth } = await place({ persist: false });
    const load = new Load(writer);
    const follower = await follow();
    for (let n = 0; n < 4; n++) {
      await load.more(200);
      await writer.swapdb(0, 1);
    }
    await load.stop();
    await follower.knows(truth);
    expect(follower.wrong).toEqual([]);
    expect(follower.reasons).toContain('regressed');
  });

  it('what the server evicts or lets expire is deleted', async () => {
    const { redis, writer, follow, truth } = await place({ args: ['--maxmemory-policy', 'allkeys-random'] });
    const follower = await follow();
    const pipeline = writer.pipeline();
    for (let i = 0; i < 2_000; i++) {
      if (i % 4 === 0) pipeline.set(`k${i}`, 'x'.repeat(100), 'PX', 50 + (i % 100));
      else pipeline.set(`k${i}`, 'x'.repeat(1_000));
    }
    await pipeline.exec();
    const used = Number(/used_memory:(\d+)/.exec(await writer.info('memory'))?.[1]);
    await redis.cli('CONFIG', 'SET', 'maxmemory', String(used - 700_000));
    for (let i = 0; i < 200; i++) await writer.set(`more${i}`, 'x'.repeat(1_000));
    const evicted = async () => Number(/evicted_keys:(\d+)/.exec(await writer.info('stats'))?.[1]);
    expect(await evicted()).toBeGreaterThan(100);
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    await follower.knows(truth);
    expect(follower.reasons).toEqual(['initial']);
    expect(follower.wrong).toEqual([]);
  });

  it('the data is replaced by that of another server, and by an older backup', async () => {
    const { redis, writer, follow, truth } = await place({ args: [] });
    const other = await startRedis();
    onTestFinished(() => other.stop());
    await other.cli('MSET', 'x', 'other', 'y', 'other');
    await writer.mset('x', 'own', 'z', 'own');
    const follower = await follow();
    await redis.cli('REPLICAOF', '127.0.0.1', String(other.port));
    await until(async () => (await redis.cli('GET', 'y')) !== 'other');
    await follower.knows(truth);
    expect(Object.fromEntries(follower.view)).toEqual({ x: 'other', y: 'other' });
    expect(follower.wrong).toEqual([]);
  });
});
