import { describe, expect, it, vi } from 'vitest';
import { type EtcdMember, type EtcdOptions, newerLine } from '../../servers/etcd.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench, two } from '../../support/etcdBench.ts';
import { answers } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';

/** What a member counts, over all labels. */
async function metric({ endpoint }: EtcdMember, name: string): Promise<number> {
  const lines = (await (await fetch(`${endpoint}/metrics`)).text()).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`)).reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}

/** Of three members one that can be made to lag behind the others, and who writes to those. */
async function withLagging(options: EtcdOptions = {}) {
  const world = await EtcdBench.start({ ...options, members: 3 });
  await world.putAll(two);
  const leader = await world.etcd.leader();
  const lagging = world.etcd.members.find((member) => member !== leader)!;
  const others = world.etcd.members.filter((member) => member !== lagging);
  const direct = world.connect(others.map(({ endpoint }) => endpoint));
  const put = async (key: string, value: string) => Number((await direct.put(key).value(value).exec()).header.revision);
  return { world, leader, lagging, put };
}

describe.runIf(needServer('etcd-3.4'))('fromEtcd on three members', () => {
  it('S1 S12: the leader is killed, three times: nothing is lost, and nothing told twice', async () => {
    const world = await EtcdBench.start({ members: 3 });
    const { etcd, client } = world;
    await world.putAll(two);
    const follower = world.follow({}, world.connect([...etcd.endpoints]));
    await follower.holds(two);
    const before = await world.put('beside', 'it');
    let attempts = 0;
    for (let n = 0; n < 3; n++) {
      const leader = await etcd.leader();
      await leader.kill();
      await answers(client);
      // A put whose answer is lost may have been done; no key is put twice, so the store shows which were.
      for (let acknowledged = 0; acknowledged < 10; attempts++)
        await world.put(`a/${n}-${attempts}`, `${n}`).then(
          () => acknowledged++,
          () => undefined,
        );
      await leader.start();
    }
    const { kvs } = await client.getAll().prefix('a/').exec();
    const done = kvs.map(({ mod_revision }) => Number(mod_revision)).filter((revision) => revision > before);
    expect(done.length).toBeGreaterThanOrEqual(30);
    await follower.holds(Object.fromEntries(kvs.map(({ key, value }) => [key.toString(), value.toString()])));
    expect(follower.revisions).toEqual(done.sort((a, b) => a - b));
    expect(follower.reasons).toEqual(['initial']);
  });

  it('S3: a member that is cut off from the others is given up, and not believed', async () => {
    const world = await EtcdBench.start({ members: 3 });
    const { etcd } = world;
    await world.putAll(two);
    // It only knows the first member.
    const follower = world.follow({}, world.connect(world.proxy.address));
    await follower.holds(two);
    const others = etcd.members.slice(1);
    await Promise.all(others.map((member) => member.kill()));
    await until(() => expect(follower.status?.stale).toBeDefined());
    expect(Object.fromEntries(follower.state)).toEqual(two);
    await Promise.all(others.map((member) => member.start()));
    await answers(world.client);
    await world.put('a/1', 'again');
    await follower.holds({ ...two, 'a/1': 'again' });
    expect(follower.reasons).toEqual(['initial']);
  });

  it('S10 S12: it goes to a member that lags behind: it waits until that one has caught up, and nothing goes back', async () => {
    const { world, leader, lagging, put } = await withLagging();
    const { proxy } = world;
    proxy.lead({ port: leader.port });
    const follower = world.follow({}, world.connect([proxy.address, lagging.endpoint]));
    await follower.holds(two);
    lagging.pause();
    const revisions: number[] = [];
    for (let n = 0; n < 300; n++) revisions.push(await put('a/1', `${n}`));
    await follower.holds({ ...two, 'a/1': '299' });
    // From now on only the one that stands still is there, and is asked before it goes on.
    await proxy.refuse();
    for (let n = 0; n < 300; n++) revisions.push(await put('a/2', `${n}`));
    const { length } = follower.statuses;
    await until(() => expect(follower.statuses.length).toBeGreaterThan(length + 2));
    lagging.resume();
    await follower.holds({ 'a/1': '299', 'a/2': '299' });
    expect(follower.revisions).toEqual(revisions);
    expect(follower.reasons).toEqual(['initial']);
  });
});

describe.runIf(needServer(newerLine))('fromEtcd on a member that gets a snapshot of the others', () => {
  it('S10 S12: it stood still, and what it missed is no longer in their log: nothing is lost, nothing goes back', async () => {
    // So few entries that the others do not have what it missed, but in a snapshot.
    const isNew = newerLine !== 'etcd-3.5';
    const { world, leader, lagging, put } = await withLagging({
      server: newerLine,
      args: ['--snapshot-count', '10', `--${isNew ? '' : 'experimental-'}snapshot-catchup-entries`, '10'],
    });
    const { proxy } = world;
    proxy.lead({ port: lagging.port });
    // Longer than it stands still: the connection and its watch live on.
    const patient = world.connect(proxy.address, { grpcOptions: { 'grpc.keepalive_time_ms': 600_000 } });
    const follower = world.follow({ timeout: 60_000 }, patient);
    await follower.holds(two);
    lagging.pause();
    const revisions: number[] = [];
    // What the leader sends meanwhile is read when it goes on, unless the leader has given it up.
    const peers = await metric(leader, 'etcd_network_active_peers');
    await vi.waitFor(
      async () => {
        revisions.push(await put('a/1', 'x'.repeat(50_000)));
        expect(await metric(leader, 'etcd_network_active_peers')).toBeLessThan(peers);
      },
      { timeout: 40_000, interval: 50 },
    );
    for (let n = 0; n < 100; n++) revisions.push(await put('a/1', `${n}`));
    lagging.resume();
    await follower.holds({ ...two, 'a/1': '99' });
    expect(await metric(lagging, 'etcd_network_snapshot_receive_success')).toBeGreaterThan(0);
    expect(follower.revisions).toEqual(revisions);
    expect(follower.reasons).toEqual(['initial']);
    expect(proxy.accepted).toBe(1);
    revisions.push(await put('a/2', 'on'));
    await follower.holds({ 'a/2': 'on', 'a/1': '99' });
    expect(follower.revisions).toEqual(revisions);
  });
});
