import { Redis as Client } from 'ioredis';
import { Redis as Client5 } from 'ioredis-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RedisClient } from '../../../lib/backends/redis/client.ts';
import { redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Broker } from '../../../lib/model/broker.ts';
import { needServer } from '../../servers/need.ts';
import { startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';

const versions: readonly (readonly [string, new (options: object) => RedisClient])[] = [
  ['6', Client],
  ['5', Client5 as never],
];

async function place(args: readonly string[] = []) {
  const redis = await startRedis({ args });
  onTestFinished(() => redis.stop());
  const options = (more: object) => ({ port: redis.port, lazyConnect: true, ...more });
  const broker = (client: RedisClient, config: object = {}): Broker<string> => {
    const made = redisBroker(client, { codec: textCodec, timeout: 2_000, ...config });
    onTestFinished(() => made.close());
    return made;
  };
  return { redis, options, broker };
}

describe.runIf(needServer('redis-7'))('connections made after the options of a client', () => {
  it.each(versions)('numbers are numbers, also where the client asks for texts (ioredis %s)', async (_, Made) => {
    const { redis, options, broker } = await place();
    const made = broker(new Made(options({ stringNumbers: true })), { sessionTtl: 600 });
    await made.put('a', '1');
    expect(await made.compareAndSwap('a', '1', '2')).toEqual({ swapped: true });
    expect(await redis.cli('GET', 'a')).toBe('2');
    expect(await made.compareAndDelete('a', '2')).toEqual({ deleted: true });
    await made.put('b', '1');
    expect(await made.delete('b')).toMatchObject({ existed: true });
    await made.put('c', '1', { lifetime: 'client' });
    let lowest = Infinity;
    await until(async () => {
      const left = Number(await redis.cli('PTTL', 'c'));
      if (left > lowest) return undefined;
      lowest = left;
      return `not renewed: ${left}`;
    });
  });
});
