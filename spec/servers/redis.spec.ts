import { describe, expect, it, onTestFinished } from 'vitest';
import { entryOf } from './catalogue.ts';
import { needServer } from './need.ts';
import { type RedisOptions, redisLine, startRedis } from './redis.ts';

async function redis(options?: RedisOptions) {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

describe.runIf(needServer(redisLine))('a Redis of its own', () => {
  it('answers, and forgets by a crash', async () => {
    const server = await redis();
    expect(server.version).toBe(entryOf(redisLine).version);
    await server.cli('SET', 'a', '1');
    await server.kill();
    await server.start();
    expect(await server.cli('GET', 'a')).toBe('');
  });

  it('keeps its data over a crash where it was asked to, and loses it by a wipe', async () => {
    const server = await redis({ persist: true });
    await server.cli('SET', 'a', '1');
    await server.kill();
    await server.start();
    expect(await server.cli('GET', 'a')).toBe('1');
    await server.wipe();
    await server.start();
    expect(await server.cli('GET', 'a')).toBe('');
  });

  it('with TLS and a password', async () => {
    const server = await redis({ tls: true, password: 'secret' });
    await server.cli('SET', 'a', '1');
    expect(await server.cli('GET', 'a')).toBe('1');
    expect(await server.cli('--user', 'default', '--pass', 'wrong', 'GET', 'a')).toContain('NOAUTH');
  });
});
