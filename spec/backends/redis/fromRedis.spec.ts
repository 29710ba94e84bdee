import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { fromRedis } from '../../../lib/backends/redis/index.ts';

const client = new Redis({ lazyConnect: true });

it.each([
  [{ timeout: 0 }, "'timeout' must be a whole number of milliseconds, 1 to 2,147,483,647"],
  [{ probeInterval: 5 }, "'probeInterval' must be a number of milliseconds, 10 or more"],
  [{ mode: 'both' }, "'mode' must be"],
  [{ reader: [] }, "'reader'"],
  [{ readers: [{ type: 'string', read: () => undefined }] }, "none of them for 'string'"],
])('a wrong option is refused before anything is sent: %j', (wrong, message) => {
  expect(() => fromRedis(client, { prefixes: [''], ...(wrong as object) })).toThrow(message);
  expect(client.status).toBe('wait');
});
