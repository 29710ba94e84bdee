import { describe, expect, it } from 'vitest';
import { needServer } from '../../servers/need.ts';
import { EtcdBench, two } from '../../support/etcdBench.ts';
import { answers } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';

describe.runIf(needServer('etcd-3.4'))('fromEtcd on three members', () => {
  it('S1 S12: the leader is killed, three times: nothing is lost, and nothing told twice', async () => {
    const world = await EtcdBench.start({ members: 3 });
    const { etcd, client } = world;
    await world.putAll(two);
    const follower = world.follow({}, world.connect([...etcd.endpoints]));
    await follower.holds(two);
    const revisions: number[] = [];
    for (let n = 0; n < 3; n++) {
      const leader = await etcd.leader();
      await leader.kill();
      await answers(client);
      // A put whose answer is lost may have been done: only those that were acknowledged count.
      for (let m = 0; m < 10; m++)
        await world.put(`a/${m}`, `${n}`).then(
          (revision) => revisions.push(revision),
          () => undefined,
        );
      await leader.start();
    }
    const expected = await client.getAll().prefix('a/').strings();
    await follower.holds(expected);
    expect(follower.revisions).toEqual(expect.arrayContaining(revisions));
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
});
