import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { redisConfig } from '../../../lib/backends/redis/redisConfig.ts';
import { temporaryDirectory } from '../../support/files.ts';

const refusal = async (yaml: string) =>
  redisConfig({ yaml }).then(
    () => 'accepted',
    (error: unknown) => (error as Error).message,
  );

describe('redisConfig', () => {
  it('a node', async () => {
    const yaml = `
      endpoint: localhost:6379
      db: 2
      username: reader
      password: secret
      dial-timeout: 1s
      read-timeout: 300000000
      write-timeout: 2s
      enable-query-on-slave: false
      tls: { enabled: true, skip-verify: false, cert-file: c.pem, key-file: k.pem, ca-file: ca.pem }`;
    expect(await redisConfig({ yaml })).toEqual({
      endpoint: 'localhost:6379',
      db: 2,
      username: 'reader',
      password: 'secret',
      dialTimeout: 1_000,
      timeout: 2_000,
      tls: { enabled: true, skipVerify: false, certFile: 'c.pem', keyFile: 'k.pem', caFile: 'ca.pem' },
    });
  });

  it('Sentinels', async () => {
    expect(await redisConfig({ yaml: 'endpoints: ["[::1]:26379", b:26380]\nmaster-name: mymaster\ndb: 1' })).toEqual({
      endpoints: ['[::1]:26379', 'b:26380'],
      masterName: 'mymaster',
      db: 1,
    });
  });

  it('a cluster; TLS that is not enabled is none', async () => {
    const yaml =
      'endpoints: [a:7000, b:7001]\nmax-rediects: 8\nroute-by-latency: false\ntls: { enabled: false, ca-file: x }';
    expect(await redisConfig({ yaml })).toEqual({
      endpoints: ['a:7000', 'b:7001'],
      maxRedirects: 8,
      tls: { enabled: false, caFile: 'x' },
    });
  });

  it('durations of 0 are the default, parts of a millisecond are rounded up', async () => {
    expect(await redisConfig({ yaml: '' })).toEqual({});
    expect(await redisConfig({ 'dial-timeout': 0, 'read-timeout': '0s', 'write-timeout': 0 })).toEqual({});
    expect(await redisConfig({ 'dial-timeout': 1_500_000, 'write-timeout': '2.5ms' })).toEqual({
      dialTimeout: 2,
      timeout: 3,
    });
  });

  it('names file, line, key and what was expected', async () => {
    const file = join(temporaryDirectory(), 'redis.conf');
    writeFileSync(file, 'endpoint: a:1\ndial-timeot: 5s\n');
    await expect(redisConfig(file)).rejects.toMatchObject({ code: 'INVALID_CONFIG', file, line: 2 });
    await expect(redisConfig(file)).rejects.toThrow(/dial-timeot.*dial-timeout/s);
    writeFileSync(file, 'endpoint: a:1\nendpoints: [b:2]\n');
    await expect(redisConfig(file)).rejects.toMatchObject({ code: 'INVALID_CONFIG', file });
    await expect(redisConfig(pathToFileURL(file))).rejects.toThrow(`${file}: 'endpoint' (a node) and 'endpoints'`);
  });

  it.each([
    ['master-name: m', 'the Sentinels'],
    ['endpoint: a:1\nendpoints: [b:2]', 'exclude each other'],
    ['endpoints: [a:1]\ndb: 1', "a cluster has no 'db' but 0"],
    ['endpoint: a', 'host:port'],
    ['endpoint: a:0', 'host:port'],
    ['endpoints: [a:1, "b:65536"]', 'element 1 is "b:65536"'],
    ['endpoint: a:1\npool: { max-connections: 10 }', 'there is no pool'],
    ['endpoints: [a:1]\nroute-by-latency: true', 'comes from the masters'],
    ['endpoint: a:1\npasword: secret', 'password'],
  ])('refuses %j: %s', async (yaml, message) => expect(await refusal(yaml)).toContain(message));

  it('never shows a password', async () => {
    expect(await refusal('endpoint: a:1\npassword: [hidden]')).not.toContain('hidden');
  });
});
