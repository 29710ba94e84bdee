import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EtcdBrokerConfig, etcdBroker } from '../../../lib/backends/etcd/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Etcd } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { needShared, shared } from '../../servers/shared.ts';
import { etcdClient, ownEtcd, ownPrefix } from '../../support/etcd.ts';

async function sharedBroker(config: Partial<EtcdBrokerConfig<string>> = {}) {
  const { endpoints } = await shared('etcd-3.4');
  return etcdBroker(etcdClient(endpoints), { prefix: ownPrefix(), codec: textCodec, ...config });
}

const long = { timeout: 20_000, interval: 20 };

describe.runIf(needShared('etcd-3.4'))('etcdBroker', () => {
  it('reads at a revision, also a list, and writes nothing there', async () => {
    const broker = await sharedBroker();
    await broker.put('a', '1');
    const { revision } = await broker.put('b', '1');
    await broker.put('a', '2');
    await broker.delete('b');
    const past = broker.at(revision!);
    expect(await past.get('a')).toMatchObject({ found: true, value: '1' });
    expect((await past.list()).map(({ key, value }) => `${key}:${value}`)).toEqual(['a:1', 'b:1']);
    expect(await past.under('b').listKeys()).toEqual(['']);
    expect(await broker.listKeys()).toEqual(['a']);
    await expect(past.put('a', '3')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(past.compareAndSwap('a', '1', '3')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(broker.at(revision! + 1_000_000_000).get('a')).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
    for (const wrong of [0, -1, 1.5, '1'])
      expect(() => broker.at(wrong as number)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  it('rounds a time to live up to whole seconds, and says so', async () => {
    const broker = await sharedBroker();
    expect(await broker.put('a', '1', { ttl: 2_000 })).not.toHaveProperty('ttl');
    expect(await broker.put('a', '1', { ttl: 2_001 })).toMatchObject({ ttl: 3_000 });
    expect(await broker.putIfNotExists('b', '1', { ttl: 1 })).toMatchObject({ created: true, ttl: 1_000 });
    expect(await broker.compareAndSwap('a', 'x', '1', { ttl: 1 })).toMatchObject({ swapped: false });
    expect(await broker.get('a')).toMatchObject({ value: '1' });
  });

  it('gives each number of a sequence once', async () => {
    const broker = await sharedBroker();
    const numbers = await Promise.all(Array.from({ length: 50 }, () => broker.under('s/').sequence('jobs')));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(await broker.sequence('s/jobs')).toBe(51);
    await expect((async () => broker.sequence(1 as never))()).rejects.toMatchObject({ code: 'INVALID_KEY' });
  });
});

describe.runIf(needServer('etcd-3.4'))('history of etcdBroker', () => {
  it('is compacted away, up to now or up to a revision', async () => {
    const etcd = await ownEtcd();
    const broker = etcdBroker(etcdClient(etcd.endpoints), { codec: textCodec });
    const revisions: number[] = [];
    for (const value of ['1', '2', '3']) revisions.push((await broker.put('a', value)).revision!);
    expect(await broker.compact(revisions[1])).toBe(revisions[1]);
    await expect(broker.at(revisions[0]!).get('a')).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
    expect(await broker.at(revisions[1]!).get('a')).toMatchObject({ value: '2' });
    expect(await broker.compact()).toBe(revisions[2]);
    await expect(broker.at(revisions[1]!).list()).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
    await expect(broker.compact(revisions[0])).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
    await expect(broker.compact(1_000_000)).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
    expect(await broker.get('a')).toMatchObject({ value: '3' });
  });

  it('is compacted away periodically, until the broker is closed', async () => {
    const etcd = await ownEtcd();
    const client = etcdClient(etcd.endpoints);
    const broker = etcdBroker(client, { codec: textCodec, autoCompact: 100 });
    const other = etcdBroker(client, { codec: textCodec });
    const { revision } = await other.put('a', '1');
    const at = async () => {
      await other.put('a', '2');
      return other
        .at(revision!)
        .get('a')
        .then(
          () => 'there',
          (error: { code: string }) => error.code,
        );
    };
    await expect.poll(at, long).toBe('NO_SUCH_REVISION');
    await broker.close();
    const kept = (await other.put('a', '3')).revision!;
    await sleep(300);
    await other.put('a', '4');
    expect(await other.at(kept).get('a')).toMatchObject({ value: '3' });
  });
});

/** The leases of a server, as etcdctl names them. */
async function leases(etcd: Etcd): Promise<string[]> {
  return (await etcd.ctl('lease', 'list')).split('\n').slice(1);
}

describe.runIf(needServer('etcd-3.4'))("lifetime 'client' of etcdBroker", () => {
  const own = async (sessionTtl: number) => {
    const etcd = await ownEtcd();
    const config = { codec: textCodec, sessionTtl, timeout: 1_000 };
    const broker = etcdBroker(etcdClient(etcd.endpoints), config);
    onTestFinished(() => broker.close());
    const other = etcdBroker(etcdClient(etcd.endpoints), config);
    return { etcd, broker, other };
  };

  it('is kept alive, in one lease for all keys, and ends at once with the broker', async () => {
    const { etcd, broker, other } = await own(1_000);
    await broker.put('a', '1', { lifetime: 'client' });
    await broker.txn().put('b', '1', { lifetime: 'client' }).put('c', '1').commit();
    await broker.putIfNotExists('d', '1', { lifetime: 'client' });
    await sleep(2_500);
    expect(await other.listKeys()).toEqual(['a', 'b', 'c', 'd']);
    expect(await leases(etcd)).toHaveLength(1);
    await broker.close();
    expect(await leases(etcd)).toEqual([]);
    expect(await other.listKeys()).toEqual(['c']);
  });

  it('comes back when its lease was lost, unless somebody wrote the key since', async () => {
    const { etcd, broker, other } = await own(1_000);
    for (const key of ['a', 'b', 'plain', 'gone']) await broker.put(key, '1', { lifetime: 'client' });
    await broker.put('plain', '2');
    await broker.delete('gone');
    await other.put('b', 'of somebody else');
    const [lease] = await leases(etcd);
    await etcd.ctl('lease', 'revoke', lease!);
    const held = async () => (await other.list()).map(({ key, value }) => `${key}:${value}`);
    await expect.poll(held, long).toEqual(['a:1', 'b:of somebody else', 'plain:2']);
    expect(await leases(etcd)).not.toContain(lease);
  });

  it('is written with another lease when the server does not know the first', async () => {
    const { etcd, broker, other } = await own(60_000);
    await broker.put('a', '1', { lifetime: 'client' });
    const revoke = async () => etcd.ctl('lease', 'revoke', (await leases(etcd))[0]!);
    await revoke();
    await broker.put('b', '1', { lifetime: 'client' });
    await expect.poll(() => other.listKeys(), long).toEqual(['a', 'b']);
    await revoke();
    await broker.txn().put('c', '1', { lifetime: 'client' }).put('d', '1').commit();
    await expect.poll(() => other.listKeys(), long).toEqual(['a', 'b', 'c', 'd']);
  });

  it('stays when the server was away for longer than it lasts; what somebody deleted does not come back', async () => {
    const { etcd, broker, other } = await own(3_000);
    for (const key of ['a', 'b', 'deleted']) await broker.put(key, '1', { lifetime: 'client' });
    await other.put('b', 'of somebody else');
    await other.delete('deleted');
    const held = async () => (await other.list()).map(({ key, value }) => `${key}:${value}`);
    const before = await held();
    await etcd.members[0]!.kill();
    await sleep(4_500);
    // The server begins to count anew, for all leases it knew.
    await etcd.members[0]!.start();
    await expect.poll(() => held().catch(() => []), long).toEqual(before);
    await sleep(7_000);
    expect(await held()).toEqual(['a:1', 'b:of somebody else']);
    await broker.close();
    expect([await leases(etcd), await held()]).toEqual([[], ['b:of somebody else']]);
  });

  it('comes back when the server stood still for longer than it lasts', async () => {
    const { etcd, broker, other } = await own(1_000);
    await broker.put('a', '1', { lifetime: 'client' });
    etcd.members[0]!.pause();
    await sleep(2_500);
    etcd.members[0]!.resume();
    const changes = async () => (await other.get('a').catch(() => undefined)) ?? { found: false };
    await expect.poll(changes, long).toMatchObject({ found: true, value: '1' });
    await sleep(1_500);
    expect(await other.get('a')).toMatchObject({ found: true, value: '1' });
  });
});
