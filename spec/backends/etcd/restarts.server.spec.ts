import { describe, expect, it } from 'vitest';
import { newerLine } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench, following, two } from '../../support/etcdBench.ts';
import { answers } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';

describe.runIf(needServer('etcd-3.4'))('fromEtcd, when its server fails', () => {
  it('S1: killed and started again, it goes on where it was', async () => {
    const world = await following();
    const { member, client, follower } = world;
    const before = await world.put('a/1', 'two');
    await follower.holds({ 'a/1': 'two', 'a/2': 'two' });
    await member.kill();
    await until(() => expect(follower.status?.stale).toBeDefined());
    await member.start();
    await answers(client);
    const revisions = [before];
    for (const value of ['x', 'y', 'z']) revisions.push(await world.put('a/1', value));
    revisions.push(await world.put('a/2', undefined));
    await follower.holds({ 'a/1': 'z' });
    expect(follower.revisions).toEqual(revisions);
    expect(follower.reasons).toEqual(['initial']);
    await until(() => expect(follower.status).toMatchObject({ state: 'live' }));
    expect(follower.status?.stale).toBeUndefined();
  });

  it('S2: its data is gone: one resync says regressed, and what is written then comes', async () => {
    const world = await following();
    const { member, client, follower } = world;
    await member.wipe();
    await member.start();
    await answers(client);
    await follower.holds({});
    expect(follower.reasons).toEqual(['initial', 'regressed']);
    expect(follower.resyncs[1]!.diff.removed).toHaveLength(2);
    await world.put('a/3', 'three');
    await follower.holds({ 'a/3': 'three' });
  });

  it('S2: its data is gone, and it has grown beyond what was known before anybody looks: regressed', async () => {
    const world = await following();
    const { member, client, follower, proxy } = world;
    await world.away(follower);
    await member.wipe();
    await member.start();
    await answers(client);
    for (let n = 0; n < 20; n++) await world.put('a/other', `${n}`);
    await proxy.accept();
    await follower.holds({ 'a/other': '19' });
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });

  it('S2: so too when the last key that was put before is deleted again: the others show it', async () => {
    const world = await following();
    const { member, client, follower, proxy } = world;
    const heard: number[] = [];
    // More of them than are kept to recognise the store by.
    for (let n = 0; n < 10; n++) heard.push(await world.put(`a/short-${n}`, 'lived'));
    for (let n = 0; n < 10; n++) heard.push(await world.put(`a/short-${n}`, undefined));
    await until(() => expect(follower.revisions).toEqual(heard));
    await world.away(follower);
    await member.wipe();
    await member.start();
    await answers(client);
    for (let n = 0; n < 40; n++) await world.put('a/other', `${n}`);
    await proxy.accept();
    await follower.holds({ 'a/other': '39' });
    expect(follower.reasons).toEqual(['initial', 'regressed']);
  });

  it('S2 S12: an older backup is put in its place: regressed, also where it has grown beyond since', async () => {
    const world = await following();
    const { etcd, client, follower, proxy } = world;
    const backup = await etcd.backup();
    await world.put('a/1', 'lost');
    await world.put('a/3', 'lost too');
    await follower.holds({ 'a/1': 'lost', 'a/2': 'two', 'a/3': 'lost too' });
    await etcd.restore(backup);
    await answers(client);
    await follower.holds({ 'a/1': 'one', 'a/2': 'two' });
    expect(follower.reasons).toEqual(['initial', 'regressed']);
    await world.put('a/4', 'four');
    await follower.holds({ 'a/1': 'one', 'a/2': 'two', 'a/4': 'four' });
    await world.away(follower);
    await etcd.restore(backup);
    await answers(client);
    for (let n = 0; n < 20; n++) await world.put('a/2', `${n}`);
    await proxy.accept();
    await follower.holds({ 'a/1': 'one', 'a/2': '19' });
    expect(follower.reasons).toEqual(['initial', 'regressed', 'regressed']);
  });

  it('S22: it stands still for longer than every time-out, and goes on', async () => {
    const world = await following();
    const { member, follower } = world;
    member.pause();
    await until(() => expect(follower.status?.state).toBe('backoff'));
    expect(follower.status?.stale).toBeDefined();
    member.resume();
    await world.put('a/1', 'later');
    await follower.holds({ 'a/1': 'later', 'a/2': 'two' });
    expect(follower.reasons).toEqual(['initial']);
  });
});

describe.each(['etcd-3.4', newerLine] as const)('fromEtcd, when history is compacted (%s)', (server) => {
  const run = it.runIf(needServer(server));

  run('S6: while it is away: one resync says compacted, and names what was deleted and made again', async () => {
    const world = await following({ server });
    const { follower, proxy } = world;
    await world.away(follower);
    await world.put('a/1', undefined);
    await world.put('a/2', undefined);
    await world.put('a/2', 'two');
    await world.compact(await world.put('a/3', 'three'));
    await proxy.accept();
    await follower.holds({ 'a/2': 'two', 'a/3': 'three' });
    expect(follower.reasons).toEqual(['initial', 'compacted']);
    expect(follower.resyncs[1]!.diff).toMatchObject({
      removed: [{ key: 'a/1', prevValue: 'one' }],
      changed: [{ key: 'a/2', value: 'two', prevValue: 'two' }],
    });
  });

  run('S6: exactly up to where it stands: it goes on', async () => {
    const world = await following({ server });
    const { follower, proxy } = world;
    const stands = await world.put('a/1', 'x');
    await follower.holds({ 'a/1': 'x', 'a/2': 'two' });
    await world.away(follower);
    await world.compact(stands);
    const next = await world.put('a/2', undefined);
    await proxy.accept();
    await follower.holds({ 'a/1': 'x' });
    expect(follower.reasons).toEqual(['initial']);
    expect(follower.revisions).toEqual([stands, next]);
  });

  run('S6: exactly at the deletion that comes next, which the server then forgets without a word', async () => {
    const world = await following({ server });
    const { follower, proxy } = world;
    await world.away(follower);
    await world.compact(await world.put('a/2', undefined));
    await proxy.accept();
    await follower.holds({ 'a/1': 'one' });
    expect(follower.reasons).toEqual(['initial', 'compacted']);
    await world.put('a/1', 'on');
    await follower.holds({ 'a/1': 'on' });
  });

  describe('S6: while it is connected, again and again: nothing happens', () => {
    // A look that is late would have it connect anew, and then the history is gone.
    const patiently = { timeout: 20_000 };

    run('near the server', async () => {
      const world = await following({ server }, patiently);
      const { follower, proxy } = world;
      // Some looks: at first it might still be reading what it missed, and then it would have to begin anew.
      const { received } = proxy;
      await until(() => expect(proxy.received - received).toBeGreaterThan(1_000));
      for (let n = 0; n < 10; n++) await world.compact(await world.put(n % 2 === 0 ? 'a/1' : 'b/1', `${n}`));
      await world.put('a/1', 'last');
      await follower.holds({ 'a/1': 'last', 'a/2': 'two' });
      expect(follower.reasons).toEqual(['initial']);
    });

    run('far from it, so that at each look the store is ahead of what was heard', async () => {
      const world = await EtcdBench.start({ server });
      await world.putAll(two);
      let reads = 0;
      const client = world.connect(world.proxy.address, {
        defaultCallOptions: ({ method }) => {
          if ((method as string) === 'Range') reads++;
          return {};
        },
      });
      const follower = world.follow(patiently, client);
      await follower.holds(two);
      await until(() => expect(reads).toBeGreaterThan(5));
      world.proxy.delay(100);
      for (const last = reads + 10; reads < last; ) await world.compact(await world.put('a/1', `${reads}`));
      await world.put('a/1', 'last');
      await follower.holds({ 'a/1': 'last', 'a/2': 'two' });
      expect(follower.reasons).toEqual(['initial']);
    });
  });
});
