import { Redis as Client } from 'ioredis';
import { Redis as Client5 } from 'ioredis-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromRedisConfig } from '../../../lib/backends/redis/index.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import { needServer } from '../../servers/need.ts';
import { type RedisOptions, redisLine, startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';

const rights = [
  ...['~app:*', '&__redis__:invalidate', '+client|id', '+client|tracking', '+subscribe', '+ping', '+info'],
  ...['+scan', '+mget', '+get', '+exists', '+type'],
];
const user = { username: 'reader', password: 'secret' };

async function place(options: RedisOptions = {}, Made = Client) {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  const acl = (...rules: string[]) => redis.cli('ACL', 'SETUSER', 'reader', ...rules);
  await acl('on', '>secret', ...rights);
  const follow = (config: Partial<FromRedisConfig<string>> = {}, credentials: object = user) =>
    new Follower(new Made({ port: redis.port, lazyConnect: true, ...credentials }), { prefixes: ['app:'], ...config });
  return { redis, acl, follow };
}

const codeOf = ({ error }: Follower) => (error as DatasyncError | undefined)?.code;
const ended = (follower: Follower) => until(() => follower.error === undefined && 'it goes on');

describe.runIf(needServer(redisLine))('a Redis that refuses', () => {
  it.each([Client, Client5 as unknown as typeof Client])(
    'the rights that the documentation names are enough: client %#',
    async (Made) => {
      const { redis, follow } = await place({}, Made);
      await redis.cli('SET', 'app:a', '1');
      const follower = await follow().started();
      await redis.cli('SET', 'app:b', '1');
      await redis.cli('HSET', 'app:h', 'f', 'v');
      await redis.cli('SET', 'app:c', '1');
      await redis.cli('DEL', 'app:a');
      await until(() => follower.view.get('app:c') !== '1' || follower.view.has('app:a'));
      expect([...follower.view.keys()].sort()).toEqual(['app:b', 'app:c']);
    },
  );

  it.each([
    ['a wrong password', { password: 'wrong' }, 'WRONGPASS'],
    ['no password', { username: undefined, password: undefined }, 'NOAUTH'],
  ])('%s ends the subscription', async (_, wrong, text) => {
    const { follow } = await place({ password: 'admin' });
    const follower = follow({}, { ...user, ...wrong });
    await ended(follower);
    expect(codeOf(follower)).toBe('ACCESS_DENIED');
    expect((follower.error as Error).message).toContain(text);
    expect(follower.reasons).toEqual([]);
  });

  it.each(['-client|tracking', '-subscribe', '-scan', 'resetchannels', 'resetkeys'])(
    'without a right it needs (%s) it ends, and nothing is told as empty',
    async (rule) => {
      const { redis, acl, follow } = await place();
      await redis.cli('SET', 'app:a', '1');
      await acl(rule);
      const follower = follow();
      await ended(follower);
      expect(codeOf(follower)).toBe('ACCESS_DENIED');
      expect(follower.reasons).toEqual([]);
    },
  );

  it('without INFO it works; only SWAPDB is not found out', async () => {
    const { redis, acl, follow } = await place();
    await acl('-info');
    const follower = await follow().started();
    await redis.cli('SET', 'app:a', '1');
    await until(() => follower.view.get('app:a') !== '1');
    await redis.cli('FLUSHALL');
    await until(() => follower.view.size > 0 && 'it is there');
    expect(follower.error).toBeUndefined();
  });

  it.each([
    ['the channel', 'resetchannels', '&__redis__:invalidate'],
    ['the keys', 'resetkeys', '~app:*'],
    ['the password', 'resetpass', '>secret'],
  ])(
    '%s is taken away and given back: with onDenied retry it resyncs, and was stale meanwhile',
    async (_, taken, given) => {
      const { redis, acl, follow } = await place();
      await redis.cli('SET', 'app:a', '1');
      const follower = await follow({ onDenied: 'retry' }).started();
      await acl(taken);
      await redis.cli('CLIENT', 'KILL', 'USER', 'reader');
      await redis.cli('SET', 'app:a', '2');
      await until(() => !follower.causes.includes('ACCESS_DENIED') && follower.causes);
      expect(follower.view.get('app:a')).toBe('1');
      await acl(given);
      await until(() => follower.view.get('app:a') !== '2');
      expect(follower.reasons).toEqual(['initial', 'reconnected']);
    },
  );

  it('a channel that is revoked while all is idle cuts the link: the subscription says so, and the process lives', async () => {
    const { acl, follow } = await place();
    const follower = await follow().started();
    await acl('resetchannels');
    await ended(follower);
    expect(codeOf(follower)).toBe('ACCESS_DENIED');
  });

  it('TLS and a password: connects with both, and keeps trying without', async () => {
    const redis = await startRedis({ tls: true, password: 'secret' });
    onTestFinished(() => redis.stop());
    const { readFileSync } = await import('node:fs');
    const { ca, client } = redis.certificates!;
    const tls = { ca: readFileSync(ca), cert: readFileSync(client.cert), key: readFileSync(client.key) };
    await redis.cli('SET', 'a', '1');
    const follow = (options: object) => new Follower(new Client({ port: redis.port, lazyConnect: true, ...options }));
    const follower = await follow({ tls, password: 'secret' }).started();
    await redis.cli('SET', 'a', '2');
    await until(() => follower.view.get('a') !== '2');
    for (const wrong of [
      { password: 'secret' },
      { password: 'secret', tls: { ...tls, ca: undefined } },
      { password: 'secret', tls: { ca: tls.ca } },
    ]) {
      const other = follow(wrong);
      await until(() => other.state !== 'backoff' && other.state);
      expect(other.error).toBeUndefined();
      expect(other.reasons).toEqual([]);
      other.unsubscribe();
    }
  });
});

describe.runIf(needServer(redisLine))('keyspace notifications', () => {
  it('that are not switched on: one error that says what to do', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const follower = new Follower(new Client({ port: redis.port, lazyConnect: true }), { mode: 'keyspace' });
    await ended(follower);
    expect(codeOf(follower)).toBe('INVALID_CONFIG');
    expect((follower.error as Error).message).toContain("'notify-keyspace-events KA'");
    await redis.cli('CONFIG', 'SET', 'notify-keyspace-events', 'Kg$');
    const half = new Follower(new Client({ port: redis.port, lazyConnect: true }), { mode: 'keyspace' });
    await ended(half);
    expect((half.error as Error).message).toMatch(/only '[$gK]+'/);
  });

  it('that are set by CONFIG SET, and forgotten by a restart: set again, or an error', async () => {
    const redis = await startRedis({ persist: true });
    onTestFinished(() => redis.stop());
    const make = (keyspaceEvents: 'set' | 'check') =>
      new Follower(new Client({ port: redis.port, lazyConnect: true }), { mode: 'keyspace', keyspaceEvents }).started();
    await redis.cli('CONFIG', 'SET', 'notify-keyspace-events', 'Ex');
    const setting = await make('set');
    const flags = await redis.cli('CONFIG', 'GET', 'notify-keyspace-events');
    expect(flags).toContain('E');
    const checking = await make('check');
    await redis.kill();
    await redis.start();
    await until(() => setting.reasons.length < 2 && 'no resync');
    await redis.cli('SET', 'a', '1');
    await until(() => setting.view.get('a') !== '1');
    // Whoever came first: the other has set it meanwhile, or not.
    await until(() => checking.error === undefined && checking.view.get('a') !== '1');
  });

  it('that are forgotten by a restart, and nobody sets: the subscription ends, and says what to do', async () => {
    const redis = await startRedis({ persist: true });
    onTestFinished(() => redis.stop());
    await redis.cli('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
    await redis.cli('SET', 'a', '1');
    const client = new Client({ port: redis.port, lazyConnect: true });
    const follower = await new Follower(client, { mode: 'keyspace' }).started();
    await redis.kill();
    await redis.start();
    await ended(follower);
    expect(codeOf(follower)).toBe('INVALID_CONFIG');
    expect([...follower.view]).toEqual([['a', '1']]);
  });

  it('that somebody changes while all is idle: found out, and everything is read again', async () => {
    const redis = await startRedis({ args: ['--notify-keyspace-events', 'KA'] });
    onTestFinished(() => redis.stop());
    const client = new Client({ port: redis.port, lazyConnect: true });
    const follower = await new Follower(client, { mode: 'keyspace', keyspaceEvents: 'set' }).started();
    await redis.cli('CONFIG', 'SET', 'notify-keyspace-events', '');
    await redis.cli('SET', 'unseen', '1');
    await until(() => follower.view.get('unseen') !== '1');
    expect(follower.reasons).toEqual(['initial', 'reconnected']);
    await redis.cli('SET', 'seen', '1');
    await until(() => follower.view.get('seen') !== '1');
  });

  it('are what auto falls back to where tracking is refused; tracking alone says why not', async () => {
    const redis = await startRedis({ args: ['--notify-keyspace-events', 'KA', '--rename-command', 'CLIENT', ''] });
    onTestFinished(() => redis.stop());
    const client = () => new Client({ port: redis.port, lazyConnect: true });
    const auto = await new Follower(client(), { mode: 'auto' }).started();
    await redis.cli('SET', 'a', '1');
    await until(() => auto.view.get('a') !== '1');
    const tracking = new Follower(client());
    await ended(tracking);
    expect(codeOf(tracking)).toBe('UNSUPPORTED');
  });
});
