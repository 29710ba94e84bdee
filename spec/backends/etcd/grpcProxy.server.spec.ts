import { describe, expect, it, onTestFinished } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import { encodeMessage } from '../../../lib/backends/etcd/wire.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { newerLine } from '../../servers/etcd.ts';
import { startGrpcProxy } from '../../servers/grpcProxy.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench, following, two } from '../../support/etcdBench.ts';
import { answers, plainClient, quickly } from '../../support/etcdSubject.ts';
import { fakeEtcd } from '../../support/fakeEtcd.ts';
import { Follower, until } from '../../support/follower.ts';

describe.each(['etcd-3.4', newerLine] as const)("fromEtcd behind etcd's own proxy (%s)", (server) => {
  const run = it.runIf(needServer(server));

  run('S2 S12: an older backup is put in the place of the data: regressed, though the connection stands', async () => {
    const world = await EtcdBench.start({ server });
    await world.putAll(two);
    const proxy = await startGrpcProxy(world.etcd, server);
    onTestFinished(() => proxy.stop());
    let reads = 0;
    const client = world.connect(proxy.address, {
      defaultCallOptions: () => {
        reads++;
        return {};
      },
    });
    const follower = world.follow({ probeInterval: 3_000, timeout: 10_000 }, client);
    await follower.holds(two);
    await world.put('a/1', 'kept');
    const backup = await world.etcd.backup();
    for (let n = 0; n < 10; n++) await world.put('a/3', `lost ${n}`);
    await follower.holds({ 'a/1': 'kept', 'a/2': 'two', 'a/3': 'lost 9' });
    // Between two looks, so that none of them fails and has it begin anew.
    const before = reads;
    await until(() => expect(reads).toBeGreaterThan(before));
    await world.etcd.restore(backup);
    await answers(world.client);
    await follower.holds({ 'a/1': 'kept', 'a/2': 'two' });
    await world.put('a/2', 'after');
    await follower.holds({ 'a/1': 'kept', 'a/2': 'after' });
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });
});

describe('fromEtcd, when the store behind its connection is another one, and further on', () => {
  /** Of a store that a test changes behind the back of the connection. */
  async function followed() {
    const fake = await fakeEtcd();
    const client = plainClient(fake.address);
    onTestFinished(() => client.close());
    const follower = Follower.of((statusObserver) =>
      fromEtcd(client, { ...quickly, prefixes: ['a/'], statusObserver, codec: textCodec }),
    );
    await until(() => expect(fake.streams).toHaveLength(1));
    return { fake, follower };
  }

  it('S2: the key that was put last is gone from the history too: regressed', async () => {
    const { fake, follower } = await followed();
    fake.streams[0]!.put('a/1', 'one', 11);
    await follower.holds({ 'a/1': 'one' });
    await until(() => expect(fake.streams[0]!.asked).toBeGreaterThan(4));
    expect(follower.reasons).toEqual(['initial']);
    fake.keys.clear();
    fake.revision = 1_000;
    await follower.holds({});
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });

  it('S2: the key is another one, and there is no history left: a resync, though not before the watch could have told', async () => {
    const { fake, follower } = await followed();
    fake.streams[0]!.put('a/1', 'one', 11);
    await follower.holds({ 'a/1': 'one' });
    await until(() => expect(fake.streams[0]!.asked).toBeGreaterThan(4));
    fake.keys.set('a/1', encodeMessage({ 1: 'a/1', 2: 500, 3: 500, 4: 1, 5: 'uno' }));
    let refused = 0;
    fake.compacted = () => refused++;
    fake.revision = 1_000;
    await follower.holds({ 'a/1': 'uno' });
    expect(follower.reasons).toEqual(['initial', 'compacted']);
    expect(refused).toBe(2);
  });

  it('S6: the key was changed, there is no history left, and the watch tells it a look later: nothing happens', async () => {
    const { fake, follower } = await followed();
    const [stream] = fake.streams;
    stream!.put('a/1', 'one', 11);
    await follower.holds({ 'a/1': 'one' });
    await until(() => expect(stream!.asked).toBeGreaterThan(4));
    const change = (revision: number) =>
      fake.keys.set('a/1', encodeMessage({ 1: 'a/1', 2: revision, 3: revision, 4: 1, 5: `${revision}` }));
    let revision = 12;
    fake.compacted = () => {
      stream!.put('a/1', `${revision}`, revision);
      if (revision < 15) change(++revision);
    };
    change(revision);
    await follower.holds({ 'a/1': '15' });
    expect(follower.reasons).toEqual(['initial']);
    expect(fake.streams).toHaveLength(1);
  });

  it('S2: it is further on than at first, and not as far as it was: regressed', async () => {
    const { fake, follower } = await followed();
    fake.revision = 20;
    // Each answer says how far the stream is.
    const { asked } = fake.streams[0]!;
    await until(() => expect(fake.streams[0]!.asked).toBeGreaterThan(asked + 2));
    fake.revision = 15;
    await until(() => expect(follower.reasons).toEqual(['initial', 'regressed']));
    expect(follower.resyncs[1]!.revision).toBe(15);
  });
});

describe.runIf(needServer('etcd-3.4'))('fromEtcd, when nothing of its own changes', () => {
  it('S6: compacted far beyond what it was told last, it goes on', async () => {
    const world = await following({}, { timeout: 20_000 });
    const { follower, proxy } = world;
    /** Several of them, so that each kind has its turn. */
    const looks = async () => {
      const { received } = proxy;
      await until(() => expect(proxy.received - received).toBeGreaterThan(1_000));
    };
    // At first it might still be reading what it missed.
    await looks();
    for (let n = 0; n < 5; n++) await world.compact(await world.put('b/1', `${n}`));
    await looks();
    await world.put('a/1', 'on');
    await follower.holds({ ...two, 'a/1': 'on' });
    expect(follower.reasons).toEqual(['initial']);
    expect(proxy.accepted).toBe(1);
  });
});
