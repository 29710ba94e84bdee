import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromRedisConfig } from '../../../lib/backends/redis/index.ts';
import { needServer } from '../../servers/need.ts';
import { type Redis, redisLine } from '../../servers/redis.ts';
import { masterName, startReplicas } from '../../servers/redisReplicas.ts';
import { Follower, until } from './follower.ts';
import { contentOf, Load } from './load.ts';

async function place(config: Partial<FromRedisConfig<string>> = {}) {
  const replicas = await startReplicas();
  onTestFinished(() => replicas.stop());
  const options = {
    sentinels: replicas.sentinelPorts.map((port) => ({ host: '127.0.0.1', port })),
    name: masterName,
    failoverDetector: true,
    sentinelRetryStrategy: () => 50,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  };
  const writer = new Client(options);
  writer.on('error', () => undefined);
  onTestFinished(() => writer.disconnect());
  const client = new Client({ ...options, failoverDetector: false, lazyConnect: true });
  const follower = await new Follower(client, config).started();
  /** What the present master holds; the client of the load may still be on its way there. */
  const truth = async () => {
    const { port } = await replicas.master();
    const reader = new Client({ port, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    reader.on('error', () => undefined);
    try {
      return await contentOf(reader);
    } finally {
      reader.disconnect();
    }
  };
  return { replicas, writer, follower, truth };
}

describe.runIf(needServer(redisLine))('fromRedis with Sentinels', { timeout: 120_000 }, () => {
  it('a failover that is asked for: the new master is followed, from a resync on', async () => {
    const { replicas, writer, follower, truth } = await place();
    const load = new Load(writer);
    await load.more(500);
    await replicas.failover();
    await until(() => follower.reasons.length < 2 && 'no resync', 40_000);
    await load.more(500);
    await load.stop();
    await follower.knows(truth, 40_000);
    expect(follower.wrong).toEqual([]);
  });

  it('the master is killed', async () => {
    const { replicas, writer, follower, truth } = await place();
    const load = new Load(writer);
    await load.more(500);
    const old = await replicas.master();
    await old.kill();
    await replicas.replaced(old);
    await load.more(500, 60_000);
    await old.start();
    await load.more(500);
    await load.stop();
    await follower.knows(truth, 40_000);
    expect(follower.reasons[1]).toBe('reconnected');
    expect(follower.wrong).toEqual([]);
  });

  it('the master stands still, is replaced, and comes back believing that it still is one', async () => {
    const { replicas, writer, follower, truth } = await place();
    await writer.set('before', '1');
    await until(() => follower.view.get('before') !== '1');
    const old = await replicas.master();
    old.pause();
    const master = await replicas.replaced(old);
    await master.cli('SET', 'after', '1');
    await until(() => follower.view.get('after') !== '1', 40_000);
    old.resume();
    await master.cli('SET', 'later', '1');
    await follower.knows(truth, 40_000);
    expect(follower.view.get('later')).toBe('1');
    expect(follower.wrong).toEqual([]);
  });

  it('keyspace notifications that were set on the master, and that the new one does not have: they are set again', async () => {
    const { replicas, writer, follower, truth } = await place({ mode: 'keyspace', keyspaceEvents: 'set' });
    await writer.set('before', '1');
    await until(() => follower.view.get('before') !== '1');
    const flags = (node: Redis) => node.cli('CONFIG', 'GET', 'notify-keyspace-events');
    const old = await replicas.master();
    expect(await flags(old)).toContain('AK');
    for (const node of replicas.nodes) if (node !== old) expect(await flags(node)).not.toContain('K');
    const master = await replicas.failover();
    await until(() => follower.reasons.length < 2 && 'no resync', 40_000);
    await until(async () => !(await flags(master)).includes('AK') && 'not set', 40_000);
    await writer.set('after', '1');
    await follower.knows(truth, 40_000);
    expect(follower.view.get('after')).toBe('1');
    expect(follower.wrong).toEqual([]);
  });

  it('no Sentinel is there: what is connected stays, what breaks comes back with them', async () => {
    const { replicas, writer, follower, truth } = await place();
    await replicas.stopSentinels();
    await writer.set('a', '1');
    await until(() => follower.view.get('a') !== '1');
    expect(follower.reasons).toEqual(['initial']);
    const master = replicas.nodes[0]!;
    for (const type of ['normal', 'pubsub']) await master.cli('CLIENT', 'KILL', 'TYPE', type);
    await until(() => follower.state !== 'backoff' && follower.state);
    await master.cli('SET', 'a', '2');
    expect(follower.error).toBeUndefined();
    await replicas.startSentinels();
    await until(() => follower.reasons.length < 2 && 'no resync', 40_000);
    await follower.knows(truth, 40_000);
    expect(follower.view.get('a')).toBe('2');
    expect(follower.reasons).toEqual(['initial', 'reconnected']);
  });
});
