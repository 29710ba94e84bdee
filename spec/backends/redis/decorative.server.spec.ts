import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listRedis, redisBackend, watchRedis } from '../../../lib/backends/redis/index.ts';
import { jsonCodec } from '../../../lib/index.ts';
import { needServer } from '../../servers/need.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { broken, type Racing, violationsWithout } from '../../support/decorative.ts';

async function racing(): Promise<Racing> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const client = new Client({ port: redis.port, lazyConnect: true });
  const config = { prefixes: [''], codec: jsonCodec<number>() };
  return {
    prefix: '',
    list: () => listRedis(client, config),
    watch: () => watchRedis(client, config),
    write: async (key, value) => {
      await (value === undefined ? redis.cli('DEL', key) : redis.cli('SET', key, JSON.stringify(value)));
      return undefined;
    },
    capabilities: redisBackend(client).capabilities,
  };
}

describe.runIf(needServer(redisLine))('no operator is decorative: over a list and a watch of Redis that race', () => {
  it('with all of them every promise is kept', async () => {
    expect(await violationsWithout('nothing', await racing())).toEqual([]);
  });

  it.each(broken)('without %s %j break', async (dropped, promises) => {
    expect(await violationsWithout(dropped, await racing())).toEqual(expect.arrayContaining([...promises]));
  });
});
