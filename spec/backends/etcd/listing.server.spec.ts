import { BehaviorSubject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { needServer } from '../../servers/need.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { transact } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';
import { HeldCalls } from '../../support/heldCalls.ts';

/** More keys than a first page holds. */
async function fill(world: EtcdBench, prefix: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (let n = 0; n < 1_500; n++) all[`${prefix}${n}`] = `${n}`;
  const keys = Object.keys(all);
  while (keys.length > 0) {
    const some = keys.splice(0, 100);
    await transact(
      world.client,
      some.map((key) => ({ op: 'put', key, value: Buffer.from(all[key]!) })),
    );
  }
  return all;
}

describe.runIf(needServer('etcd-3.4'))(
  'fromEtcd, when the revision of a listing is compacted before its second page',
  () => {
    it('S7 S9: the first listing begins anew: one resync, of all there is then', async () => {
      const world = await EtcdBench.start();
      const all = await fill(world, 'a/');
      let reads = 0;
      const second = new HeldCalls(({ method }) => method === 'Range' && ++reads === 2);
      const follower = world.follow({}, world.connect(world.proxy.address, { defaultCallOptions: second.options }));
      await until(() => expect(second.held).toBe(1));
      delete all['a/0'];
      await world.compact(await world.put('a/0', undefined));
      second.release();
      await follower.holds(all);
      expect(follower.reasons).toEqual(['initial']);
      expect(follower.resyncs[0]!.entries.size).toBe(1_499);
      expect(follower.statuses.some(({ cause }) => String(cause).includes('has been compacted'))).toBe(true);
    });

    it('S7 S9: that of a prefix which was added: everything is read anew, and nothing in between is told', async () => {
      const world = await EtcdBench.start();
      const all: Record<string, string> = { 'a/1': 'one', ...(await fill(world, 'b/')) };
      await world.put('a/1', 'one');
      const prefixes = new BehaviorSubject(['a/']);
      let isAdded = false;
      let reads = 0;
      const second = new HeldCalls(({ method }) => isAdded && method === 'Range' && ++reads === 2);
      const client = world.connect(world.proxy.address, { defaultCallOptions: second.options });
      const follower = world.follow({ prefixes, probeInterval: 60_000 }, client);
      await follower.holds({ 'a/1': 'one' });
      isAdded = true;
      prefixes.next(['a/', 'b/']);
      await until(() => expect(second.held).toBe(1));
      delete all['b/0'];
      await world.compact(await world.put('b/0', undefined));
      second.release();
      await follower.holds(all);
      expect(follower.resyncs.map(({ reason, entries }) => [reason, entries.size])).toEqual([
        ['initial', 1],
        ['compacted', 1_500],
      ]);
    });
  },
);
