import { Redis as Client } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromRedisConfig } from '../../../lib/backends/redis/index.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import { needServer } from '../../servers/need.ts';
import { startRedis } from '../../servers/redis.ts';
import { Follower, until } from './follower.ts';
import { contentOf } from './load.ts';

const announcing = ['--notify-keyspace-events', 'KA'];

async function place(args: readonly string[] = announcing) {
  const redis = await startRedis({ args: [...args] });
  onTestFinished(() => redis.stop());
  const writer = new Client({ port: redis.port });
  onTestFinished(() => writer.disconnect());
  const follow = (config: Partial<FromRedisConfig<string>> = {}, credentials: object = {}) =>
    new Follower(new Client({ port: redis.port, lazyConnect: true, ...credentials }), config);
  return { redis, writer, follow, truth: () => contentOf(writer) };
}

const codeOf = ({ error }: Follower) => (error as DatasyncError | undefined)?.code;
const modes = ['tracking', 'keyspace'] as const;

describe.runIf(needServer('redis-7'))('what Redis does in silence', () => {
  it('announcements that are switched off and on again between two looks', async () => {
    const { writer, follow, truth } = await place();
    const follower = await follow({ mode: 'keyspace' }).started();
    const set = (flags: string) => ['SET', 'notify-keyspace-events', flags] as const;
    await writer
      .multi()
      .config(...set(''))
      .set('lost', '1')
      .config(...set('KA'))
      .exec();
    await follower.knows(truth);
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });

  it.each(modes)('SWAPDB after CONFIG RESETSTAT, which leaves the count as it was (%s)', async (mode) => {
    const { writer, follow, truth } = await place();
    const other = writer.duplicate({ db: 1 });
    onTestFinished(() => other.disconnect());
    await other.set('in1', '1');
    await writer.set('in0', '0');
    await writer.swapdb(5, 6);
    const follower = await follow({ mode }).started();
    await writer.config('RESETSTAT');
    await writer.swapdb(0, 1);
    await follower.knows(truth);
    expect([...follower.view.keys()]).toEqual(['in1']);
    expect(follower.wrong).toEqual([]);
  });

  it('FLUSHALL after CONFIG RESETSTAT, with keyspace notifications', async () => {
    const { writer, follow, truth } = await place();
    await writer.flushall();
    await writer.set('in0', '0');
    const follower = await follow({ mode: 'keyspace' }).started();
    await writer.config('RESETSTAT');
    await writer.flushall();
    await follower.knows(truth);
    expect(follower.view.size).toBe(0);
  });

  it('what a replica receives as a whole: with keyspace notifications it is not watched, until it is a master', async () => {
    const { redis, writer, follow, truth } = await place();
    const main = await startRedis();
    onTestFinished(() => main.stop());
    await main.cli('SET', 'theirs', '1');
    await writer.set('ours', '1');
    const follower = await follow({ mode: 'keyspace' }).started();
    await redis.cli('REPLICAOF', '127.0.0.1', String(main.port));
    await until(() => !follower.causes.includes('UNSUPPORTED') && follower.state);
    expect(String(follower.statuses.findLast(({ cause }) => cause !== undefined)?.cause)).toContain('replica');
    await until(async () => (await redis.cli('GET', 'theirs')) !== '1');
    await redis.cli('REPLICAOF', 'NO', 'ONE');
    await follower.knows(truth);
    expect(follower.error).toBeUndefined();
    expect(follower.reasons).toEqual(['initial', 'reconnected']);
  });
});

describe.runIf(needServer('redis-7'))('settings that may not be looked at', () => {
  const user = { username: 'u', password: 'p' };

  it.each(['fail', 'retry'] as const)("where CONFIG is refused, onDenied: '%s' decides", async (onDenied) => {
    const { redis, follow } = await place();
    await redis.cli('SET', 'a', '1');
    await redis.cli('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '&*', '+@all', '-config|get');
    const follower = follow({ mode: 'keyspace', onDenied }, user);
    if (onDenied === 'fail') {
      await until(() => follower.error === undefined && 'it goes on');
      expect(codeOf(follower)).toBe('ACCESS_DENIED');
      expect((follower.error as Error).message).toContain("keyspaceEvents to 'trust'");
      return;
    }
    const isDenied = ({ cause }: { readonly cause?: unknown }) =>
      (cause as DatasyncError | undefined)?.code === 'ACCESS_DENIED';
    await until(() => !follower.statuses.some(isDenied) && follower.state);
    await redis.cli('ACL', 'SETUSER', 'u', '+config|get');
    await until(() => follower.view.get('a') !== '1' && follower.state);
    expect(follower.error).toBeUndefined();
  });

  it.each(['auto', 'keyspace'] as const)('a password that is missing is called that (%s)', async (mode) => {
    const redis = await startRedis({ password: 'secret', args: announcing });
    onTestFinished(() => redis.stop());
    const follower = new Follower(new Client({ port: redis.port, lazyConnect: true }), { mode });
    await until(() => follower.error === undefined && 'it goes on');
    expect(codeOf(follower)).toBe('ACCESS_DENIED');
    expect((follower.error as Error).message).toContain('NOAUTH');
  });

  it('INFO that is taken away: everything is read once more, and it goes on without', async () => {
    const { redis, follow } = await place();
    await redis.cli('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '&*', '+@all');
    const follower = await follow({}, user).started();
    await redis.cli('ACL', 'SETUSER', 'u', '-info');
    await until(() => follower.error === undefined && follower.reasons.length < 2 && 'not read again');
    await redis.cli('SET', 'a', '1');
    await until(() => follower.error === undefined && follower.view.get('a') !== '1' && 'not told');
    expect(follower.error).toBeUndefined();
  });
});
