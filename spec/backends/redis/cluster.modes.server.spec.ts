import { Redis as Client, Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FromRedisConfig } from '../../../lib/backends/redis/index.ts';
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { type RedisClusterServers, startRedisCluster } from '../../servers/redisCluster.ts';
import { Follower, until } from './follower.ts';
import { Load } from './load.ts';

const modes = [
  ['tracking', {}],
  ['keyspace', { mode: 'keyspace', keyspaceEvents: 'set' }],
] as const satisfies readonly (readonly [string, Partial<FromRedisConfig<string>>])[];

describe.runIf(needServer(redisLine))('a Redis cluster, by either way to listen', { timeout: 120_000 }, () => {
  let servers: RedisClusterServers;
  let writer: Cluster;

  beforeAll(async () => {
    servers = await startRedisCluster();
    writer = new Cluster([...servers.endpoints], { slotsRefreshInterval: 500, clusterRetryStrategy: () => 50 });
    writer.on('error', () => undefined);
  }, 60_000);
  afterAll(async () => {
    writer.disconnect();
    await servers.stop();
  });

  /** What the masters hold, each asked by itself: nothing moves here. */
  const truth = async () => {
    const content = new Map<string, string>();
    for (const { port, slots } of await servers.masters()) {
      expect(slots.length).toBeGreaterThan(0);
      const single = new Client({ port, retryStrategy: () => null });
      single.on('error', () => undefined);
      try {
        for (const key of await single.keys('*')) {
          const value = await single.get(key);
          if (value !== null) content.set(key, value);
        }
      } finally {
        single.disconnect();
      }
    }
    return content;
  };
  const follow = (config: Partial<FromRedisConfig<string>>) =>
    new Follower(new Cluster([...servers.endpoints], { lazyConnect: true }), config).started();

  it.each(modes)('%s: every master is listened to; FLUSHALL of one is a resync', async (_, config) => {
    for (const { port } of await servers.masters()) await servers.nodeAt(port).cli('FLUSHALL');
    const follower = await follow(config);
    await Promise.all(Array.from({ length: 100 }, (_, i) => writer.set(`k${i}`, String(i))));
    await follower.knows(truth);
    const [{ port }] = (await servers.masters()) as unknown as [{ port: number }];
    await servers.nodeAt(port).cli('FLUSHALL');
    await follower.knows(truth);
    expect(follower.view.size).toBeLessThan(100);
    expect(follower.reasons).toEqual(['initial', 'regressed']);
    expect(follower.wrong).toEqual([]);
  });

  it.each(modes)('%s: a failover that is asked for, under load', async (_, config) => {
    const follower = await follow(config);
    const load = new Load(writer, { keys: 100 });
    await load.more(500);
    const members = await servers.members();
    const replica = members.find(({ isMaster }) => !isMaster)!;
    await servers.nodeAt(replica.port).cli('CLUSTER', 'FAILOVER');
    await until(
      async () => !(await servers.masters()).some(({ port }) => port === replica.port) && 'no failover',
      40_000,
    );
    await load.more(500);
    await until(() => follower.reasons.length < 2 && 'no resync', 40_000);
    await load.more(500);
    await load.stop();
    await servers.settled();
    await follower.knows(truth, 40_000);
    expect(follower.wrong).toEqual([]);
    // What the new master was not told to announce would be missed from then on.
    await writer.set('later', '1');
    await Promise.all(Array.from({ length: 100 }, (_, i) => writer.set(`k${i}`, 'last')));
    await follower.knows(truth);
    expect(follower.view.get('k99')).toBe('last');
  });
});
