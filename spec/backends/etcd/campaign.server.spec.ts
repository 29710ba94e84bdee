import { describe, expect, it, onTestFinished } from 'vitest';
import { etcdBroker, type Leadership } from '../../../lib/backends/etcd/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { messageOf } from '../../../lib/model/errors.ts';
import type { Etcd } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { openProxy } from '../../servers/proxy.ts';
import { etcdClient, ownEtcd } from '../../support/etcd.ts';

const long = { timeout: 20_000, interval: 20 };

/** All that the server knows. */
async function leases(etcd: Etcd): Promise<string[]> {
  return (await etcd.ctl('lease', 'list')).split('\n').slice(1);
}

describe.runIf(needServer('etcd-3.4'))('campaign of etcdBroker', () => {
  /** A candidate, and what it was told. */
  const candidate = (etcd: Etcd, name: string, sessionTtl = 1_000, host = etcd.endpoints[0]!) => {
    const broker = etcdBroker(etcdClient(host), {
      prefix: 'p/',
      codec: textCodec,
      sessionTtl,
      timeout: 1_000,
    });
    const told: string[] = [];
    const subscription = broker.campaign('leader', name).subscribe({
      next: (state: Leadership) => told.push(state.leads ? 'leads' : state.cause.code),
      error: (error: unknown) => told.push(messageOf(error)),
    });
    onTestFinished(async () => {
      subscription.unsubscribe();
      await broker.close();
    });
    return { broker, told, subscription };
  };

  it('lets one lead, and the next when it resigns', async () => {
    const etcd = await ownEtcd();
    const one = candidate(etcd, 'one');
    await expect.poll(() => one.told, long).toEqual(['leads']);
    const two = candidate(etcd, 'two');
    const names = async () => (await one.broker.list({ prefix: 'leader/' })).map(({ value }) => value).sort();
    await expect.poll(names, long).toEqual(['one', 'two']);
    expect(two.told).toEqual([]);
    one.subscription.unsubscribe();
    await expect.poll(() => two.told, long).toEqual(['leads']);
    expect(one.told).toEqual(['leads']);
    await expect.poll(names, long).toEqual(['two']);
    two.subscription.unsubscribe();
    await expect.poll(names, long).toEqual([]);
  });

  it('tells a leader that it lost its lease, and it stands again', async () => {
    const etcd = await ownEtcd();
    const one = candidate(etcd, 'one');
    await expect.poll(() => one.told, long).toEqual(['leads']);
    await etcd.ctl('lease', 'revoke', (await leases(etcd))[0]!);
    await expect.poll(() => one.told, long).toEqual(['leads', 'LEASE_LOST', 'leads']);
  });

  it('tells a leader that cannot reach etcd before another one can lead', async () => {
    const etcd = await ownEtcd();
    const one = candidate(etcd, 'one');
    await expect.poll(() => one.told, long).toEqual(['leads']);
    etcd.members[0]!.pause();
    await expect.poll(() => one.told, long).toEqual(['leads', 'LEASE_LOST']);
    etcd.members[0]!.resume();
    await expect.poll(() => one.told, long).toEqual(['leads', 'LEASE_LOST', 'leads']);
  });

  it('ends with an error where it may not stand', async () => {
    const etcd = await ownEtcd({ auth: 'simple' });
    const client = etcdClient(etcd.endpoints, { auth: { username: 'user', password: 'user' } });
    const told: unknown[] = [];
    etcdBroker(client, { codec: textCodec })
      .campaign('other/leader')
      .subscribe({ error: (error) => told.push(error) });
    await expect.poll(() => told, long).toMatchObject([{ code: 'ACCESS_DENIED' }]);
    const allowed: Leadership[] = [];
    const broker = etcdBroker(client, { codec: textCodec });
    const subscription = broker.campaign('app/leader').subscribe((state) => allowed.push(state));
    await expect.poll(() => allowed, long).toMatchObject([{ leads: true }]);
    subscription.unsubscribe();
    await broker.close();
  });

  it('tells a leader whose key somebody deletes, and lets the next one lead', async () => {
    const etcd = await ownEtcd();
    const one = candidate(etcd, 'one', 60_000);
    await expect.poll(() => one.told, long).toEqual(['leads']);
    const two = candidate(etcd, 'two', 60_000);
    await expect.poll(() => one.broker.listKeys({ prefix: 'leader/' }), long).toHaveLength(2);
    const [key] = (await etcd.ctl('get', 'p/leader/', '--prefix', '--keys-only', '--sort-by', 'CREATE')).split('\n');
    await etcd.ctl('del', key!);
    await expect.poll(() => two.told, long).toEqual(['leads']);
    await expect.poll(() => one.told, long).toEqual(['leads', 'LEASE_LOST']);
    // It stands again, behind the other one.
    two.subscription.unsubscribe();
    await expect.poll(() => one.told, long).toEqual(['leads', 'LEASE_LOST', 'leads']);
  });

  it('tells a leader that its key was deleted while it could not hear of it', async () => {
    const etcd = await ownEtcd();
    const proxy = await openProxy({ port: etcd.members[0]!.port });
    onTestFinished(() => proxy.close());
    const one = candidate(etcd, 'one', 60_000, `http://${proxy.address}`);
    await expect.poll(() => one.told, long).toEqual(['leads']);
    await proxy.refuse();
    await etcd.ctl('del', 'p/leader/', '--prefix');
    await etcd.ctl('put', 'beside', 'it');
    await proxy.accept();
    await expect.poll(() => one.told, long).toEqual(['leads', 'LEASE_LOST', 'leads']);
  });

  it('lets a leader lead on where its stream is cut, or what its key holds is changed', async () => {
    const etcd = await ownEtcd();
    const proxy = await openProxy({ port: etcd.members[0]!.port });
    onTestFinished(() => proxy.close());
    const one = candidate(etcd, 'one', 2_000, `http://${proxy.address}`);
    await expect.poll(() => one.told, long).toEqual(['leads']);
    const [key = ''] = await one.broker.listKeys({ prefix: 'leader/' });
    await etcd.ctl('put', '--ignore-lease', `p/${key}`, 'changed');
    proxy.cut();
    // Several turns of its lease, and of the watch.
    const { accepted, received } = proxy;
    await expect.poll(() => proxy.received - received, long).toBeGreaterThan(1_000);
    expect(one.told).toEqual(['leads']);
    expect(proxy.accepted).toBeLessThan(accepted + 5);
    expect(await one.broker.get(key)).toMatchObject({ value: 'changed' });
  });
});
