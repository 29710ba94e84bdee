import { describe, expect, it } from 'vitest';
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { until } from './follower.ts';
import { lasting, place } from './lasting.ts';

describe.runIf(needServer(redisLine))('writes of one key that nobody waits for', () => {
  it('are done in the order in which they were asked for', async () => {
    const { redis, broker } = await place({ sessionTtl: 60_000 });
    // The first key with a lifetime has to wait for what the others need not ask.
    const writes = [broker.put('a', '1', lasting), broker.put('a', '2'), broker.delete('b')];
    writes.push(broker.put('b', '1'), broker.delete('b'), broker.txn().put('c', '1').commit(), broker.delete('c'));
    writes.push(broker.putIfNotExists('d', '1'), broker.put('d', '2'), broker.compareAndSwap('d', '2', '3'));
    writes.push(broker.put('e', '1', lasting), broker.txn().put('e', '2').put('f', '1').commit(), broker.delete('f'));
    const answers = await Promise.all(writes);
    expect(answers.slice(7, 10)).toEqual([{ created: true }, {}, { swapped: true }]);
    expect(await redis.cli('MGET', 'a', 'b', 'c', 'd', 'e', 'f')).toBe('2\n\n\n3\n2\n');
  });

  it.each(['commit', 'compareAndDelete'] as const)(
    'what is put after a %s lives as long as the broker',
    async (how) => {
      const { redis, broker, renewed } = await place({ sessionTtl: 900 });
      await broker.put('p', '1', lasting);
      await broker.put('witness', '1', lasting);
      const deletes = {
        commit: () => broker.txn().delete('p').commit(),
        compareAndDelete: () => broker.compareAndDelete('p', '1'),
      };
      await broker.compareAndDelete('script', 'known');
      await Promise.all([deletes[how](), broker.put('p', '2', lasting)]);
      for (let i = 0; i < 4; i++) await renewed('witness');
      expect(await redis.cli('GET', 'p')).toBe('2');
    },
  );

  it('a put that is answered after others were lost: it is put again as they are', async () => {
    const { redis, proxy, broker } = await place({ sessionTtl: 6_000, timeout: 60_000 });
    await redis.cli('EVAL', "redis.call('SET', KEYS[1], string.rep('x', 3000000))", '1', 'long');
    await broker.put('other', '1', lasting);
    proxy.throttle(1_000_000);
    const read = broker.get('long');
    let isAnswered = false;
    const put = broker.put('p', '1', lasting).then(() => {
      isAnswered = true;
    });
    await until(async () => (await redis.cli('EXISTS', 'p')) !== '1' && 'it is not put');
    await redis.cli('FLUSHALL');
    await until(async () => (await redis.cli('EXISTS', 'other')) !== '1' && 'the other is not put again');
    expect(isAnswered).toBe(false);
    await Promise.all([proxy.heal(), put, read]);
    await until(async () => (await redis.cli('EXISTS', 'p')) !== '1' && 'it is not put again');
  });
});
