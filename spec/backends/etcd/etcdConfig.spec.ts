import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEtcd, type EtcdConfig, etcdConfig } from '../../../lib/backends/etcd/index.ts';
import { temporaryDirectory } from '../../support/files.ts';

describe('etcdConfig', () => {
  it('reads every key of the seeds', async () => {
    const yaml = `
endpoints: [10.0.0.1:2379, "http://10.0.0.2:2379"]
dial-timeout: 100ms
operation-timeout: 300000000
insecure-transport: true
insecure-skip-tls-verify: false
cert-file: /c.pem
key-file: /k.pem
ca-file: /ca.pem
auto-compact: 1h
resync-after-reconnect: true
allow-delayed-start: true
reconnect-interval: 2s
session-ttl: 5
expand-env-variables: false
`;
    expect(await etcdConfig({ yaml })).toEqual({
      endpoints: ['10.0.0.1:2379', 'http://10.0.0.2:2379'],
      dialTimeout: 100,
      operationTimeout: 300,
      insecureTransport: true,
      certFile: '/c.pem',
      keyFile: '/k.pem',
      caFile: '/ca.pem',
      autoCompact: 3_600_000,
      resyncAfterReconnect: true,
      allowDelayedStart: true,
      reconnectInterval: 2_000,
      sessionTtl: 5_000,
    });
    expect(await etcdConfig({ yaml: '' })).toEqual({});
    expect(await etcdConfig({ 'auto-compact': 0, 'session-ttl': 1 })).toEqual({ sessionTtl: 1_000 });
  });

  it('names file, key and what was expected', async () => {
    const file = join(temporaryDirectory(), 'etcd.conf');
    writeFileSync(file, 'endpoints: [a:1]\ndial-timeot: 5s\n');
    await expect(etcdConfig(file)).rejects.toMatchObject({ code: 'INVALID_CONFIG', file, line: 2 });
    await expect(etcdConfig(file)).rejects.toThrow(/dial-timeot.*dial-timeout/s);
    await expect(etcdConfig(join(file, 'none'))).rejects.toMatchObject({ code: 'UNREADABLE' });
  });

  it.each([
    [{ 'dial-timeout': 'soon' }, 'dial-timeout'],
    [{ 'session-ttl': '5s' }, 'session-ttl'],
    [{ endpoints: 'a:1' }, 'endpoints'],
    [{ 'insecure-skip-tls-verify': true }, 'ca-file'],
    [{ 'expand-env-variables': true }, 'expand-env-variables'],
  ])('refuses %o', async (input, words) => {
    await expect(etcdConfig(input)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(words),
    });
  });
});

describe('createEtcd', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** The servers of its client. */
  const hosts = async (config?: EtcdConfig): Promise<unknown> => {
    await using etcd = createEtcd(config);
    return (etcd.client as unknown as { options: { hosts: unknown } }).options.hosts;
  };

  it('takes endpoints with and without a scheme, of the configuration or the environment', async () => {
    expect(await hosts({ endpoints: ['a:1', '[::1]:3'] })).toEqual(['http://a:1', 'http://[::1]:3']);
    expect(await hosts({ endpoints: ['https://b:2'] })).toEqual(['https://b:2']);
    expect(await hosts({ endpoints: ['https://b:2'], insecureTransport: true })).toEqual(['http://b:2']);
    vi.stubEnv('ETCD_ENDPOINTS', '');
    vi.stubEnv('ETCDV3_ENDPOINTS', '');
    expect(await hosts()).toEqual(['http://127.0.0.1:2379']);
    vi.stubEnv('ETCDV3_ENDPOINTS', 'c:1');
    expect(await hosts()).toEqual(['http://c:1']);
    vi.stubEnv('ETCD_ENDPOINTS', 'd:1, e:2');
    expect(await hosts()).toEqual(['http://d:1', 'http://e:2']);
    vi.stubEnv('ETCD_ENDPOINTS', 'nowhere');
    await expect(hosts()).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it.each<[object, string]>([
    [{ endpoints: [] }, 'endpoints'],
    [{ endpoints: ['a:1', 'b'] }, 'element 1 is "b"'],
    [{ dialTimeout: 0 }, 'dialTimeout'],
    [{ 'dial-timeout': 5 }, "unknown option 'dial-timeout'"],
    [{ auth: { username: 'u', pasword: 'p' } }, 'auth.pasword'],
    [{ certFile: '/c.pem' }, "'certFile' and 'keyFile' belong together"],
    [{ endpoints: ['a:1', 'https://b:2'] }, 'http://a:1, https://b:2 must all be TLS'],
    [{ endpoints: ['http://a:1'], caFile: '/ca.pem' }, 'http://a:1 is not TLS'],
  ])('refuses %o', (config, words) => {
    expect(() => createEtcd(config)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(words) }),
    );
  });

  it('names a file that cannot be read', () => {
    const file = join(temporaryDirectory(), 'ca.pem');
    expect(() => createEtcd({ caFile: file })).toThrow(expect.objectContaining({ code: 'UNREADABLE', file }));
  });
});
