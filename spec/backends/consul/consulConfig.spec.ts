import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import Consul from 'consul';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type ConsulConfig,
  consulBroker,
  consulConfig,
  createConsul,
  fromConsul,
} from '../../../lib/backends/consul/index.ts';
import { failureOf } from '../../support/failureOf.ts';
import { temporaryDirectory } from '../../support/files.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('consulConfig', () => {
  it('reads every key', async () => {
    const yaml = `
address: 10.0.0.1:8500
resync-after-reconnect: true
token: a secret
datacenter: dc2
tls: { enabled: true, skip-verify: false, cert-file: /c.pem, key-file: /k.pem, ca-file: /ca.pem }
`;
    expect(await consulConfig({ yaml })).toEqual({
      address: '10.0.0.1:8500',
      resyncAfterReconnect: true,
      token: 'a secret',
      datacenter: 'dc2',
      tls: { enabled: true, skipVerify: false, certFile: '/c.pem', keyFile: '/k.pem', caFile: '/ca.pem' },
    });
    expect(await consulConfig({ address: 'a:1' })).toEqual({ address: 'a:1' });
    expect(await consulConfig({ yaml: '' })).toEqual({});
  });

  it('names file, line, key and what was expected', async () => {
    const file = join(temporaryDirectory(), 'consul.conf');
    writeFileSync(file, 'address: a:1\nresync-after-reconect: true\n');
    await expect(consulConfig(file)).rejects.toMatchObject({ code: 'INVALID_CONFIG', file, line: 2 });
    await expect(consulConfig(file)).rejects.toThrow(/resync-after-reconect.*resync-after-reconnect/s);
    await expect(consulConfig({ token: 5 })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });
});

/** Where its client asks. */
function target(config: ConsulConfig): object {
  const { client } = createConsul(config);
  client.destroy();
  const { baseUrl, rejectUnauthorized } = (client as unknown as { _opts: Record<string, unknown> })._opts;
  const { _defaults: defaults } = client as unknown as { _defaults?: object };
  // papi leaves out the port that is usual.
  const { protocol } = baseUrl as { readonly protocol: string };
  return { port: protocol === 'https:' ? '443' : '80', ...(baseUrl as object), rejectUnauthorized, ...defaults };
}

describe('createConsul', () => {
  it('asks where it is told to, else where the environment says', () => {
    expect(target({ address: '10.0.0.1:18500' })).toMatchObject({
      protocol: 'http:',
      hostname: '10.0.0.1',
      port: '18500',
    });
    expect(target({ address: 'https://c.example' })).toMatchObject({
      protocol: 'https:',
      port: '8501',
      rejectUnauthorized: true,
    });
    expect(target({ tls: { enabled: true, skipVerify: true } })).toMatchObject({
      protocol: 'https:',
      rejectUnauthorized: false,
    });
    vi.stubEnv('CONSUL_HTTP_ADDR', 'http://env.example:1');
    vi.stubEnv('CONSUL_HTTP_TOKEN', 'of the environment');
    expect(target({})).toMatchObject({ hostname: 'env.example', port: '1', token: 'of the environment' });
    expect(target({ token: 'mine', datacenter: 'dc2' })).toMatchObject({ token: 'mine', dc: 'dc2' });
  });

  it.each([
    ['http://h:80', 'http:', '80'],
    ['h:80', 'http:', '80'],
    ['[::1]:80/', 'http:', '80'],
    ['http://h:443', 'http:', '443'],
    ['https://h:443', 'https:', '443'],
    ['https://h:80', 'https:', '80'],
    ['http://h', 'http:', '8500'],
    ['[::1]', 'http:', '8500'],
  ])('asks at the port of %s, also at one that other programs leave out', (address, protocol, port) => {
    expect(target({ address })).toMatchObject({ protocol, port });
  });

  it('asks an address of IPv6', async () => {
    const request = vi.spyOn(http, 'request');
    await using consul = createConsul({ address: '[::1]:1' });
    await expect(consul.ready()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(request.mock.lastCall).toEqual([expect.objectContaining({ hostname: '::1', port: '1' })]);
  });

  it('without TLS where it is told so, whatever else is said of it', () => {
    const tls = { enabled: false, skipVerify: true };
    expect(target({ address: 'h:1', tls })).toMatchObject({ protocol: 'http:' });
    expect(target({ address: 'https://h:1', tls: { skipVerify: true } })).toMatchObject({ rejectUnauthorized: false });
  });

  it.each<[object, string]>([
    [{ address: '' }, "'address' must be"],
    [{ address: 'a b' }, "'address' must be"],
    [{ address: 'http://a:1/path' }, "'address' must be"],
    [{ address: 'ftp://a' }, "'address' must be"],
    [{ adress: 'a' }, "unknown option 'adress'"],
    [{ tls: { certFile: 'c.pem' } }, "'tls.keyFile'"],
    [{ address: 'http://a:1', tls: { enabled: true } }, 'is not TLS'],
    [{ address: 'https://a:1', tls: { enabled: false } }, 'is TLS'],
    [{ address: 'a:1', tls: { skipVerify: true } }, "'tls.skipVerify'"],
    [{ token: 'secret\n' }, 'a line break'],
    [{ tls: { caFile: '/none/ca.pem' } }, '/none/ca.pem cannot be read'],
  ])('refuses %o', (config, words) => {
    expect(() => createConsul(config)).toThrow(words);
  });

  it('closes its brokers and its client', async () => {
    const consul = createConsul();
    const broker = consul.broker();
    const closed = vi.spyOn(broker, 'close');
    await consul.close();
    await consul[Symbol.asyncDispose]();
    expect(closed).toHaveBeenCalledOnce();
  });
});

describe('fromConsul and consulBroker', () => {
  const { client } = createConsul();
  client.destroy();

  it.each<[string, () => unknown, string]>([
    ['no client', () => fromConsul({} as never, { prefixes: ['a'] }), "client of npm 'consul'"],
    ['no client of a broker', () => consulBroker(undefined as never), "client of npm 'consul'"],
    ['no prefixes', () => fromConsul(client, {} as never), "'prefixes' is missing"],
    ['a prefix with a slash at the start', () => fromConsul(client, { prefixes: ['/a'] }), 'starts with a slash'],
    ['a prefix with two slashes', () => fromConsul(client, { prefixes: ['a//'] }), 'two slashes'],
    ['an unknown option', () => fromConsul(client, { prefixes: ['a'], waits: 1 } as never), "'waits'"],
    ['a wait beyond what Consul holds', () => fromConsul(client, { prefixes: ['a'], wait: 600_001 }), "'wait'"],
    ['a share of all', () => fromConsul(client, { prefixes: ['a'], onShrink: { share: 1 } }), "'onShrink.share'"],
    [
      'a split by nothing',
      () => fromConsul(client, { prefixes: ['a'], split: { separator: '' } }),
      "'split.separator'",
    ],
    ['half a query', () => fromConsul(client, { prefixes: ['a'], split: { queries: 0.5 } }), "'split.queries'"],
    ['a split that is none', () => fromConsul(client, { prefixes: ['a'], split: true as never }), "'split'"],
    [
      'an unknown answer to denial',
      () => fromConsul(client, { prefixes: ['a'], onDenied: 'wait' as never }),
      "'onDenied'",
    ],
    ['a session shorter than Consul has', () => consulBroker(client, { sessionTtl: 19_999 }), "'sessionTtl'"],
    ['a session longer than Consul has', () => consulBroker(client, { sessionTtl: 172_800_001 }), "'sessionTtl'"],
    ['a request of no bytes', () => consulBroker(client, { maxRequest: 0 }), "'maxRequest'"],
  ])('refuse %s at once', (_, attempt, words) => {
    expect(attempt).toThrow(words);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  it.each<[string, (client: Consul) => unknown]>([
    ['fromConsul', (client) => fromConsul(client, { prefixes: ['a'] })],
    ['consulBroker', (client) => consulBroker(client)],
  ])('%s refuses a token that no header takes, and does not show it', (where, make) => {
    const other = new Consul({ defaults: { token: 'secret\n' } });
    onTestFinished(() => other.destroy());
    const { code, message } = failureOf(() => make(other));
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toContain(where);
    expect(message).not.toContain('secret');
    const text = failureOf(() => createConsul({ token: 'secret\n' })).message;
    expect(text).not.toContain('secret');
    vi.stubEnv('CONSUL_HTTP_TOKEN', 'secret\n');
    expect(() => createConsul()).toThrow('CONSUL_HTTP_TOKEN');
  });

  it('refuse a client that reads what may be old', () => {
    const stale = Object.assign(Object.create(client) as typeof client, { _defaults: { stale: true } });
    expect(() => fromConsul(stale, { prefixes: ['a'] })).toThrow('stale: true');
  });
});
