import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { fromRedis, listRedis, redisBackend, redisBroker, watchRedis } from '../../../lib/backends/redis/index.ts';

describe('options of Redis', () => {
  it.each([0, 1.5, -1, 2 ** 31, Infinity])('a timeout of %s is refused, by all alike', (timeout) => {
    const client = new Redis({ lazyConnect: true });
    const makes: readonly (() => unknown)[] = [
      () => fromRedis(client, { prefixes: ['a'], timeout }),
      () => listRedis(client, { prefixes: ['a'], timeout }),
      () => watchRedis(client, { prefixes: ['a'], timeout }),
      () => redisBackend(client, { timeout }),
      () => redisBroker(client, { timeout }),
    ];
    for (const make of makes)
      expect(make).toThrow(
        expect.objectContaining({
          code: 'INVALID_CONFIG',
          message: expect.stringContaining("'timeout' must be a whole number of milliseconds") as string,
        }) as Error,
      );
  });
});
