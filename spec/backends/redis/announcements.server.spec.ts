import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { needServer } from '../../servers/need.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';

describe.runIf(needServer(redisLine))('what a source hears', () => {
  it('what somebody publishes on the channel of the server is no announcement, and harms nobody', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const follower = await new Follower(new Client({ port: redis.port, lazyConnect: true })).started();
    for (const message of ['a', '']) expect(await redis.cli('PUBLISH', '__redis__:invalidate', message)).toBe('1');
    await redis.cli('SET', 'a', '1');
    await until(() => follower.view.get('a') !== '1' && 'a is not told');
    expect(follower.reasons).toEqual(['initial']);
  });
});
