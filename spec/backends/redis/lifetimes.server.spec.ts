import { Redis as Client, Cluster } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { type Redis, startRedis } from '../../servers/redis.ts';
import { startRedisCluster } from '../../servers/redisCluster.ts';
import { Follower, until } from './follower.ts';
import { codeOf, lasting, place } from './lasting.ts';

describe.runIf(needServer('redis-7'))("lifetime 'client' of redisBroker", () => {
  it.each(['delete', 'deletePrefix', 'compareAndDelete', 'commit'] as const)(
    '%s without an answer, done all the same: the key does not come back',
    async (how) => {
      const { redis, broker, renewed } = await place({ sessionTtl: 600, timeout: 1_000 });
      await broker.put('gone', '1', lasting);
      await broker.put('stays', '1', lasting);
      const writes = {
        delete: () => broker.delete('gone'),
        deletePrefix: () => broker.deletePrefix('gone'),
        compareAndDelete: () => broker.compareAndDelete('gone', '1'),
        commit: () => broker.txn().delete('gone').commit(),
      };
      // The time-out is longer than the keys live. What lists is answered: only the deletion meets the silence.
      if (how === 'deletePrefix') await redis.cli('CLIENT', 'PAUSE', '1800', 'WRITE');
      else redis.pause();
      expect(await codeOf(writes[how]())).toBe('OUTCOME_UNKNOWN');
      redis.resume();
      await until(async () => (await redis.cli('EXISTS', 'stays')) !== '1' && 'what was not deleted is not put again');
      await renewed('stays');
      expect(await redis.cli('EXISTS', 'gone')).toBe('0');
    },
  );

  it('what was refused has changed nothing: the key is renewed, and put again', async () => {
    const { redis, proxy, broker, renewed } = await place({ sessionTtl: 900, timeout: 500 });
    await broker.put('p', '1', lasting);
    expect(await broker.compareAndDelete('p', '2')).toEqual({ deleted: false });
    expect(await broker.compareAndSwap('p', '2', '3')).toEqual({ swapped: false });
    await redis.cli('ACL', 'SETUSER', 'default', '-set', '-unlink');
    expect(await codeOf(broker.put('p', '2'))).toBe('ACCESS_DENIED');
    expect(await codeOf(broker.delete('p'))).toBe('ACCESS_DENIED');
    expect(await codeOf(broker.txn().delete('p').commit())).not.toBe('done');
    await renewed('p');
    await redis.cli('ACL', 'SETUSER', 'default', '+@all');
    proxy.blackHole();
    await until(async () => (await redis.cli('EXISTS', 'p')) !== '0' && 'it has not run out');
    await proxy.heal();
    await until(async () => (await redis.cli('GET', 'p')) !== '1' && 'it is not there');
  });

  it('a write that was lost without an answer: what it would have replaced lives on', async () => {
    const { redis, proxy, broker, renewed } = await place({ sessionTtl: 3_000, timeout: 300 });
    await broker.put('p', '1', lasting);
    proxy.halfOpen();
    expect(await codeOf(broker.put('p', '2', lasting))).toBe('OUTCOME_UNKNOWN');
    // The first may have been sent before.
    for (let i = 0; i < 2; i++) await renewed('p');
    expect(await redis.cli('GET', 'p')).toBe('1');
    await redis.cli('FLUSHALL');
    await until(async () => (await redis.cli('GET', 'p')) !== '1' && 'it is not put again');
  });

  const losses: Record<string, (redis: Redis) => Promise<unknown>> = {
    'a crash without persistence': async (redis) => {
      await redis.kill();
      await redis.start();
    },
    FLUSHALL: (redis) => redis.cli('FLUSHALL'),
    SWAPDB: (redis) => redis.cli('SWAPDB', '0', '1'),
    eviction: async (redis) => {
      await redis.cli('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'allkeys-random');
      await redis.cli('SET', 'more', '1');
      await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    },
  };
  it.each(Object.keys(losses))('%s: what was lost is put again, though its time was not over', async (how) => {
    const { redis, broker, renewed } = await place({ sessionTtl: 1_500 });
    await broker.put('p', '1', lasting);
    await renewed('p');
    await redis.cli('SET', 'witness', '1');
    await losses[how]!(redis);
    expect(await redis.cli('EXISTS', 'witness')).toBe('0');
    await until(async () => (await redis.cli('GET', 'p')) !== '1' && 'it is not put again');
    await renewed('p');
  });

  it('what somebody has deleted stays deleted, also right after it was put', async () => {
    const { redis, broker, renewed } = await place({ sessionTtl: 900 });
    await broker.put('first', '1', lasting);
    await redis.cli('DEL', 'first');
    await broker.put('second', '1', lasting);
    await renewed('second');
    await redis.cli('DEL', 'second');
    await broker.put('third', '1', lasting);
    await renewed('third');
    await renewed('third');
    expect(await redis.cli('EXISTS', 'first', 'second')).toBe('0');
  });

  it('what was lost is deleted with its prefix, though it is not there', async () => {
    const { redis, broker, renewed } = await place({ sessionTtl: 1_500 });
    for (const key of ['n/lost', 'n/back', 'other']) await broker.put(key, '1', lasting);
    await redis.cli('FLUSHALL');
    await redis.cli('SET', 'n/back', '1');
    expect(await broker.deletePrefix('n/')).toMatchObject({ deleted: 1 });
    await until(async () => (await redis.cli('EXISTS', 'other')) !== '1' && 'what was lost is not put again');
    await renewed('other');
    expect(await redis.cli('EXISTS', 'n/lost', 'n/back')).toBe('0');
  });

  it('the first replica of a master changes nothing: no resync, and what was deleted stays deleted', async () => {
    const { redis, broker, renewed } = await place({ sessionTtl: 1_500 });
    await broker.put('deleted', '1', lasting);
    await broker.put('stays', '1', lasting);
    const follower = await new Follower(new Client({ port: redis.port, lazyConnect: true })).started();
    const history = async () => /master_replid:\w+/.exec(await redis.cli('INFO', 'replication'))?.[0];
    const before = await history();
    await redis.cli('DEL', 'deleted');
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(redis.port)] });
    onTestFinished(() => replica.stop());
    await until(async () => (await history()) === before && 'no replica');
    await renewed('stays');
    await renewed('stays');
    expect(await redis.cli('EXISTS', 'deleted')).toBe('0');
    expect(follower.reasons).toEqual(['initial']);
    // It follows another, and no one again: what it held may be another's.
    await redis.cli(
      'EVAL',
      "redis.call('REPLICAOF', '127.0.0.1', '1') return redis.call('REPLICAOF', 'NO', 'ONE')",
      '0',
    );
    await until(() => follower.reasons.at(-1) !== 'regressed' && 'no resync');
  });

  it('who may not renew is told so by the put', async () => {
    const { redis, broker, renewed } = await place({ sessionTtl: 900 });
    const allow = (...rules: readonly string[]) => redis.cli('ACL', 'SETUSER', 'default', ...rules);
    await allow('-eval', '-evalsha');
    expect(await codeOf(broker.put('p', '1', lasting))).toBe('ACCESS_DENIED');
    expect(await codeOf(broker.txn().put('p', '1', lasting).commit())).toBe('ACCESS_DENIED');
    expect(await redis.cli('EXISTS', 'p')).toBe('0');
    await broker.put('plain', '1');
    await allow('+eval', '+evalsha');
    await broker.put('p', '1', lasting);
    // Of another script than the one that was tried first.
    await allow('-pexpire');
    await until(async () => (await codeOf(broker.put('q', '1', lasting))) !== 'ACCESS_DENIED' && 'it is put');
    await allow('+pexpire');
    await until(async () => (await codeOf(broker.put('q', '1', lasting))) !== 'done' && 'it is not put');
    await renewed('p');
  });

  it('a put that is not done leaves the time to live of what is there as it was', async () => {
    const { broker, ttl } = await place({ sessionTtl: 900 });
    await broker.put('p', '1', { ttl: 60_000 });
    expect(await broker.putIfNotExists('p', '1', lasting)).toEqual({ created: false });
    expect(await ttl('p')).toBeGreaterThan(900);
  });

  it('where INFO is not allowed, a key lives as long as its broker, whoever deletes it', async () => {
    const { redis, broker, renewed } = await place({ sessionTtl: 900 });
    await redis.cli('ACL', 'SETUSER', 'default', '-info');
    await broker.put('p', '1', lasting);
    await renewed('p');
    await redis.cli('DEL', 'p');
    await until(async () => (await redis.cli('EXISTS', 'p')) !== '1' && 'it is not put again');
  });

  it('an answer to the put that is later than the key lives', async () => {
    const { redis, proxy, broker, renewed } = await place({ sessionTtl: 600 });
    await broker.put('warm', '1', lasting);
    proxy.delay(450);
    await broker.put('p', '1', lasting);
    proxy.delay(0);
    await until(async () => (await redis.cli('EXISTS', 'p')) !== '1' && 'it is not put again');
    await renewed('p');
  });

  it('two brokers with one key, and one of them closes: it is the key of the other', async () => {
    const { redis, broker, another, renewed } = await place({ sessionTtl: 900 });
    await broker.put('p', '1', lasting);
    const next = another();
    await next.put('p', '1', lasting);
    await broker.close();
    await until(async () => (await redis.cli('EXISTS', 'p')) !== '1' && 'it is not put again');
    await renewed('p');
    await next.close();
    expect(await redis.cli('EXISTS', 'p')).toBe('0');
  });

  it('a link that is dead and says nothing is replaced in time', async () => {
    const { proxy, broker, renewed } = await place({ sessionTtl: 4_000, timeout: 30_000 });
    await broker.put('p', '1', lasting);
    await renewed('p');
    proxy.halfOpen();
    expect(await renewed('p')).toBeGreaterThan(0);
    // What is closed does not wait for the dead one.
    proxy.cut();
  });

  it('a long answer to somebody else does not keep a key from being renewed', async () => {
    const { redis, proxy, broker, renewed } = await place({ sessionTtl: 1_500, timeout: 60_000 });
    await redis.cli('EVAL', "redis.call('SET', KEYS[1], string.rep('x', 3000000))", '1', 'long');
    await broker.put('p', '1', lasting);
    await renewed('p');
    proxy.throttle(400_000);
    const read = broker.get('long');
    expect(await renewed('p')).toBeGreaterThan(0);
    expect(await renewed('p')).toBeGreaterThan(0);
    await proxy.heal();
    await read;
  });

  it('one master of a cluster says nothing: what the others hold is renewed, and written as before', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    for (const node of cluster.nodes) await node.cli('CONFIG', 'SET', 'cluster-node-timeout', '60000');
    const made = redisBroker(new Cluster([...cluster.endpoints], { lazyConnect: true }), {
      ...{ codec: textCodec, sessionTtl: 2_400, timeout: 1_000 },
    });
    onTestFinished(() => made.close());
    const [down, up] = (await cluster.masters()).map(({ port }) => cluster.nodeAt(port));
    const keysOf = async (node: Redis) => {
      const keys: string[] = [];
      for (let i = 0; keys.length < 3; i++) if (/^\d+$/.test(await node.cli('EXISTS', `k${i}`))) keys.push(`k${i}`);
      return keys;
    };
    const [bad, good] = [await keysOf(down!), await keysOf(up!)];
    for (const key of [bad[0]!, good[0]!, good[1]!]) await made.put(key, '1', lasting);
    const renewals = async (key: string, count: number) => {
      let [before, seen] = [Infinity, 0];
      await until(async () => {
        const left = Number(await up!.cli('PTTL', key));
        expect(left).toBeGreaterThan(0);
        if (left > before) seen += 1;
        before = left;
        return seen < count && `renewed ${seen} times`;
      });
    };
    down!.pause();
    onTestFinished(() => down!.resume());
    await renewals(good[0]!, 3);
    // What it does not say is not known of its own keys only.
    await up!.cli('DEL', good[1]!);
    let [hung, isOver] = [0, false];
    const hanging = (async () => {
      while (!isOver) {
        expect(await codeOf(made.put(bad[1]!, '1'))).not.toBe('done');
        hung += 1;
      }
    })();
    while (hung < 4) expect(await codeOf(made.put(good[2]!, '1'))).toBe('done');
    isOver = true;
    await hanging;
    await renewals(good[0]!, 1);
    expect(await up!.cli('EXISTS', good[1]!)).toBe('0');
    down!.resume();
    await until(async () => (await codeOf(made.put(bad[1]!, '2'))) !== 'done' && 'not written');
    await until(async () => (await down!.cli('GET', bad[0]!)) !== '1' && 'not put again');
  }, 60_000);
});
