import { Redis as Client, Cluster } from 'ioredis';
import { Redis as Client5 } from 'ioredis-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RedisClient } from '../../../lib/backends/redis/client.ts';
import { redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Broker } from '../../../lib/model/broker.ts';
import { needServer } from '../../servers/need.ts';
import { startRedis } from '../../servers/redis.ts';
import { fakeProxy } from './fakeProxy.ts';
import { fakeSentinel } from './fakeSentinel.ts';
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

  it.each(versions)(
    'a database that there is not: nothing is read or written in another one (ioredis %s)',
    async (_, Made) => {
      const { redis, options, broker } = await place(['--databases', '2']);
      await redis.cli('SET', 'first', '1');
      const made = broker(new Made(options({ db: 7 })));
      await expect(made.put('a', '1')).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: /database 7.*out of range/,
      });
      await expect(made.get('first')).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
      const follower = new Follower(new Made(options({ db: 7 })));
      await until(() => follower.error === undefined && follower.state);
      expect(follower.error).toMatchObject({ code: 'INVALID_CONFIG' });
      expect(follower.view.size).toBe(0);
      expect(await redis.cli('KEYS', '*')).toBe('first');
    },
  );

  it('a database that one may not choose: the same, with ACCESS_DENIED', async () => {
    const { redis, options, broker } = await place();
    await redis.cli('SET', 'first', '1');
    await redis.cli('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '&*', '+@all', '-select');
    const client = () => new Client(options({ db: 3, username: 'u', password: 'p' }));
    await expect(broker(client()).put('a', '1')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const follower = new Follower(client());
    await until(() => follower.error === undefined && follower.state);
    expect(follower.error).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(follower.view.size).toBe(0);
    expect(await redis.cli('KEYS', '*')).toBe('first');
  });

  it.each([
    ['tracking', ['&__redis__:invalidate']],
    ['keyspace', ['&__keyspace@3__:*', '+psubscribe', '+config|get']],
  ] as const)('what the documentation asks for will do, also in another database: %s', async (mode, more) => {
    const { redis, options } = await place(['--notify-keyspace-events', 'KA']);
    await redis.cli('SET', 'a', 'first');
    await redis.cli('-n', '3', 'SET', 'a', 'third');
    const commands = 'client|id client|tracking subscribe scan mget get exists type ping info select';
    const allowed = commands.split(' ').map((command) => `+${command}`);
    await redis.cli('ACL', 'SETUSER', 'u', 'on', '>p', '~*', 'resetchannels', '-@all', ...allowed, ...more);
    const client = new Client(options({ db: 3, username: 'u', password: 'p' }));
    const follower = await new Follower(client, { mode }).started();
    expect(follower.error).toBeUndefined();
    expect([...follower.view]).toEqual([['a', 'third']]);
    await redis.cli('-n', '3', 'SET', 'a', 'changed');
    await until(() => follower.view.get('a') !== 'changed' && 'not told');
  });

  it.each(versions)(
    'a Sentinel that says nothing, first of three: the next one is asked (ioredis %s)',
    async (_, Made) => {
      const { redis, broker } = await place();
      const silent = await fakeSentinel();
      const sentinels = [silent, await fakeSentinel(redis.port), await fakeSentinel(redis.port)].map(({ port }) => ({
        ...{ host: '127.0.0.1', port },
      }));
      const client = new Made({ sentinels, name: 'm', lazyConnect: true, connectTimeout: 3_000 });
      const made = broker(client);
      await made.put('a', '1');
      const follower = await new Follower(client).started();
      expect([...follower.view]).toEqual([['a', '1']]);
      expect(silent.accepted).toBeGreaterThan(2);
    },
  );

  it.each(versions)('connections to a Sentinel that says nothing are closed at once (ioredis %s)', async (_, Made) => {
    const silent = await fakeSentinel();
    const sentinels = [{ host: '127.0.0.1', port: silent.port }];
    const client = new Made({ sentinels, name: 'm', lazyConnect: true, connectTimeout: 300_000 });
    const follower = new Follower(client, { timeout: 100_000 });
    await until(() => silent.open !== 2 && silent.open);
    follower.unsubscribe();
    await until(() => silent.open !== 0 && silent.open, 8_000);
    const made = redisBroker(client, { timeout: 100_000 });
    const asked = made.get('a').catch((error: unknown) => error);
    await until(() => silent.open !== 1 && silent.open);
    await made.close();
    expect(await asked).toMatchObject({ code: 'CONNECTION_LOST' });
    await until(() => silent.open !== 0 && silent.open, 8_000);
  });

  it.each(versions)('what tells a broker of a failover ends with its connection (ioredis %s)', async (_, Made) => {
    const { redis, broker } = await place();
    const sentinel = await fakeSentinel(redis.port);
    const made = broker(
      new Made({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'm', lazyConnect: true }),
    );
    for (let i = 0; i < 3; i++) {
      await until(() => made.put('a', '1').then(() => undefined, String));
      await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal');
      await until(() => sentinel.open > 1 && `${sentinel.open} are open`);
    }
    await made.close();
    await until(() => sentinel.open > 0 && `${sentinel.open} are open`);
  });

  it('a cluster that is down has done nothing, and says so', async () => {
    const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];
    const { redis, broker } = await place(args);
    await redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(async () => !(await redis.cli('CLUSTER', 'INFO')).includes('cluster_state:ok') && 'not complete');
    const cluster = new Cluster([{ host: '127.0.0.1', port: redis.port }], {
      ...{ lazyConnect: true, retryDelayOnClusterDown: 1 },
    });
    const made = broker(cluster, { timeout: 10_000 });
    await made.put('a', '1');
    await redis.cli('CLUSTER', 'DELSLOTS', '1');
    await until(async () => (await redis.cli('CLUSTER', 'INFO')).includes('cluster_state:ok') && 'complete');
    const down = { code: 'CONNECTION_LOST', message: expect.stringContaining('CLUSTERDOWN') as string };
    await expect(made.put('a', '2')).rejects.toMatchObject(down);
    await expect(made.compareAndSwap('a', '1', '2')).rejects.toMatchObject(down);
    await expect(made.txn().put('a', '2').commit()).rejects.toMatchObject({ ...down, code: 'REFUSED' });
    await redis.cli('CLUSTER', 'ADDSLOTS', '1');
    await until(async () => !(await redis.cli('CLUSTER', 'INFO')).includes('cluster_state:ok') && 'not complete');
    expect(await made.get('a')).toMatchObject({ value: '1' });
  });

  it.each(["-unsupported command 'INFO'", '-invalid request', 'close'])(
    'a proxy that says %j to INFO: source, broker and what is to live on',
    async (said) => {
      const { redis, broker, options } = await place(['--notify-keyspace-events', 'KA']);
      const proxy = await fakeProxy(redis.port, (command) => (command.startsWith('INFO') ? said : undefined));
      const client = new Client(options({ port: proxy.port }));
      const made = broker(client, { sessionTtl: 900 });
      await made.put('a', '1');
      await made.put('own', '1', { lifetime: 'client' });
      for (const mode of ['tracking', 'keyspace'] as const) {
        const follower = await new Follower(client, { mode }).started();
        await made.put('a', mode);
        await until(() => follower.view.get('a') !== mode && 'not told');
        expect(follower.error).toBeUndefined();
        follower.unsubscribe();
      }
      await redis.cli('DEL', 'own');
      await until(async () => (await redis.cli('EXISTS', 'own')) !== '1' && 'not put again');
      const { refused } = proxy;
      if (said === 'close') {
        await new Follower(client).started();
        expect(proxy.refused).toBe(refused);
      }
    },
  );

  it('a database that cannot be chosen for the moment: it is tried again', async () => {
    const { redis, broker, options } = await place();
    let left = 6;
    const proxy = await fakeProxy(redis.port, (command) =>
      command.startsWith('SELECT') && left-- > 0 ? '-ERR handle response, backend conn reset' : undefined,
    );
    const client = new Client(options({ port: proxy.port, db: 3 }));
    const made = broker(client, { timeout: 10_000 });
    const follower = new Follower(client);
    await made.put('a', '1');
    await until(() => follower.view.get('a') !== '1' && 'not told');
    expect(follower.error).toBeUndefined();
    expect(proxy.refused).toBe(6);
    expect(await redis.cli('-n', '3', 'GET', 'a')).toBe('1');
  });
});
