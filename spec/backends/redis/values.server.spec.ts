import { Redis as Client } from 'ioredis';
import { Redis as Client5 } from 'ioredis-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FromRedisConfig, hashReader, jsonReader } from '../../../lib/backends/redis/index.ts';
import { needServer } from '../../servers/need.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';

async function place() {
  const redis = await startRedis({ args: ['--notify-keyspace-events', 'KA', '--databases', '4'] });
  onTestFinished(() => redis.stop());
  const writer = new Client({ port: redis.port });
  onTestFinished(() => writer.disconnect());
  const follow = (config: Partial<FromRedisConfig<string>>, options: { readonly db?: number } = {}, Made = Client) =>
    new Follower(new Made({ port: redis.port, lazyConnect: true, ...options }), config).started();
  return { redis, writer, follow };
}

const modes = ['tracking', 'keyspace'] as const;

describe.runIf(needServer(redisLine)).each(modes)('fromRedis by %s', (mode) => {
  it.each([Client, Client5 as unknown as typeof Client])(
    'every way to touch a key is told: client %#',
    async (Made) => {
      const { writer, follow } = await place();
      await writer.mset('a', '1', 'b', '1');
      const follower = await follow({ mode }, {}, Made);
      const told = async (event: string) =>
        until(() => follower.events.at(-1) !== event && `${follower.events.at(-1)}, not ${event}`);
      await told('{a:1 b:1}@1');
      await writer.set('a', '2');
      await told('~a:1>2@2');
      await writer.append('a', '3');
      await told('~a:2>23@3');
      await writer.incr('a');
      await told('~a:23>24@4');
      await writer.rename('a', 'c');
      await until(() => follower.view.has('a') || follower.view.get('c') !== '24');
      await writer.copy('c', 'd');
      await until(() => follower.view.get('d') !== '24');
      await writer.pexpire('d', 1);
      await until(() => follower.view.has('d') && 'd has not expired');
      await writer.getdel('b');
      await until(() => follower.view.has('b') && 'b is there');
      await writer.eval("redis.call('SET', KEYS[1], 'lua')", 1, 'e');
      await until(() => follower.view.get('e') !== 'lua');
      await writer.move('e', 1);
      await until(() => follower.view.has('e') && 'e is there');
      const dump = await writer.dumpBuffer('c');
      await writer.restore('f', 0, dump!);
      await until(() => follower.view.get('f') !== '24');
      await writer.multi().set('g', '1').set('h', '1').del('g').exec();
      await until(() => follower.view.get('h') !== '1');
      expect(Object.fromEntries(follower.view)).toEqual({ c: '24', f: '24', h: '1' });
      expect(follower.wrong).toEqual([]);
      expect(follower.reasons).toEqual(['initial']);
    },
  );

  it('a prefix is a raw text, whatever its characters mean to Redis; several are one listing', async () => {
    const { writer, follow } = await place();
    await writer.mset('a*b/1', '1', 'axb/1', '1', 'a*', '1', 'a[x]/1', '1', 'ax/1', '1', 'a\\?/1', '1');
    const follower = await follow({ mode, prefixes: ['a*b/', 'a[x]', 'a\\?'] });
    expect([...follower.view.keys()].sort()).toEqual(['a*b/1', 'a[x]/1', 'a\\?/1']);
    await writer.mset('a*b/2', '2', 'axb/2', '2', 'a[x]/2', '2', 'ax/2', '2', 'a\\?/2', '2', 'a\\x/2', '2');
    await until(() => follower.view.size !== 6 && `${follower.view.size} keys`);
    expect([...follower.view.keys()].sort()).toEqual(['a*b/1', 'a*b/2', 'a[x]/1', 'a[x]/2', 'a\\?/1', 'a\\?/2']);
  });

  it('the database of the client is watched, no other', async () => {
    const { writer, follow } = await place();
    const other = writer.duplicate({ db: 2 });
    onTestFinished(() => other.disconnect());
    await other.set('a', 'other');
    await writer.set('a', 'own');
    const follower = await follow({ mode }, { db: 2 });
    await writer.set('a', 'still own');
    await writer.set('b', 'own');
    await other.set('a', 'again');
    await until(() => follower.view.get('a') !== 'again');
    expect(follower.events).toEqual(['{a:other}@1', '~a:other>again@2']);
  });

  it('keys that are no UTF-8 are rejected by name, or read byte by byte', async () => {
    const { writer, follow } = await place();
    await writer.set(Buffer.from('61ff', 'hex'), '1');
    const utf8 = await follow({ mode });
    const latin1 = await follow({ mode, keyEncoding: 'latin1' });
    expect(latin1.view.get('a\xff')).toBe('1');
    expect(utf8.statuses.length).toBeGreaterThan(0);
    expect(utf8.events[0]).toContain('\\udcff');
    await writer.set(Buffer.from('61ff', 'hex'), '2');
    await writer.set(Buffer.from('61fe', 'hex'), '2');
    await writer.set('ü', '1');
    await until(() => latin1.view.get('a\xfe') !== '2' || latin1.view.get('Ã¼') !== '1');
    await until(() => utf8.view.get('ü') !== '1');
    expect(latin1.view.get('a\xff')).toBe('2');
    await writer.del(Buffer.from('61ff', 'hex'));
    await until(() => latin1.view.has('a\xff') && 'it is there');
    expect([...utf8.view.keys()]).toEqual(['ü']);
  });

  it('what is no string is rejected, or read by its reader; its last good value stays', async () => {
    const { writer, follow } = await place();
    await writer.hset('h', 'f', 'v');
    await writer.rpush('l', 'x');
    await writer.set('s', '1');
    const plain = await follow({ mode });
    const read = await follow({ mode, readers: [hashReader(), jsonReader()] });
    expect([...plain.view]).toEqual([['s', '1']]);
    expect(plain.events[0]).toContain('h:?');
    expect([...read.view].sort()).toEqual([
      ['h', '{"f":"v"}'],
      ['s', '1'],
    ]);
    await writer.hset('h', 'g', 'w');
    await until(() => read.view.get('h') !== '{"f":"v","g":"w"}');
    await writer.multi().del('s').sadd('s', 'member').exec();
    await until(() => !plain.events.at(-1)?.includes('s:1?') && plain.events.at(-1));
    expect(plain.view.get('s')).toBe('1');
    await writer.del('h', 'l', 's');
    await until(() => read.view.size > 0 && [...read.view.keys()]);
    await until(() => plain.view.size > 0 && [...plain.view.keys()]);
    expect([...plain.wrong, ...read.wrong]).toEqual([]);
  });

  it('a hash of bytes that are no text is rejected', async () => {
    const { writer, follow } = await place();
    await writer.hset('h', 'f', Buffer.of(0xff));
    await writer.set('s', '1');
    const follower = await follow({ mode, readers: [hashReader()] });
    expect([...follower.view.keys()]).toEqual(['s']);
    await writer.hset('h', 'f', 'text');
    await until(() => follower.view.get('h') !== '{"f":"text"}');
  });

  it.each([
    ['never ends', () => new Promise<Uint8Array>(() => undefined), 'no end'],
    ['gives a text', () => Promise.resolve('text' as unknown as Uint8Array), 'no Uint8Array'],
  ])('a reader that %s holds nothing up: its key is rejected', async (_, read, message) => {
    const { writer, follow } = await place();
    const follower = await follow({ mode, readers: [{ type: 'hash', read }] });
    await writer.hset('h', 'f', 'v');
    await until(() => follower.rejected.get('h') === undefined && 'not rejected');
    expect(String(follower.rejected.get('h'))).toContain(message);
    await writer.set('s', '1');
    await until(() => follower.view.get('s') !== '1' && 'held up');
  });

  it.each(['FLUSHALL', 'FLUSHDB', 'SWAPDB'])(
    '%s is a resync, on the same connection, and says regressed',
    async (command) => {
      const { writer, follow } = await place();
      await writer.mset('a', '1', 'b', '1');
      await writer.select(1);
      await writer.mset('b', '2', 'c', '2');
      await writer.select(0);
      const follower = await follow({ mode });
      if (command === 'SWAPDB') await writer.swapdb(0, 1);
      else await writer.call(command);
      await until(() => follower.reasons.length < 2 && 'no resync');
      expect(follower.reasons).toEqual(['initial', 'regressed']);
      expect(Object.fromEntries(follower.view)).toEqual(command === 'SWAPDB' ? { b: '2', c: '2' } : {});
      await writer.set('d', '3');
      await until(() => follower.view.get('d') !== '3');
      expect(follower.statuses.filter(({ state }) => state === 'connecting')).toHaveLength(1);
      expect(follower.wrong).toEqual([]);
    },
  );

  it('listens until it is unsubscribed, and leaves no connection', async () => {
    const { redis, follow } = await place();
    const follower = await follow({ mode });
    const others = async () => (await redis.cli('CLIENT', 'LIST')).split('\n').length;
    const before = await others();
    follower.unsubscribe();
    await until(async () => (await others()) !== before - 2 && `${await others()} clients, of ${before}`);
  });
});

describe.runIf(needServer(redisLine))('fromRedis', () => {
  it('values of a megabyte are asked for few at a time, by the listing and by what is touched', async () => {
    const { writer, follow } = await place();
    const large = 'x'.repeat(2 ** 20);
    const pipeline = writer.pipeline();
    for (let i = 0; i < 64; i++) pipeline.set(`k${i}`, large);
    await pipeline.exec();
    const reads = async () => Number(/cmdstat_mget:calls=(\d+)/.exec(await writer.info('commandstats'))?.[1] ?? 0);
    const follower = await follow({});
    expect(follower.view.size).toBe(64);
    const listing = await reads();
    expect(listing).toBeGreaterThanOrEqual(4);
    await writer.eval(`for i = 0, 63 do redis.call('APPEND', 'k' .. i, '+') end`, 0);
    await until(() => [...follower.view.values()].some((value) => value.length === 2 ** 20) && 'not all');
    expect((await reads()) - listing).toBeGreaterThanOrEqual(4);
  });

  it('a hash of many fields is the same after a restart, which has them in another order', async () => {
    const redis = await startRedis({ persist: true });
    onTestFinished(() => redis.stop());
    const fields = Array.from({ length: 600 }, (_, i) => [`field${i}`, String(i)]).flat();
    await redis.cli('HSET', 'h', ...fields);
    const client = new Client({ port: redis.port, lazyConnect: true });
    const follower = await new Follower(client, { readers: [hashReader()] }).started();
    const order = await redis.cli('HKEYS', 'h');
    await redis.kill();
    await redis.start();
    expect(await redis.cli('HKEYS', 'h')).not.toBe(order);
    await until(() => follower.reasons.length < 2 && 'no resync');
    // Nothing was added, removed or changed.
    expect(follower.events.at(-1)!.slice(0, 4)).toBe('{=h:');
    expect(follower.reasons).toEqual(['initial', 'reconnected']);
  });
});
