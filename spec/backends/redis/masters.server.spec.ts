import { Cluster } from 'ioredis';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listRedis, redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { type Redis, redisLine, startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';

/** A node that may become part of a cluster, and never gives another up. */
async function node(): Promise<Redis> {
  const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout', '60000'];
  const redis = await startRedis({ args, persist: true });
  onTestFinished(() => redis.stop());
  return redis;
}

const isWell = async (redis: Redis) => (await redis.cli('CLUSTER', 'INFO')).includes('cluster_state:ok');

/** How many of that kind keep this process alive. */
const open = (kind: string) => process.getActiveResourcesInfo().filter((name) => name === kind).length;

function place({ port }: Redis) {
  const client = new Cluster([{ host: '127.0.0.1', port }], { lazyConnect: true });
  const broker = redisBroker(client, { codec: textCodec, timeout: 5_000 });
  onTestFinished(() => broker.close());
  const snapshot = () => lastValueFrom(listRedis(client, { prefixes: [''], codec: textCodec }));
  return {
    broker,
    client,
    everything: [() => broker.list(), () => broker.listKeys(), () => broker.deletePrefix(''), snapshot],
  };
}

describe.runIf(needServer(redisLine))('a listing of a cluster is of all its masters, or none', () => {
  it('one of them is dead: its keys do not seem to be gone', async () => {
    const [up, down] = [await node(), await node()];
    await up.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
    await down.cli('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
    await up.cli('CLUSTER', 'MEET', '127.0.0.1', String(down.port));
    await until(async () => !((await isWell(up)) && (await isWell(down))) && 'they have not met');
    const { broker, everything } = place(up);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await broker.put(key, '1');
    expect(await broker.listKeys()).toHaveLength(6);
    expect(await down.cli('DBSIZE')).not.toBe('0');
    await down.kill();
    for (const read of [...everything, ...place(up).everything])
      await expect(read()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await down.start();
    await until(async () => (await broker.listKeys().catch(() => [])).length !== 6 && 'not all are there');
  });

  it('a connection to one of them that the server has ended is made again, and nothing is left of it', async () => {
    const redis = await node();
    await redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(async () => !(await isWell(redis)) && 'not well');
    const before = open('Timeout');
    const { broker } = place(redis);
    await broker.put('a', '1');
    for (let i = 0; i < 5; i++) {
      await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal');
      await until(async () => (await broker.listKeys().catch(() => ['not yet'])).join() !== 'a' && 'a is not there');
    }
    await broker.close();
    await until(() => open('Timeout') > before && 'there are timers');
  });

  it.each(['broker', 'source'] as const)(
    'a %s that ends while it looks who has the slots leaves nothing behind',
    async (what) => {
      const redis = await node();
      await redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await until(async () => !(await isWell(redis)) && 'not well');
      const before = open('Timeout');
      const { broker, client } = place(redis);
      const follower = what === 'source' ? await new Follower(client, { probeInterval: 60_000 }).started() : undefined;
      if (what === 'broker') await broker.put('a', '1');
      const sockets = open('TCPSocketWrap');
      redis.pause();
      await until(() => open('TCPSocketWrap') === sockets && 'it does not look');
      follower?.unsubscribe();
      await broker.close();
      redis.resume();
      await until(() => open('Timeout') > before && 'there are timers');
    },
  );

  it('some slots have no master: nobody knows what was in them', async () => {
    const redis = await node();
    await redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
    for (const read of place(redis).everything)
      await expect(read()).rejects.toMatchObject({
        code: 'CONNECTION_LOST',
        message: expect.stringContaining('no master') as string,
      });
  });
});
