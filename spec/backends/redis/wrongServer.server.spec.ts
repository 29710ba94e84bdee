import { Redis as Client, Cluster } from 'ioredis';
import { Redis as Client5 } from 'ioredis-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RedisClient, RedisNode } from '../../../lib/backends/redis/client.ts';
import { redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { startRedis } from '../../servers/redis.ts';
import { startRedisCluster } from '../../servers/redisCluster.ts';
import { startReplicas } from '../../servers/redisReplicas.ts';
import { fakeClient } from './fakeClient.ts';
import { Follower, until } from './follower.ts';

const lazyConnect = true;

/** What a source and a broker say of a client, and that the source has told nothing. */
async function refusalOf(client: RedisClient): Promise<readonly [source: unknown, broker: unknown]> {
  const follower = new Follower(client);
  const broker = redisBroker(client, { codec: textCodec });
  onTestFinished(() => broker.close());
  const put = await broker.put('a', '1').catch((error: unknown) => error);
  await until(() => follower.error === undefined && follower.reasons.length === 0 && 'neither told nor ended');
  expect(follower.events).toEqual([]);
  return [follower.error, put];
}

describe.runIf(needServer('redis-7'))(
  'a server that is another than the client is made for',
  { timeout: 60_000 },
  () => {
    it.each([Client, Client5 as unknown as typeof Client])(
      'a database that is not there is refused, and nothing is written to another one: client %#',
      async (Made) => {
        const redis = await startRedis();
        onTestFinished(() => redis.stop());
        const refusal = { code: 'INVALID_CONFIG', message: expect.stringMatching(/database 99.*DB index/) };
        expect(await refusalOf(new Made({ port: redis.port, db: 99, lazyConnect }))).toMatchObject([refusal, refusal]);
        expect(await redis.cli('DBSIZE')).toBe('0');
      },
    );

    it('one node of a cluster is refused: it holds a part of the keys', async () => {
      const cluster = await startRedisCluster();
      onTestFinished(() => cluster.stop());
      const client = new Client({ port: cluster.nodes[0]!.port, lazyConnect });
      const refusal = { code: 'INVALID_CONFIG', message: expect.stringContaining('Cluster of ioredis') };
      expect(await refusalOf(client)).toMatchObject([refusal, refusal]);
    });

    it('one node that has all slots of its cluster is as good as any', async () => {
      const redis = await startRedis({ args: ['--cluster-enabled', 'yes'] });
      onTestFinished(() => redis.stop());
      await redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await until(async () => !(await redis.cli('CLUSTER', 'INFO')).includes('cluster_state:ok') && 'not complete');
      const client = new Client({ port: redis.port, lazyConnect });
      const broker = redisBroker(client, { codec: textCodec });
      onTestFinished(() => broker.close());
      await broker.put('a', '1');
      const follower = await new Follower(client).started();
      expect([...follower.view]).toEqual([['a', '1']]);
      expect(follower.error).toBeUndefined();
    });

    it('a server of another name for its mode, and a cluster that may not be asked', async () => {
      const server = (mode: string, cluster: unknown) =>
        fakeClient((command) =>
          command === 'INFO' ? `server_mode:${mode}` : command === 'CLUSTER' ? cluster : 'PONG',
        );
      const get = (client: RedisClient) => redisBroker(client, { codec: textCodec, timeout: 300 }).get('a');
      const sentinel = { code: 'INVALID_CONFIG', message: expect.stringContaining('`sentinels`') };
      await expect(get(server('sentinel', 'x'))).rejects.toMatchObject(sentinel);
      const part = { code: 'INVALID_CONFIG', message: expect.stringContaining('Cluster of ioredis') };
      await expect(get(server('cluster', 'cluster_size:3'))).rejects.toMatchObject(part);
      const forbidden = new Error("NOPERM this user has no permissions to run the 'cluster|info' command");
      for (const cluster of [forbidden, 'cluster_size:1'])
        await expect(get(server('cluster', cluster))).rejects.not.toMatchObject({ code: 'INVALID_CONFIG' });
    });

    it('a Sentinel is refused', async () => {
      const replicas = await startReplicas();
      onTestFinished(() => replicas.stop());
      const client = new Client({ port: replicas.sentinelPorts[0]!, lazyConnect });
      const refusal = { code: 'INVALID_CONFIG', message: expect.stringContaining('`sentinels`') };
      expect(await refusalOf(client)).toMatchObject([refusal, refusal]);
    });
  },
);

describe('a server that is not there', () => {
  const nobody = { host: '127.0.0.1', port: 1 };

  it.each([
    ['a node', 'ECONNREFUSED 127.0.0.1:1', () => new Client({ ...nobody, lazyConnect })],
    ['a cluster', 'can be reached: 127.0.0.1:1', () => new Cluster([nobody], { lazyConnect })],
  ])('%s: source and broker say what cannot be reached', async (_, why, make) => {
    const follower = new Follower(make());
    const broker = redisBroker(make(), { codec: textCodec, timeout: 500 });
    onTestFinished(() => broker.close());
    await expect(broker.get('a')).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining(why),
    });
    await until(() => !follower.statuses.some(({ cause }) => String(cause).includes(why)) && 'no reason');
  });

  it('the broker says why, also where the last attempt took too long', async () => {
    let attempts = 0;
    const connect = () =>
      attempts++ === 0 ? Promise.reject(new Error('nobody there')) : new Promise<void>(() => undefined);
    const client: RedisNode = { ...fakeClient(() => 'PONG'), connect, duplicate: () => client };
    await expect(redisBroker(client, { timeout: 200 }).get('a')).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('no connection within 200 ms: nobody there'),
    });
  });
});
