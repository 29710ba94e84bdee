import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import { bytesCodec } from '../../../lib/codecs/bytesCodec.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench, following, two } from '../../support/etcdBench.ts';
import { quickly, transact } from '../../support/etcdSubject.ts';
import { Follower, until } from '../../support/follower.ts';
import { openedTo } from '../../support/openedTo.ts';

/** So many keys, 100 to a transaction. */
async function fill(bench: EtcdBench, count: number, value = 'v'): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (let start = 0; start < count; start += 100) {
    const keys = Array.from({ length: Math.min(100, count - start) }, (_, n) => `a/many/${start + n}`);
    for (const key of keys) all[key] = `${value}${key}`;
    await transact(
      bench.client,
      keys.map((key) => ({ op: 'put', key, value: Buffer.from(all[key]!) })),
    );
  }
  return all;
}

describe.runIf(needServer('etcd-3.4'))('fromEtcd, when its link fails', () => {
  it('S3 S5: reset, and made again: what was deleted and made again meanwhile comes as it happened', async () => {
    const world = await following();
    const { follower, proxy } = world;
    await world.away(follower);
    const revisions = [
      await world.put('a/1', undefined),
      await world.put('a/1', 'one'),
      await world.put('a/2', undefined),
    ];
    await proxy.accept();
    await follower.holds({ 'a/1': 'one' });
    expect(follower.reasons).toEqual(['initial']);
    expect(follower.revisions).toEqual(revisions);
  });

  it('S3: a partition that tells nobody is found out, and then healed', async () => {
    const world = await following();
    const { follower, proxy } = world;
    proxy.blackHole();
    await world.put('a/1', 'unheard');
    await until(() => expect(follower.status?.stale).toBeDefined());
    const revision = await world.put('a/2', 'unheard');
    await proxy.heal();
    await follower.holds({ 'a/1': 'unheard', 'a/2': 'unheard' });
    expect(follower.reasons).toEqual(['initial']);
    expect(follower.revisions.at(-1)).toBe(revision);
    await until(() => expect(follower.status?.stale).toBeUndefined());
  });

  it('S4: half open, with nobody at the other end: it is found dead, and made anew', async () => {
    const world = await following();
    const { follower, proxy } = world;
    proxy.halfOpen();
    await world.put('a/1', 'after');
    await follower.holds({ ...two, 'a/1': 'after' });
    expect(follower.reasons).toEqual(['initial']);
    expect(proxy.accepted).toBeGreaterThan(1);
  });

  it('S4: idle for long, it is neither told anything nor made anew', async () => {
    const { follower, proxy } = await following();
    const { received } = proxy;
    // Several looks and answers of the server.
    await until(() => expect(proxy.received - received).toBeGreaterThan(1_000));
    expect(follower.events).toHaveLength(1);
    expect(proxy.accepted).toBe(1);
  });

  it('S9 S6: cut in the middle of the listing, again and again: one resync, of all there is', async () => {
    const world = await EtcdBench.start();
    const all = await fill(world, 20_000);
    world.proxy.throttle(3_000_000);
    const follower = world.follow();
    for (let cuts = 0; cuts < 4; cuts++) {
      const { received } = world.proxy;
      await until(() => expect(world.proxy.received - received).toBeGreaterThan(200_000));
      world.proxy.cut();
      const gone = `a/many/${cuts}`;
      delete all[gone];
      await world.put(gone, undefined);
    }
    expect(follower.events).toEqual([]);
    await world.proxy.heal();
    await follower.holds(all);
    expect(follower.reasons).toEqual(['initial']);
  });

  it('S7: written to between all pages of the listing: a state that was, and then each change', async () => {
    const world = await EtcdBench.start();
    await fill(world, 30_000);
    let isOver = false;
    let written = 0;
    const writing = (async () => {
      for (let n = 0; !isOver; n++) {
        await transact(world.client, [
          { op: 'put', key: 'a/', value: Buffer.from(`${n}`) },
          { op: n % 2 === 0 ? 'delete' : 'put', key: `a/many/${n % 30_000}`, value: Buffer.from(`${n}`) },
          { op: 'put', key: 'a/zzz', value: Buffer.from(`${n}`) },
        ]);
        written++;
      }
    })();
    await until(() => expect(written).toBeGreaterThan(0));
    const follower = world.follow();
    await until(() => expect(follower.revisions.length).toBeGreaterThan(20));
    isOver = true;
    await writing;
    const [snapshot] = follower.resyncs;
    // Both ends of the range were written by one transaction.
    expect(snapshot!.entries.get('a/')).toMatchObject({ value: snapshot!.entries.get('a/zzz')?.value });
    const all = await world.client.getAll().prefix('a/').strings();
    await follower.holds(all);
    const [first] = follower.revisions;
    expect(follower.revisions).toEqual(follower.revisions.map((_, index) => first! + index));
    expect(first).toBe(snapshot!.revision + 1);
  });

  it('S11: cut while it catches up with many transactions: each comes whole, once', async () => {
    const world = await following();
    const { follower, proxy } = world;
    await world.away(follower);
    const transactions = 3_000;
    for (let n = 0; n < transactions; n++) {
      const value = Buffer.from(`${n}`);
      await transact(
        world.client,
        ['a/x', 'a/y', 'a/z', `a/n/${n}`].map((key) => ({ op: 'put' as const, key, value })),
      );
    }
    proxy.throttle(200_000);
    await proxy.accept();
    // Within its first message, which holds a thousand of them, and after each of the next two.
    for (let cuts = 0; cuts < 3; cuts++) {
      const { received } = proxy;
      await until(() => expect(proxy.received - received).toBeGreaterThan(20_000));
      proxy.cut();
    }
    expect(follower.revisions).toEqual([]);
    for (let cuts = 0; cuts < 2; cuts++) {
      const { length } = follower.revisions;
      await until(() => expect(follower.revisions.length).toBeGreaterThan(length));
      proxy.cut();
    }
    await proxy.heal();
    await until(() => expect(follower.revisions).toHaveLength(transactions));
    expect(follower.broken).toEqual([]);
    expect(follower.reasons).toEqual(['initial']);
    expect(follower.events.slice(1).every((event) => event.type === 'change' && event.changes.length === 4)).toBe(true);
  });

  it('S15: unsubscribed at any time, it closes its link and says nothing more', async () => {
    const world = await EtcdBench.start();
    await fill(world, 3_000);
    world.proxy.delay(5);
    // Of the proxy's links the far half is the server's to close, when it gets to it.
    const open = openedTo(() => world.proxy.port);
    let opened = 0;
    for (let after = 0; after <= 120; after += 8) {
      const follower = world.follow();
      await sleep(after);
      opened += open.size;
      follower.unsubscribe();
      const told = follower.events.length;
      expect(follower.status?.state).toBe('closed');
      await until(() => expect(open.size).toBe(0));
      expect(follower.events).toHaveLength(told);
      expect(follower.error).toBeUndefined();
    }
    expect(opened).toBeGreaterThan(5);
  });

  it('S24: nothing is there at first, not even the server', async () => {
    const world = await EtcdBench.start();
    await world.member.stop();
    const follower = world.follow();
    await until(() => expect(follower.status?.attempt).toBeGreaterThan(3));
    expect(follower.events).toEqual([]);
    await world.member.start();
    await until(() => expect(follower.resyncs).toHaveLength(1));
    expect(follower.resyncs[0]).toMatchObject({ reason: 'initial', prefixes: ['a/'] });
    await world.put('a/1', 'one');
    await follower.holds({ 'a/1': 'one' });
  });
});

describe.runIf(needServer('etcd-3.4'))('fromEtcd, whatever is stored', () => {
  it('S19: keys beside the prefix are not told; empty values are values', async () => {
    const world = await EtcdBench.start();
    await world.putAll({ a: '0', 'a/': '', a0: '0', 'b/': '0', 'a/\u{1f600}': '', 'a/\u00ff': 'y', '\u0001': '0' });
    const follower = world.follow();
    await follower.holds({ 'a/': '', 'a/\u{1f600}': '', 'a/\u00ff': 'y' });
    await world.putAll({ a: '1', 'a/': 'x', a0: '1' });
    await world.put('a/\u00ff', '');
    await follower.holds({ 'a/': 'x', 'a/\u{1f600}': '', 'a/\u00ff': '' });
    const everything = world.follow({ prefixes: [''] });
    await until(() => expect(everything.state.size).toBe(7));
  });

  it('S19: prefixes far apart are one event per transaction', async () => {
    const world = await EtcdBench.start();
    const follower = world.follow({ prefixes: ['a/', 'x/', 'm/'] });
    await until(() => expect(follower.resyncs).toHaveLength(1));
    const put = (key: string) => ({ op: 'put' as const, key, value: Buffer.from('1') });
    const revision = await transact(world.client, ['x/1', 'b/1', 'a/1', 'n/1'].map(put));
    await transact(world.client, [put('b/2')]);
    await transact(world.client, [put('m/2'), put('a/2')]);
    await follower.holds({ 'a/1': '1', 'x/1': '1', 'm/2': '1', 'a/2': '1' });
    expect(follower.revisions).toEqual([revision, revision + 2]);
  });

  it('S19: a key that is not UTF-8 is rejected and never mixed up with another; latin1 holds it', async () => {
    const world = await EtcdBench.start();
    const strange = Buffer.from([0x61, 0x2f, 0xff]);
    const replaced = 'a/\ufffd';
    await world.client.put(strange).value('strange').exec();
    await world.put(replaced, 'a key like any other');
    const follower = world.follow();
    await follower.holds({ [replaced]: 'a key like any other' });
    expect(follower.resyncs[0]!.rejected).toMatchObject([{ key: 'a/\udcff', error: { code: 'DECODE_FAILED' } }]);
    const latin = world.follow({ keyEncoding: 'latin1' });
    await latin.holds({ 'a/\u00ff': 'strange', 'a/\u00ef\u00bf\u00bd': 'a key like any other' });
    await world.client.delete().key(strange).exec();
    await world.put('a/1', '1');
    await latin.holds({ 'a/\u00ef\u00bf\u00bd': 'a key like any other', 'a/1': '1' });
    await follower.holds({ [replaced]: 'a key like any other', 'a/1': '1' });
  });

  it('values of 1.5 MB, listings and backlogs of more than 4 MB come as they are, byte for byte', async () => {
    const world = await EtcdBench.start();
    const large = Buffer.alloc(1_500_000, 7);
    for (let n = 0; n < 6; n++) await world.client.put(`a/${n}`).value(large).exec();
    const source = fromEtcd(world.connect(world.proxy.address), { ...quickly, prefixes: ['a/'], codec: bytesCodec });
    const follower = Follower.of(() => source);
    await until(() => expect(follower.state.size).toBe(6));
    await world.proxy.refuse();
    const other = Buffer.alloc(1_500_000, 8);
    for (let n = 0; n < 6; n++) await world.client.put(`a/${n}`).value(other).exec();
    await world.proxy.accept();
    await until(() => expect(follower.revisions).toHaveLength(6));
    expect([...follower.state.values()].every((value) => Buffer.compare(value, other) === 0)).toBe(true);
    expect(follower.state.get('a/0')?.constructor).toBe(Uint8Array);
    expect(follower.reasons).toEqual(['initial']);
  });
});
