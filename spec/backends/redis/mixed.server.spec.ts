import { Redis as Client } from 'ioredis';
import { Redis as Client5 } from 'ioredis-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import { needServer } from '../../servers/need.ts';
import { openProxy } from '../../servers/proxy.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';
import { contentOf, Load, randomBy } from './load.ts';

const isSoak = process.env['DATASYNC_SOAK'] !== undefined;
const [operations, breaks] = isSoak ? [250_000, 40] : [25_000, 10];
const seed = isSoak ? Date.now() % 1_000_000 : 7;

describe.runIf(needServer(redisLine))(`mixed operations, seed ${seed}`, { timeout: isSoak ? 900_000 : 120_000 }, () => {
  it.each([
    ['tracking', Client],
    ['keyspace', Client5 as unknown as typeof Client],
  ] as const)(`${operations} of them with ${breaks} broken connections, by %s`, async (mode, Made) => {
    const redis = await startRedis({ args: ['--notify-keyspace-events', 'KA'] });
    onTestFinished(() => redis.stop());
    const proxy = await openProxy({ port: redis.port });
    onTestFinished(() => proxy.close());
    const writer = new Client({ port: redis.port });
    onTestFinished(() => writer.disconnect());
    const random = randomBy(seed);
    const follower = await new Follower(new Made({ port: proxy.port, lazyConnect: true }), {
      mode,
      batch: 50,
    }).started();
    const load = new Load(writer, { keys: 1_000, seed, lanes: 32 });
    for (let n = 1; n <= breaks; n++) {
      await load.more(Math.floor((operations / breaks) * (0.5 + random())), 300_000);
      if (n % 3 === 0) proxy.cut();
      else if (n % 3 === 1) await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
      else await redis.cli('CLIENT', 'KILL', 'ID', await oneOf(redis));
      if (n % 5 === 2) await writer.flushdb();
      await until(() => follower.state !== 'live' && follower.state);
    }
    await until(() => load.done < operations && load.done, 300_000);
    await load.more(2_000);
    await load.stop();
    await follower.knows(() => contentOf(writer));
    expect(follower.wrong).toEqual([]);
    expect(follower.reasons.length).toBeGreaterThan(breaks / 2);
    expect(follower.view.size).toBeGreaterThan(100);
  });
});

/** The connection that a source reads by: neither the writer's nor the one that hears. */
async function oneOf(redis: { cli(...args: string[]): Promise<string> }): Promise<string> {
  const clients = (await redis.cli('CLIENT', 'LIST', 'TYPE', 'normal')).split('\n');
  const reading = clients.find((line) => /cmd=(mget|scan|exists|info|get)\b/.test(line));
  return /id=(\d+)/.exec(reading ?? '')?.[1] ?? '0';
}
