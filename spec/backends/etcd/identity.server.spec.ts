import { describe, expect, it, onTestFinished } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import { encodeMessage } from '../../../lib/backends/etcd/wire.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { ownEtcd } from '../../support/etcd.ts';
import { following } from '../../support/etcdBench.ts';
import { plainClient, quickly } from '../../support/etcdSubject.ts';
import { fakeEtcd, obliging } from '../../support/fakeEtcd.ts';
import { Follower, until } from '../../support/follower.ts';

describe.runIf(needServer('etcd-3.4'))('fromEtcd, when it comes to another cluster', () => {
  it('S2: which answers at the same address, with the same keys at the same revisions: regressed', async () => {
    const world = await following();
    const { follower, proxy } = world;
    const other = await ownEtcd();
    await other.ctl('put', 'a/1', 'uno');
    await other.ctl('put', 'a/2', 'due');
    proxy.lead({ port: other.members[0]!.port });
    proxy.cut();
    await follower.holds({ 'a/1': 'uno', 'a/2': 'due' });
    expect(follower.reasons).toEqual(['initial', 'regressed']);
    const causes = follower.statuses.map(({ cause }) => String(cause));
    expect(causes).toContainEqual(expect.stringContaining('another cluster answers'));
    await other.ctl('put', 'a/1', 'tre');
    await follower.holds({ 'a/1': 'tre', 'a/2': 'due' });
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });
});

describe('fromEtcd, when a store that has another history has the same id, and has grown further', () => {
  it('S2: nothing of it is told as a change before that is found out', async () => {
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        obliging(stream, request);
        // What is new there comes with the watch.
        if (request === 'create' && stream.number > 1) stream.put('a/3', 'tre', stream.from);
      },
    });
    const client = plainClient(fake.address);
    onTestFinished(() => client.close());
    const config = { ...quickly, prefixes: ['a/'], codec: textCodec, retry: { delay: 20, maxDelay: 100 } };
    const follower = Follower.of((statusObserver) => fromEtcd(client, { ...config, statusObserver }));
    await until(() => expect(fake.streams).toHaveLength(1));
    const [stream] = fake.streams;
    stream!.put('a/1', 'one', 11);
    await follower.holds({ 'a/1': 'one' });
    fake.keys.clear();
    fake.keys.set('a/1', encodeMessage({ 1: 'a/1', 2: 9, 3: 9, 4: 1, 5: 'uno' }));
    fake.revision = 20;
    stream!.end();
    await follower.holds({ 'a/1': 'uno', 'a/3': 'tre' });
    expect(follower.events.map(({ type, revision }) => [type, revision])).toEqual([
      ['resync', 10],
      ['change', 11],
      ['resync', 20],
      ['change', 21],
    ]);
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });
});

describe('fromEtcd, when the revisions of a store are beyond 2^53', () => {
  const beyond = 2n ** 53n + 2n;

  function follow(address: string): Follower<string> {
    const client = plainClient(address);
    onTestFinished(() => client.close());
    const config = { ...quickly, prefixes: ['a/'], codec: textCodec };
    return Follower.of((statusObserver) => fromEtcd(client, { ...config, statusObserver }));
  }

  it('at first: an error that says so, and nothing is told', async () => {
    const fake = await fakeEtcd();
    fake.revision = beyond;
    const follower = follow(fake.address);
    await until(() => expect(follower.error).toMatchObject({ code: 'FATAL' }));
    expect(follower.error?.message).toContain('beyond 2^53');
    expect(follower.events).toEqual([]);
    expect(follower.status?.state).toBe('closed');
  });

  it('by a change: it is not told, and ends it', async () => {
    const fake = await fakeEtcd();
    fake.revision = 2 ** 53 - 2;
    const follower = follow(fake.address);
    await until(() => expect(fake.streams).toHaveLength(1));
    fake.streams[0]!.put('a/1', 'last', 2 ** 53 - 1);
    await follower.holds({ 'a/1': 'last' });
    fake.streams[0]!.put('a/1', 'beyond', beyond);
    await until(() => expect(follower.error).toMatchObject({ code: 'FATAL' }));
    expect(follower.error?.message).toContain('beyond 2^53');
    expect(Object.fromEntries(follower.state)).toEqual({ 'a/1': 'last' });
    await until(() => expect(fake.streams[0]!.isOpen).toBe(false));
  });
});
