import { merge } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listEtcd, watchEtcd } from '../../../lib/backends/etcd/halves.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { DatasyncEvent } from '../../../lib/index.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { plainClient } from '../../support/etcdSubject.ts';
import { fakeEtcd } from '../../support/fakeEtcd.ts';
import { until } from '../../support/follower.ts';
import { HeldCalls } from '../../support/heldCalls.ts';

describe('watchEtcd', () => {
  it('begins when the server does: what was before need not be there any more', async () => {
    const fake = await fakeEtcd();
    const client = plainClient(fake.address);
    onTestFinished(() => client.close());
    const told: DatasyncEvent<string>[] = [];
    const subscription = watchEtcd(client, { prefixes: ['a/'], codec: textCodec }).subscribe((event) =>
      told.push(event),
    );
    onTestFinished(() => subscription.unsubscribe());
    await until(() => expect(fake.streams).toHaveLength(1));
    // No revision: from now on.
    expect(fake.streams[0]!.from).toBe(0);
    fake.streams[0]!.put('a/1', 'one', 11);
    await until(() => expect(told).toMatchObject([{ type: 'change', revision: 11 }]));
  });
});

describe.runIf(needServer('etcd-3.4'))('watchEtcd beside listEtcd', () => {
  // The server reads up what was missed each 100 ms: whoever is faster than that with deletion and compaction is before it.
  it.each([1, 2, 3])(
    'S6 (%i): compacted at a deletion right after the listing, which is told all the same',
    async () => {
      const world = await EtcdBench.start();
      await world.putAll({ 'a/1': 'one', 'a/2': 'two' });
      const watches = new HeldCalls(({ isStream }) => isStream);
      const client = world.connect(world.proxy.address, { defaultCallOptions: watches.options });
      const config = { prefixes: ['a/'], codec: textCodec };
      const told: DatasyncEvent<string>[] = [];
      let deleted = 0;
      let failure: unknown;
      const next = (event: DatasyncEvent<string>) => {
        told.push(event);
        if (event.type !== 'resync') return;
        void world.put('a/2', undefined).then(async (revision) => {
          await world.compact(revision);
          deleted = revision;
        });
      };
      const error = (cause: unknown) => {
        failure = cause;
      };
      const subscription = merge(watchEtcd(client, config), listEtcd(client, config)).subscribe({ next, error });
      onTestFinished(() => subscription.unsubscribe());
      await until(() => expect(watches.held).toBe(1));
      // So that a watch from where the store stood before has something to read up.
      await world.put('b/1', 'beside');
      watches.release();
      await until(() => expect(deleted).toBeGreaterThan(0));
      await world.put('a/1', 'last');
      await until(() => {
        expect(failure).toBeUndefined();
        expect(told.at(-1)).toMatchObject({ type: 'change', changes: [{ key: 'a/1', value: 'last' }] });
      });
      expect(told).toMatchObject([
        { type: 'resync' },
        { type: 'change', revision: deleted, changes: [{ op: 'delete', key: 'a/2' }] },
        { type: 'change' },
      ]);
    },
  );
});
