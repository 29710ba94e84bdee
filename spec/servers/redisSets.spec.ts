import { describe, expect, it, onTestFinished } from 'vitest';
import { needServer } from './need.ts';
import { startRedisCluster } from './redisCluster.ts';
import { startRedisSentinel, until } from './redisSentinel.ts';

describe.runIf(needServer('redis-7'))('a Redis with Sentinels', () => {
  it('replicates, and has another master when it is asked to, and when the master is killed', async () => {
    const set = await startRedisSentinel();
    onTestFinished(() => set.stop());
    const first = await set.master();
    expect(first).toBe(set.nodes[0]);
    await first.cli('SET', 'a', '1');
    await until(async () => (await set.nodes[1]!.cli('GET', 'a')) === '1');
    const second = await set.failover();
    expect(second).not.toBe(first);
    expect(await second.cli('SET', 'a', '2')).toBe('OK');
    await until(async () => (await second.cli('INFO', 'replication')).match(/state=online/g)?.length === 2);
    await second.kill();
    const third = await set.masterAfter(second);
    expect(await third.cli('GET', 'a')).toBe('2');
  }, 120_000);
});

describe.runIf(needServer('redis-7'))('a Redis Cluster', () => {
  it('spreads keys, goes on without a master, and takes another one', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const view = await cluster.view();
    expect(view.filter(({ isMaster }) => isMaster)).toHaveLength(3);
    const slot = Number(await cluster.nodes[0]!.cli('CLUSTER', 'KEYSLOT', 'a'));
    const owner = await cluster.ownerOf(slot);
    expect(await owner.redis.cli('SET', 'a', '1')).toBe('OK');
    const replica = view.find(({ masterId }) => masterId === owner.id)!;
    await until(async () => (await replica.redis.cli('DBSIZE')) === '1');
    await owner.redis.kill();
    await until(async () => (await replica.redis.cli('ROLE')).startsWith('master'));
    await cluster.settled();
    const heir = await cluster.ownerOf(slot);
    expect(heir.redis).toBe(replica.redis);
    await owner.redis.start();
    await cluster.settled();
    const added = await cluster.add();
    await cluster.move(heir, added, 10);
    await until(async () => (await cluster.view()).some(({ id, slots }) => id === added.id && slots.length > 0));
  });
});
