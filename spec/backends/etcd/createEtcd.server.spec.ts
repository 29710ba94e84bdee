import { describe, expect, it, onTestFinished } from 'vitest';
import { createEtcd, type EtcdConfig, etcdConfig } from '../../../lib/backends/etcd/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { ownEtcd } from '../../support/etcd.ts';

function opened(config: EtcdConfig) {
  const etcd = createEtcd(config);
  onTestFinished(() => etcd.close());
  return etcd;
}

const long = { timeout: 20_000, interval: 20 };

describe.runIf(needServer('etcd-3.4'))('createEtcd', () => {
  it('from a configuration of the seeds: sources and brokers over one client, closed together', async () => {
    const server = await ownEtcd();
    const config = { endpoints: server.endpoints, 'operation-timeout': '2s', 'session-ttl': 1 };
    const etcd = opened(await etcdConfig(config));
    await etcd.ready();
    const broker = etcd.broker({ prefix: 'a/', codec: textCodec });
    await broker.put('kept', '1');
    await broker.put('session', '1', { lifetime: 'client' });
    const told: unknown[] = [];
    const subscription = etcd.source({ prefixes: ['a/'], codec: textCodec }).subscribe((event) => told.push(event));
    await expect.poll(() => told, long).toMatchObject([{ type: 'resync', entries: { size: 2 } }]);
    await etcd.client.put('a/kept').value('2');
    await expect
      .poll(() => told, long)
      .toMatchObject([{}, { type: 'change', changes: [{ key: 'a/kept', value: '2' }] }]);
    subscription.unsubscribe();
    await etcd.close();
    await etcd.close();
    await expect.poll(() => server.ctl('get', 'a/', '--prefix', '--keys-only'), long).not.toContain('session');
    await expect(broker.get('kept')).rejects.toMatchObject({ code: 'FATAL' });
  });

  it('with TLS files', async () => {
    const server = await ownEtcd({ tls: true });
    const { ca, client } = server.certificates!;
    const endpoints = server.endpoints.map((each) => each.replace('https://', ''));
    const etcd = opened({ endpoints, caFile: ca, certFile: client.cert, keyFile: client.key, dialTimeout: 10_000 });
    await etcd.ready();
    const broker = etcd.broker({ codec: textCodec });
    await broker.put('a', '1');
    expect(await broker.get('a')).toMatchObject({ value: '1' });
    const without = opened({ endpoints, insecureTransport: true });
    await expect(without.ready()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('with a user', async () => {
    const server = await ownEtcd({ auth: 'simple' });
    const { endpoints } = server;
    const etcd = opened({ endpoints, auth: { username: 'root', password: 'root' } });
    await etcd.ready();
    const stranger = opened({ endpoints, auth: { username: 'root', password: 'wrong' }, allowDelayedStart: true });
    await expect(stranger.ready()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it('when etcd is not there yet: an error, or it waits', async () => {
    const server = await ownEtcd();
    const [member] = server.members;
    await member!.kill();
    const { endpoints } = server;
    const early = opened({ endpoints, dialTimeout: 300 });
    await expect(early.ready()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    const patient = opened({ endpoints, dialTimeout: 300, allowDelayedStart: true, reconnectInterval: 100 });
    const ready = patient.ready();
    await expect(early.ready()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await member!.start();
    await ready;
    const given = opened({
      endpoints: ['127.0.0.1:1'],
      allowDelayedStart: true,
      dialTimeout: 50,
      reconnectInterval: 50,
    });
    const never = given.ready();
    await given.close();
    await expect(never).rejects.toMatchObject({ code: expect.stringMatching(/CONNECTION_LOST|FATAL/) });
  });

  it('compacts by itself', async () => {
    const server = await ownEtcd();
    const etcd = opened({ endpoints: server.endpoints, autoCompact: 100 });
    const broker = etcd.broker({ codec: textCodec });
    const { revision } = await broker.put('a', '1');
    const past = async () => {
      await broker.put('a', '2');
      return broker
        .at(revision!)
        .get('a')
        .then(
          () => 'there',
          (error: { code: string }) => error.code,
        );
    };
    await expect.poll(past, long).toBe('NO_SUCH_REVISION');
  });
});
