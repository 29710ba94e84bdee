import { describe, expect, it } from 'vitest';
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { lasting, place } from './lasting.ts';

describe.runIf(needServer(redisLine))("lifetime 'client': what is whose", () => {
  it('what somebody has put for longer does not live shorter for it, and stays when the broker goes', async () => {
    const { redis, broker, ttl, renewed } = await place({ sessionTtl: 900 });
    await broker.put('p', '1', lasting);
    await broker.put('witness', '1', lasting);
    await redis.cli('SET', 'p', '1', 'PX', '60000');
    for (let i = 0; i < 2; i++) await renewed('witness');
    expect(await ttl('p')).toBeGreaterThan(900);
    await broker.close();
    expect(await ttl('p')).toBeGreaterThan(900);
    expect(await redis.cli('EXISTS', 'witness')).toBe('0');
  });
});
