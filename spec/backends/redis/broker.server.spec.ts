import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromRedis, redisBackend, redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { DatasyncError } from '../../../lib/model/errors.ts';
import { describeBroker } from '../../../lib/testing/index.ts';
import ioredis from '../../../node_modules/ioredis/package.json' with { type: 'json' };
import { needServer } from '../../servers/need.ts';
import { openProxy } from '../../servers/proxy.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { recordBackend } from '../../support/recordBackend.ts';
import { until } from './follower.ts';

const found = needServer(redisLine);
const unconnected = () => new Client({ lazyConnect: true });

describe.runIf(found)('redisBroker on a node', () => {
  describeBroker(
    {
      name: 'redis',
      version: `${found?.version}, ioredis ${ioredis.version}`,
      capabilities: redisBroker(unconnected()).capabilities,
      revisions: false,
      open: () => startRedis(),
      broker: (redis, made) => redisBroker(new Client({ port: redis.port, lazyConnect: true }), made),
      source: {
        capabilities: redisBackend(unconnected()).capabilities,
        of: (redis, config) => fromRedis(new Client({ port: redis.port, lazyConnect: true }), config),
      },
      close: (redis) => redis.stop(),
    },
    { describe, it, report: recordBackend },
  );
});

async function place(timeout = 500) {
  const redis = await startRedis({ persist: true });
  onTestFinished(() => redis.stop());
  const proxy = await openProxy({ port: redis.port });
  onTestFinished(() => proxy.close());
  const options = { codec: textCodec, timeout, sessionTtl: 600 };
  const broker = redisBroker(new Client({ port: proxy.port, lazyConnect: true }), options);
  onTestFinished(() => broker.close());
  return { redis, proxy, broker };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof DatasyncError ? error.code : error),
  );

describe.runIf(found)('redisBroker when the connection is bad', () => {
  it('a write whose answer is missing is unknown, and never done later by itself', async () => {
    const { redis, proxy, broker } = await place();
    await broker.put('a', '1');
    redis.pause();
    expect(await codeOf(broker.put('a', '2'))).toBe('OUTCOME_UNKNOWN');
    expect(await codeOf(broker.get('a'))).toBe('CONNECTION_LOST');
    redis.resume();
    await until(async () => (await redis.cli('GET', 'a')) !== '2');
    await redis.cli('SET', 'a', '3');
    expect(await broker.get('a')).toMatchObject({ value: '3' });
    proxy.blackHole();
    expect(await codeOf(broker.put('b', '1'))).toBe('OUTCOME_UNKNOWN');
    await proxy.heal();
    await broker.put('c', '1');
    expect(await broker.get('a')).toMatchObject({ value: '3' });
  });

  it('a connection that breaks under a write is unknown, for a compare too; the next one goes through', async () => {
    const { redis, proxy, broker } = await place(5_000);
    await broker.put('a', '1');
    redis.pause();
    const [long, before] = ['x'.repeat(1_000), proxy.sent];
    const writes = [broker.put('b', long), broker.compareAndSwap('a', '1', long), broker.txn().put('c', long).commit()];
    const codes = Promise.all(writes.map(codeOf));
    await until(() => proxy.sent < before + 3_000);
    proxy.cut();
    redis.resume();
    expect(await codes).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
    await broker.put('d', '1');
  });

  it('an answer that does not come on an old connection leaves the new one alone', async () => {
    const { proxy, broker } = await place(1_500);
    await broker.put('a', '1');
    proxy.halfOpen();
    const first = codeOf(broker.put('a', '2'));
    // Its time is over later than that of the first.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const second = codeOf(broker.put('a', '3'));
    expect(await first).toBe('OUTCOME_UNKNOWN');
    await broker.put('a', '4');
    const { accepted } = proxy;
    expect(await second).toBe('OUTCOME_UNKNOWN');
    await broker.put('a', '5');
    expect(proxy.accepted).toBe(accepted);
  });

  it('where nothing could be sent, it says so', async () => {
    const { redis, broker } = await place();
    await broker.put('a', '1');
    await redis.kill();
    expect(await codeOf(broker.put('a', '2'))).toMatch(/CONNECTION_LOST|OUTCOME_UNKNOWN/);
    expect(await codeOf(broker.put('a', '3'))).toBe('CONNECTION_LOST');
    await redis.start();
    expect(await broker.get('a')).toMatchObject({ value: '1' });
    await broker.put('a', '4');
  });

  it('scripts are sent again when the server has forgotten them', async () => {
    const { redis, broker } = await place(5_000);
    await broker.put('a', '1');
    expect(await broker.compareAndSwap('a', '1', '2')).toEqual({ swapped: true });
    await redis.cli('SCRIPT', 'FLUSH');
    expect(await broker.compareAndSwap('a', '2', '3')).toEqual({ swapped: true });
    await redis.kill();
    await redis.start();
    expect(await broker.compareAndSwap('a', '3', '4')).toEqual({ swapped: true });
  });

  it('what Redis refuses is refused in its words: a value of another type, no memory, no permission', async () => {
    const { redis, broker } = await place(5_000);
    await redis.cli('HSET', 'h', 'f', 'v');
    expect(await codeOf(broker.get('h'))).toBe('UNSUPPORTED');
    expect(await codeOf(broker.list())).toBe('UNSUPPORTED');
    expect(await broker.compareAndSwap('h', 'x', 'y')).toEqual({ swapped: false });
    expect(await broker.putIfNotExists('h', 'x')).toEqual({ created: false });
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    await expect(broker.put('a', '1')).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('OOM') as string,
    });
    expect(await codeOf(broker.txn().put('a', '1').put('b', '1').commit())).toBe('REFUSED');
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    await redis.cli('ACL', 'SETUSER', 'default', '-set');
    expect(await codeOf(broker.put('a', '1'))).toBe('ACCESS_DENIED');
  });

  it('a commit that is refused says why, as a put does', async () => {
    const { redis, broker } = await place(5_000);
    await redis.cli('ACL', 'SETUSER', 'default', 'resetkeys', '~p:*');
    expect(await codeOf(broker.put('q:a', '1'))).toBe('ACCESS_DENIED');
    expect(await codeOf(broker.txn().put('p:a', '1').put('q:a', '1').commit())).toBe('ACCESS_DENIED');
    await redis.cli('ACL', 'SETUSER', 'default', '~*');
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    await expect(broker.txn().put('a', '1').commit()).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('OOM') as string,
    });
  });

  it.each(['put', 'commit'] as const)('a master that became a replica is left, also after a %s', async (how) => {
    const { redis, proxy, broker } = await place(5_000);
    await broker.put('a', '1');
    await redis.cli('REPLICAOF', '127.0.0.1', '1');
    const before = proxy.accepted;
    const write = how === 'put' ? broker.put('a', '2') : broker.txn().put('a', '2').commit();
    await expect(write).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('READONLY') as string,
    });
    await broker.get('a');
    expect(proxy.accepted).toBe(before + 1);
  });

  it("lifetime 'client': is renewed, put again after an outage, and left alone where it is another's", async () => {
    const { redis, proxy, broker } = await place();
    const ttl = async (key: string) => Number(await redis.cli('PTTL', key));
    await broker.put('own', '1', { lifetime: 'client' });
    await broker.put('taken', '1', { lifetime: 'client' });
    await broker.put('same', '1', { lifetime: 'client' });
    await broker.put('deleted', '1', { lifetime: 'client' });
    await redis.cli('SET', 'taken', '2');
    await redis.cli('SET', 'same', '1');
    await redis.cli('DEL', 'deleted');
    let lowest = Infinity;
    let renewed = false;
    await until(async () => {
      const left = await ttl('own');
      renewed ||= left > lowest;
      lowest = Math.min(lowest, left);
      return !renewed && `never renewed: ${left}`;
    });
    proxy.blackHole();
    await until(async () => (await redis.cli('EXISTS', 'own')) !== '0' && 'own has not run out');
    await proxy.heal();
    await until(async () => (await redis.cli('GET', 'own')) !== '1' && 'own is not there');
    await broker.close();
    expect(await redis.cli('MGET', 'own', 'taken', 'same', 'deleted')).toBe('\n2\n1\n');
  });
});
