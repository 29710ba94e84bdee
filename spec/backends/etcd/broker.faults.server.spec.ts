import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EtcdBroker, etcdBroker } from '../../../lib/backends/etcd/index.ts';
import { jsonCodec } from '../../../lib/codecs/jsonCodec.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import type { Etcd } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { openProxy } from '../../servers/proxy.ts';
import { etcdClient, ownEtcd } from '../../support/etcd.ts';

/** A broker whose way to the server can be broken, and one whose cannot. */
async function brokers(timeout: number) {
  const etcd = await ownEtcd();
  const proxy = await openProxy({ port: etcd.members[0]!.port });
  onTestFinished(() => proxy.close());
  const store = etcdBroker(etcdClient(`http://${proxy.address}`), { codec: textCodec, timeout });
  const direct = etcdBroker(etcdClient(etcd.endpoints), { codec: textCodec });
  /** After something was done, and while the next is on its way: however slow the machine is, it goes on. */
  const cutNow = (turn: number) => {
    if (turn % 3 === 0) setTimeout(() => proxy.cut(), Math.random() * 4);
  };
  return { etcd, proxy, store, direct, cutNow };
}

/** How often a key was written. */
async function version(etcd: Etcd, key: string): Promise<number> {
  const { kvs = [] } = JSON.parse(await etcd.ctl('get', key, '-w', 'json')) as { kvs?: { version: number }[] };
  return kvs[0]?.version ?? 0;
}

describe.runIf(needServer('etcd-3.4'))('etcdBroker, when the connection breaks', () => {
  it('writes nothing twice: what resolves is written once, what is unknown at most once, what is lost never', async () => {
    const { etcd, proxy, store, direct, cutNow } = await brokers(10_000);
    const results = new Map<string, string>();
    const writer = async (name: string) => {
      for (let i = 0; i < 150; i += 1) {
        const key = `${name}/${i}`;
        results.set(
          key,
          await store.put(key, key).then(
            () => 'done',
            (error: DatasyncError) => error.code,
          ),
        );
        cutNow(i);
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(writer));
    expect(proxy.accepted).toBeGreaterThan(5);
    const kvs = (
      JSON.parse(await etcd.ctl('get', '', '--from-key', '-w', 'json')) as { kvs: { key: string; version: number }[] }
    ).kvs;
    const versions = new Map(kvs.map((kv) => [Buffer.from(kv.key, 'base64').toString(), kv.version]));
    const found = new Set([...results].map(([key, result]) => `${result}: ${versions.get(key) ?? 0}`));
    const allowed = ['done: 1', 'OUTCOME_UNKNOWN: 0', 'OUTCOME_UNKNOWN: 1', 'CONNECTION_LOST: 0'];
    expect(allowed).toEqual(expect.arrayContaining([...found]));
    expect(found).toContain('done: 1');
    expect(await direct.get('a/0')).toMatchObject({ found: true });
  });

  it('counts right by compareAndSwap, reading back what is unknown', async () => {
    const { store, direct, cutNow } = await brokers(10_000);
    await store.put('count', '0:');
    const retried = async <T>(work: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          if ((error as DatasyncError).code !== 'CONNECTION_LOST') throw error;
        }
      }
    };
    let [unknown, count] = [0, 0];
    for (let i = 0; i < 200; i += 1) {
      const got = await retried(() => store.get('count'));
      const before = got.found ? got.value : '';
      const after = `${Number(before.split(':')[0]) + 1}:${i}`;
      try {
        if ((await retried(() => store.compareAndSwap('count', before, after))).swapped) count += 1;
      } catch (error) {
        expect((error as DatasyncError).code).toBe('OUTCOME_UNKNOWN');
        unknown += 1;
        const now = await retried(() => store.get('count'));
        if (now.found && now.value === after) count += 1;
      }
      cutNow(i);
    }
    expect(count + unknown).toBeGreaterThan(150);
    expect(await direct.get('count')).toMatchObject({ value: expect.stringMatching(`^${count}:`) });
  });

  it('says that it does not know, where the answer never comes; and it is not written again', async () => {
    const { etcd, proxy, store } = await brokers(500);
    await store.put('a', '1');
    proxy.blackHole();
    await expect(store.put('a', '2')).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      key: 'a',
      message: expect.stringContaining('it may have been done or not'),
    });
    // Another connection, which does not come about: this time it is sure that nothing was done.
    await expect(store.txn().put('a', '3').put('b', '3').commit()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'CONNECTION_LOST', key: 'a' });
    await proxy.heal();
    await expect.poll(() => store.get('a').catch(() => undefined), { timeout: 10_000 }).toMatchObject({ found: true });
    expect([1, 2]).toContain(await version(etcd, 'a'));
    expect(await version(etcd, 'b')).toBe(0);
  });

  it('leaves a connection that is half open after one request', async () => {
    const { etcd, proxy, store } = await brokers(500);
    await store.put('a', '1');
    proxy.halfOpen();
    await expect(store.put('a', '2')).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await store.put('a', '3');
    expect(await store.get('a')).toMatchObject({ value: '3' });
    expect([await version(etcd, 'a'), proxy.accepted]).toEqual([2, 2]);
  });

  it('waits for a server that comes back, with what was not sent', async () => {
    const { etcd, store } = await brokers(20_000);
    await store.put('a', '1');
    await etcd.members[0]!.kill();
    // The way leads through a proxy: connections are accepted, and reset.
    const direct = etcdBroker(etcdClient(etcd.endpoints), { codec: textCodec, timeout: 20_000 });
    const [read, write] = [direct.get('a'), direct.put('b', '2')];
    await sleep(300);
    await etcd.members[0]!.start();
    expect(await read).toMatchObject({ value: '1' });
    await write;
    expect(await version(etcd, 'b')).toBe(1);
  });

  it('gives up where no server comes: nothing was done, and the reason is said', async () => {
    const etcd = await ownEtcd();
    await etcd.members[0]!.kill();
    const store = etcdBroker(etcdClient(etcd.endpoints), { codec: textCodec, timeout: 300 });
    const lost = { code: 'CONNECTION_LOST', message: expect.stringContaining('ECONNREFUSED') };
    await expect(store.put('a', '1')).rejects.toMatchObject({ ...lost, key: 'a' });
    await expect(store.list()).rejects.toMatchObject(lost);
    await expect(store.under('a/').get('b')).rejects.toMatchObject({ ...lost, key: 'a/b' });
  });

  it('goes to the other members of a cluster', async () => {
    const etcd = await ownEtcd({ members: 3 });
    const store = etcdBroker(etcdClient(etcd.endpoints), { codec: jsonCodec<number>(), timeout: 10_000 });
    await store.put('a', 1);
    const leader = await etcd.leader();
    await leader.kill();
    const write = async (broker: EtcdBroker<number>, key: string) => {
      for (;;) {
        try {
          return await broker.put(key, 1);
        } catch (error) {
          // While a new leader is being elected.
          expect((error as DatasyncError).code).toMatch(/OUTCOME_UNKNOWN|CONNECTION_LOST/);
        }
      }
    };
    for (let i = 0; i < 10; i += 1) await write(store, `b${i}`);
    expect(await store.listKeys({ prefix: 'b' })).toHaveLength(10);
  });

  it('with TLS: a client without the right certificate is told what is wrong', async () => {
    const etcd = await ownEtcd({ tls: true });
    const { ca, client, stranger } = etcd.certificates!;
    const over = (authority: string, pair: { readonly cert: string; readonly key: string }) =>
      etcdBroker(
        etcdClient(etcd.endpoints, {
          credentials: {
            rootCertificate: readFileSync(authority),
            certChain: readFileSync(pair.cert),
            privateKey: readFileSync(pair.key),
          },
        }),
        { codec: textCodec, timeout: 1_000 },
      );
    await over(ca, client).put('a', '1');
    expect(await over(ca, client).get('a')).toMatchObject({ value: '1' });
    await expect(over(stranger.ca, client).get('a')).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('certificate'),
    });
    await expect(over(ca, stranger).put('a', '2')).rejects.toMatchObject({
      message: expect.stringMatching(/certificate|alert|ECONNRESET/),
    });
    expect(await over(ca, client).get('a')).toMatchObject({ value: '1' });
  });

  it('with tokens that expire: asks for a new one', async () => {
    const etcd = await ownEtcd({ auth: 'jwt', tokenTtl: 1 });
    const client = etcdClient(etcd.endpoints, { auth: { username: 'user', password: 'user' } });
    const store = etcdBroker(client, { prefix: 'app/', codec: textCodec });
    for (const value of ['1', '2', '3']) {
      await store.put('a', value);
      await sleep(1_200);
      expect(await store.get('a')).toMatchObject({ value });
    }
    expect(await version(etcd, 'app/a')).toBe(3);
  });

  it('is closed: says so, and lets the client live', async () => {
    const { etcd, store } = await brokers(1_000);
    const client = etcdClient(etcd.endpoints);
    const other = etcdBroker(client, { codec: textCodec });
    await other.put('a', '1');
    await other.close();
    await expect(other.put('a', '2')).rejects.toMatchObject({
      message: expect.stringContaining('the broker is closed'),
    });
    await client.put('a').value('3');
    expect(await store.get('a')).toMatchObject({ value: '3' });
    client.close();
    const late = etcdBroker(client, { codec: textCodec });
    await expect(late.get('a')).rejects.toMatchObject({ code: 'FATAL', message: expect.stringContaining('closed') });
  });
});
