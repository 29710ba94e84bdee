import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisBroker } from '../../../lib/backends/redis/index.ts';
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { until } from './follower.ts';
import { lasting, place } from './lasting.ts';

describe.runIf(needServer(redisLine))("lifetime 'client': what is whose", () => {
  it('what somebody has put for longer does not live shorter for it, and stays when the broker goes', async () => {
    const { redis, broker, ttl, renewed } = await place({ sessionTtl: 900 });
    await broker.put('p', '1', lasting);
    await broker.put('witness', '1', lasting);
    await redis.cli('SET', 'p', '1', 'PX', '60000');
    for (let i = 0; i < 2; i++) await renewed('witness');
    expect(await ttl('p')).toBeGreaterThan(900);
    await broker.put('q', '1', lasting);
    await redis.cli('SET', 'q', '1');
    await broker.close();
    expect(await ttl('p')).toBeGreaterThan(900);
    expect(await ttl('q')).toBe(-1);
    expect(await redis.cli('EXISTS', 'witness')).toBe('0');
  });

  it('the counts were reset between two losses: what was lost is put again', async () => {
    const { redis, broker, renewed } = await place({ sessionTtl: 1_500 });
    await redis.cli('FLUSHALL');
    await broker.put('p', '1', lasting);
    await renewed('p');
    await redis.cli('CONFIG', 'RESETSTAT');
    await redis.cli('FLUSHALL');
    await until(async () => (await redis.cli('GET', 'p')) !== '1' && 'it is not put again');
    // From then on it is as if it had been put for the first time.
    await redis.cli('DEL', 'p');
    await broker.put('witness', '1', lasting);
    for (let i = 0; i < 2; i++) await renewed('witness');
    expect(await redis.cli('EXISTS', 'p')).toBe('0');
  });

  it('bytes that are used for something else afterwards are none of its business', async () => {
    const { redis, renewed } = await place({ sessionTtl: 900 });
    const broker = redisBroker(new Client({ port: redis.port, lazyConnect: true }), { sessionTtl: 900 });
    onTestFinished(() => broker.close());
    const bytes = Buffer.from('1');
    await broker.put('p', bytes, lasting);
    bytes.fill(0x32);
    for (let i = 0; i < 2; i++) await renewed('p');
    await redis.cli('FLUSHALL');
    await until(async () => (await redis.cli('GET', 'p')) !== '1' && 'it is not put again');
  });
});
