import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createRedis, type RedisConfig } from '../../../lib/backends/redis/index.ts';
import { temporaryDirectory } from '../../support/files.ts';

interface Made {
  readonly isCluster: boolean;
  readonly options: object;
  readonly startupNodes?: readonly object[];
}

/** Its client, of which nothing was asked. */
async function made(config?: RedisConfig): Promise<Made> {
  await using redis = createRedis(config);
  expect(redis.client.status).toBe('wait');
  return redis.client as unknown as Made;
}

describe('createRedis', () => {
  it('a node, by default on this host', async () => {
    expect(await made()).toMatchObject({ isCluster: false, options: { host: '127.0.0.1', port: 6379, db: 0 } });
    const config = { endpoint: '[::1]:7000', db: 3, username: 'u', password: 'p', dialTimeout: 100 };
    expect(await made(config)).toMatchObject({
      options: { host: '::1', port: 7000, db: 3, username: 'u', password: 'p', connectTimeout: 100 },
    });
  });

  it('the master that Sentinels name', async () => {
    const sentinels = [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ];
    expect(await made({ endpoints: ['a:1', 'b:2'], masterName: 'm', db: 1 })).toMatchObject({
      isCluster: false,
      options: { sentinels, name: 'm', db: 1, failoverDetector: true },
    });
  });

  it('a cluster', async () => {
    const cluster = await made({ endpoints: ['a:1', 'b:2'], db: 0, password: 'p', maxRedirects: 3 });
    expect(cluster).toMatchObject({
      isCluster: true,
      options: { maxRedirections: 3, redisOptions: { password: 'p' } },
    });
    expect(cluster.startupNodes).toMatchObject([{ port: 1 }, { port: 2 }]);
  });

  it('TLS, with the contents of the files', async () => {
    const file = join(temporaryDirectory(), 'ca.pem');
    writeFileSync(file, 'an authority');
    const ca = Buffer.from('an authority');
    expect((await made({ tls: { caFile: file } })).options).toMatchObject({ tls: { ca, rejectUnauthorized: true } });
    expect((await made({ tls: { skipVerify: true } })).options).toMatchObject({ tls: { rejectUnauthorized: false } });
    const sentinels = { endpoints: ['a:1'], masterName: 'm' };
    const tls = { ca, rejectUnauthorized: true };
    expect((await made({ ...sentinels, tls: { caFile: file } })).options).toMatchObject({
      ...{ tls, sentinelTLS: tls, enableTLSForSentinelMode: true },
    });
    expect((await made(sentinels)).options).not.toHaveProperty('sentinelTLS');
    expect((await made({ tls: { enabled: false, caFile: file } })).options).not.toHaveProperty('tls');
  });

  it.each<[object, string]>([
    [{ endpoint: 'a' }, "'endpoint' must be an endpoint, 'host:port', not \"a\""],
    [{ endpoint: 'redis://a:1' }, "'endpoint' must be"],
    [{ endpoints: [] }, "'endpoints' must be"],
    [{ endpoints: ['a:1', 'b:0'] }, 'element 1 is "b:0"'],
    [{ endpoint: 'a:1', endpoints: ['b:2'] }, 'exclude each other'],
    [{ masterName: 'm' }, "'endpoints' is missing: the Sentinels"],
    [{ endpoint: 'a:1', masterName: 'm' }, "'endpoints' is missing: the Sentinels"],
    [{ endpoints: ['a:1'], db: 1 }, "a cluster has no 'db' but 0"],
    [{ db: -1 }, "'db' must be"],
    [{ db: Infinity }, "'db' must be"],
    [{ dialTimeout: 0 }, "'dialTimeout' must be"],
    [{ timeout: 1.5 }, "'timeout' must be"],
    [{ 'dial-timeout': 5 }, "unknown option 'dial-timeout'"],
    [{ kind: 'node' }, "unknown option 'kind'"],
    [{ tls: { ca: 'x' } }, "unknown option 'tls.ca'"],
    [{ tls: { certFile: 'c.pem' } }, "'tls.certFile' and 'tls.keyFile' belong together"],
  ])('refuses %o', (config, words) => {
    expect(() => createRedis(config)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(words) }),
    );
  });

  it('names a file that cannot be read', () => {
    const file = join(temporaryDirectory(), 'ca.pem');
    const wrong = expect.objectContaining({ code: 'UNREADABLE', file });
    expect(() => createRedis({ tls: { caFile: file } })).toThrow(wrong);
  });

  it('never shows a password', () => {
    const password = ['hidden'] as unknown as string;
    expect(() => createRedis({ password })).toThrow(/'password' must be(?!.*hidden)/);
  });

  it('closes its brokers and its client, once', async () => {
    const redis = createRedis();
    const closed = vi.spyOn(redis.broker(), 'close');
    const ended = vi.spyOn(redis.client, 'disconnect');
    await redis.close();
    await redis[Symbol.asyncDispose]();
    expect(closed).toHaveBeenCalledOnce();
    expect(ended).toHaveBeenCalled();
  });
});
