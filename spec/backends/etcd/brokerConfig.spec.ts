import { Etcd3 } from 'etcd3';
import { describe, expect, it } from 'vitest';
import { etcdBroker } from '../../../lib/backends/etcd/index.ts';

describe('etcdBroker', () => {
  const client = new Etcd3({ hosts: '127.0.0.1:1' });

  it.each([
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: '5s' }, 'timeout'],
    [{ sessionTtl: -1 }, 'sessionTtl'],
    [{ keyEncoding: 'ascii' }, 'keyEncoding'],
    [{ maxTxnOps: 0 }, 'maxTxnOps'],
    [{ maxRequestBytes: 1.5 }, 'maxRequestBytes'],
    [{ autoCompact: 0 }, 'autoCompact'],
    [{ prefix: 5 }, 'prefix'],
    [{ codec: {} }, 'codec'],
    [{ ttl: 5 }, 'ttl'],
  ])('refuses the options %o', (config, name) => {
    expect(() => etcdBroker(client, config as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(`'${name}`) }),
    );
  });

  it.each([undefined, null, {}, client.namespace('a/')])('refuses what is no client of etcd3', (wrong) => {
    expect(() => etcdBroker(wrong as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining('a client of etcd3') }),
    );
  });
});
