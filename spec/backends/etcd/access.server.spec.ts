import { readFileSync } from 'node:fs';
import type { IOptions } from 'etcd3';
import { describe, expect, it } from 'vitest';
import { newerLine } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { transact } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';

const root: Partial<IOptions> = { auth: { username: 'root', password: 'root' } };
const user: Partial<IOptions> = { auth: { username: 'user', password: 'user' } };
const prefixes = ['app/'];

async function guarded(auth: 'simple' | 'jwt'): Promise<EtcdBench> {
  const world = await EtcdBench.start({ auth, tokenTtl: 2 }, root);
  await world.put('app/1', 'one');
  return world;
}

describe.runIf(needServer('etcd-3.4'))('fromEtcd, where access is guarded', () => {
  it.each(['simple', 'jwt'] as const)('S20: %s tokens that a restart has made worthless are renewed', async (auth) => {
    const world = await guarded(auth);
    const follower = world.follow({ prefixes }, world.connect(world.proxy.address, user));
    await follower.holds({ 'app/1': 'one' });
    await world.member.kill();
    await until(() => expect(follower.status?.state).toBe('backoff'));
    await world.member.start();
    const writer = world.connect(world.etcd.endpoints[0]!, root);
    await until(async () => void (await writer.put('app/1').value('two')));
    await follower.holds({ 'app/1': 'two' });
    expect(follower.reasons).toEqual(['initial']);
  });

  it('S20: a token that runs out is renewed on the connection that stands, again and again', async () => {
    const world = await guarded('jwt');
    let authentications = 0;
    const client = world.connect(world.proxy.address, {
      ...user,
      defaultCallOptions: ({ service }) => {
        if ((service as string) === 'Auth') authentications++;
        return {};
      },
    });
    const follower = world.follow({ prefixes }, client);
    await follower.holds({ 'app/1': 'one' });
    // Each lives for two seconds; the looks find out.
    await until(() => expect(authentications).toBeGreaterThan(2));
    await world.etcd.ctl('put', 'app/1', 'two');
    await follower.holds({ 'app/1': 'two' });
    expect(world.proxy.accepted).toBe(1);
    expect(follower.statuses.some(({ stale, cause }) => (stale ?? cause) !== undefined)).toBe(false);
    expect(follower.reasons).toEqual(['initial']);
  });

  it('S20: a wrong password, none, and a prefix that may not be read: an error that says so, and nothing told', async () => {
    const world = await guarded('simple');
    const wrong: Partial<IOptions> = { auth: { username: 'user', password: 'wrong' } };
    const cases: [Partial<IOptions>, string][] = [
      [wrong, 'app/'],
      [{}, 'app/'],
      [user, 'other/'],
      [user, ''],
    ];
    for (const [options, prefix] of cases) {
      const follower = world.follow({ prefixes: [prefix] }, world.connect(world.proxy.address, options));
      await until(() => expect(follower.error).toMatchObject({ code: 'ACCESS_DENIED', backend: 'etcd' }));
      expect(follower.events).toEqual([]);
    }
  });

  it('S20: a permission that is taken away is noticed, though the watch would go on', async () => {
    const world = await guarded('simple');
    const follower = world.follow({ prefixes }, world.connect(world.proxy.address, user));
    await follower.holds({ 'app/1': 'one' });
    await world.etcd.ctl('role', 'revoke-permission', 'app', '--prefix=true', 'app/');
    await until(() => expect(follower.error?.code).toBe('ACCESS_DENIED'));
    expect(Object.fromEntries(follower.state)).toEqual({ 'app/1': 'one' });
  });

  it("S20: with onDenied 'retry' it is stale, and goes on when the permission is granted again", async () => {
    const world = await guarded('simple');
    const follower = world.follow({ prefixes, onDenied: 'retry' }, world.connect(world.proxy.address, user));
    await follower.holds({ 'app/1': 'one' });
    await world.etcd.ctl('role', 'revoke-permission', 'app', '--prefix=true', 'app/');
    await until(() => expect(follower.status?.stale?.cause).toMatchObject({ code: 'ACCESS_DENIED' }));
    await world.etcd.ctl('put', 'app/1', 'unseen');
    expect(Object.fromEntries(follower.state)).toEqual({ 'app/1': 'one' });
    await world.etcd.ctl('role', 'grant-permission', 'app', 'readwrite', '--prefix=true', 'app/');
    await follower.holds({ 'app/1': 'unseen' });
    expect(follower.reasons).toEqual(['initial']);
  });

  it('two prefixes, with permission for no more than them, where the server cannot align them: an error says so', async () => {
    const world = await guarded('simple');
    await world.etcd.ctl('role', 'grant-permission', 'app', 'readwrite', '--prefix=true', 'zoo/');
    const follower = world.follow({ prefixes: ['app/', 'zoo/'] }, world.connect(world.proxy.address, user));
    await until(() => expect(follower.error).toMatchObject({ code: 'ACCESS_DENIED' }));
    expect(follower.error?.message).toContain("lies between 'app/', 'zoo/', and etcd 3.4.23 cannot");
  });
});

describe.runIf(needServer(newerLine))('fromEtcd, with several watches on one stream', () => {
  it('two prefixes, with permission for no more than them: transactions come whole', async () => {
    const world = await EtcdBench.start({ auth: 'simple', server: newerLine }, root);
    await world.put('app/1', 'one');
    await world.etcd.ctl('role', 'grant-permission', 'app', 'readwrite', '--prefix=true', 'zoo/');
    const follower = world.follow({ prefixes: ['app/', 'zoo/'] }, world.connect(world.proxy.address, user));
    await follower.holds({ 'app/1': 'one' });
    const put = (key: string, value: string) => ({ op: 'put' as const, key, value: Buffer.from(value) });
    const revisions = [
      await transact(world.client, [put('zoo/1', 'z'), put('app/1', 'a')]),
      await transact(world.client, [put('zoo/1', 'y')]),
      await transact(world.client, [put('mid/1', 'm')]).then(() => transact(world.client, [put('app/1', 'b')])),
    ];
    await follower.holds({ 'app/1': 'b', 'zoo/1': 'y' });
    expect(follower.revisions).toEqual(revisions);
    expect(follower.reasons).toEqual(['initial']);
  });

  it('S3 S11: three of them, cut again and again under load: nothing is lost, torn or told twice', async () => {
    const world = await EtcdBench.start({ server: newerLine });
    const prefixes = ['a/', 'h/', 'x/'];
    const follower = world.follow({ prefixes, watch: 'each' });
    await until(() => expect(follower.resyncs).toHaveLength(1));
    const revisions: number[] = [];
    const put = (key: string, n: number) => ({ op: 'put' as const, key, value: Buffer.from(`${n}`) });
    let cuts = 0;
    for (let n = 0; n < 3_000; n++) {
      // All of them, one of them, or what lies between.
      const keys = n % 3 === 0 ? prefixes : n % 3 === 1 ? [prefixes[(n >> 2) % 3]!] : ['m/'];
      const revision = await transact(
        world.client,
        keys.map((key) => put(`${key}${n % 50}`, n)),
      );
      if (n % 3 !== 2) revisions.push(revision);
      if (n % 100 === 0 && ++cuts > 0) world.proxy.cut();
    }
    await until(() => expect(follower.error ?? follower.revisions.at(-1)).toBe(revisions.at(-1)));
    expect(follower.revisions).toEqual(revisions);
    expect(follower.broken).toEqual([]);
    expect(follower.reasons).toEqual(['initial']);
    expect(cuts).toBe(30);
  });

  it('S4: on a store where nothing at all happens, it stays connected', async () => {
    const world = await EtcdBench.start({ server: newerLine });
    const follower = world.follow({ prefixes: ['a/', 'b/'], watch: 'each' });
    await until(() => expect(world.proxy.received).toBeGreaterThan(4_000));
    expect(follower.resyncs).toHaveLength(1);
    expect(world.proxy.accepted).toBe(1);
  });
});

describe.runIf(needServer('etcd-3.4'))('fromEtcd over TLS', () => {
  it('S20: with a certificate it works; with a wrong one, or none, it says why, and goes on trying', async () => {
    const world = await EtcdBench.start({ tls: true });
    const { client, ca, stranger } = world.etcd.certificates!;
    const secured = (authority: string, pair?: { readonly cert: string; readonly key: string }): Partial<IOptions> => ({
      credentials: {
        rootCertificate: readFileSync(authority),
        ...(pair === undefined ? {} : { privateKey: readFileSync(pair.key), certChain: readFileSync(pair.cert) }),
      },
    });
    const host = `https://localhost:${world.proxy.port}`;
    await world.etcd.ctl('put', 'a/1', 'one');
    const good = world.follow({}, world.connect(host, secured(ca, client)));
    await good.holds({ 'a/1': 'one' });
    for (const [options, why] of [
      [secured(stranger.ca, client), /verify|certificate/],
      [secured(ca), /certificate|SSL|TLS|socket|connection/i],
    ] as const) {
      const bad = world.follow({}, world.connect(host, options));
      await until(() => expect(bad.status?.attempt).toBeGreaterThan(2));
      expect(bad.statuses.findLast(({ cause }) => cause !== undefined)?.cause).toMatchObject({
        code: 'CONNECTION_LOST',
        message: expect.stringMatching(why),
      });
      expect(bad.events).toEqual([]);
      bad.unsubscribe();
    }
    await world.etcd.ctl('put', 'a/2', 'two');
    await good.holds({ 'a/1': 'one', 'a/2': 'two' });
  });
});
