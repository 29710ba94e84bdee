import { describe, expect, it, onTestFinished } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import type { FromEtcdConfig } from '../../../lib/backends/etcd/sourceOptions.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { newerLine } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { plainClient, quickly } from '../../support/etcdSubject.ts';
import { fakeEtcd } from '../../support/fakeEtcd.ts';
import { Follower, until } from '../../support/follower.ts';

/** The codes of gRPC. */
const [tooLate, permissionDenied, unimplemented, unavailable] = [4, 7, 12, 14];
const retry = { delay: 20, maxDelay: 100 };

function follow(address: string, config: Partial<FromEtcdConfig<string>>): Follower<string> {
  const client = plainClient(address);
  onTestFinished(() => client.close());
  return Follower.of((statusObserver) =>
    fromEtcd(client, { ...quickly, prefixes: ['a/', 'x/'], retry, ...config, statusObserver, codec: textCodec }),
  );
}

describe('fromEtcd with a watch per prefix, when it asks the server for its version', () => {
  it.each([unavailable, tooLate])('and the answer is lost (%i): it is asked again', async (code) => {
    const fake = await fakeEtcd({ status: (number) => (number < 3 ? code : undefined) });
    const follower = follow(fake.address, { watch: 'each' });
    await until(() => expect(fake.streams).toHaveLength(1));
    fake.streams[0]!.put('a/1', 'one', 11, 1);
    await follower.holds({ 'a/1': 'one' });
    expect(follower.statuses.map(({ cause }) => cause)).toContainEqual(
      expect.objectContaining({ code: 'CONNECTION_LOST' }),
    );
    expect(follower.reasons).toEqual(['initial']);
  });

  it.each([unimplemented, permissionDenied])('and is refused (%i): an error says what is missing', async (code) => {
    const fake = await fakeEtcd({ status: () => code });
    const follower = follow(fake.address, { watch: 'each' });
    await until(() => expect(follower.error).toMatchObject({ code: 'FATAL', backend: 'etcd' }));
    expect(follower.error?.message).toContain("watch: 'each'");
    expect(follower.error?.message).toContain('does not say its version');
    expect(fake.streams).toEqual([]);
  });

  it.each([unavailable, unimplemented])('one watch over all that lies between does without (%i)', async (code) => {
    const fake = await fakeEtcd({ status: () => code });
    const follower = follow(fake.address, {});
    await until(() => expect(fake.streams).toHaveLength(1));
    fake.streams[0]!.put('a/1', 'one', 11);
    await follower.holds({ 'a/1': 'one' });
    expect(follower.statuses.some(({ cause }) => cause !== undefined)).toBe(false);
  });
});

describe.runIf(needServer('etcd-3.4'))('fromEtcd with a watch per prefix, on a server that is too old', () => {
  it('an error says so, and which ones are not', async () => {
    const world = await EtcdBench.start();
    const follower = world.follow({ prefixes: ['a/', 'x/'], watch: 'each' });
    await until(() => expect(follower.error).toMatchObject({ code: 'FATAL', backend: 'etcd' }));
    expect(follower.error?.message).toMatch(/watch: 'each'.+etcd 3\.4\.23 .+3\.4\.25 and 3\.5\.8/);
  });
});

describe.runIf(needServer(newerLine))('fromEtcd with a watch per prefix', () => {
  it('S3: cut just when it asks the server for its version, it goes on', async () => {
    const world = await EtcdBench.start({ server: newerLine });
    let asked = 0;
    const client = world.connect(world.proxy.address, {
      defaultCallOptions: ({ method }) => {
        if ((method as string) === 'Status' && ++asked === 1) world.proxy.cut();
        return {};
      },
    });
    const follower = world.follow({ prefixes: ['a/', 'x/'], watch: 'each' }, client);
    await until(() => expect(follower.error ?? asked).toBe(2));
    await world.putAll({ 'a/1': 'one', 'x/1': 'two' });
    await follower.holds({ 'a/1': 'one', 'x/1': 'two' });
    expect(follower.reasons).toEqual(['initial']);
  });
});
