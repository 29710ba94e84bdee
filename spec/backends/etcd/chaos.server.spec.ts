import { setTimeout as sleep } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RawWrite } from '../../../lib/model/broker.ts';
import { needServer } from '../../servers/need.ts';
import { openProxy, type TcpProxy } from '../../servers/proxy.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { answers, transact } from '../../support/etcdSubject.ts';
import { type Follower, until } from '../../support/follower.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';

const cutsWanted = 100;

/** What was done to one key: `a/1=5` or `a/1 deleted`. */
const done = (key: string, value: string | undefined): string =>
  value === undefined ? `${key} deleted` : `${key}=${value}`;

/** Writes transactions without pause, and keeps what the server acknowledged: what was done to which keys, by revision. */
class Load {
  readonly acknowledged: Map<number, readonly string[]> = new Map();
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(world: EtcdBench, random: (n: number) => number) {
    this.#done = this.#write(world, random);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async #write({ client }: EtcdBench, random: (n: number) => number): Promise<void> {
    const there = new Set<string>();
    for (let n = 0; !this.#isOver; n++) {
      const writes = new Map<string, RawWrite>();
      for (let count = 1 + random(6); count > 0; count--) {
        const key = `a/${random(200)}`;
        if (there.has(key) && random(3) === 0) writes.set(key, { op: 'delete', key });
        else writes.set(key, { op: 'put', key, value: Buffer.from(`${n}`) });
      }
      await transact(client, [...writes.values()]).then(
        (revision) => {
          const each = [...writes.values()].map((write) => done(write.key, write.op === 'put' ? `${n}` : undefined));
          this.acknowledged.set(revision, each.sort());
          for (const { op, key } of writes.values()) {
            if (op === 'put') there.add(key);
            else there.delete(key);
          }
        },
        // It may have been done: whether these keys are there is not known.
        () => [...writes.keys()].forEach((key) => void there.delete(key)),
      );
    }
  }
}

/** What was acknowledged and not told: neither as a change nor by a resync that stands behind it. */
function lost({ acknowledged }: Load, { events }: Follower<string>): number[] {
  const told = new Map<number, string>();
  const [first] = events;
  for (const event of events) {
    if (event.type === 'change')
      told.set(
        event.revision,
        event.changes
          .map((change) => done(change.key, change.op === 'put' ? change.value : undefined))
          .sort()
          .join(),
      );
  }
  // A resync after a compaction tells the sum of what lies between it and the event before it.
  const gaps = events.flatMap((event, index) =>
    event.type === 'resync' ? [[events[index - 1]?.revision ?? 0, event.revision] as const] : [],
  );
  return [...acknowledged]
    .filter(([revision, each]) => {
      if (revision <= first!.revision || told.get(revision) === each.join()) return false;
      return !gaps.some(([after, upTo]) => revision > after && revision <= upTo);
    })
    .map(([revision]) => revision);
}

/** The Watcher of npm etcd3 over a link of its own, with the defaults of its client; made anew where it ends. @returns what it tells */
async function peerOf(proxy: TcpProxy): Promise<Set<string>> {
  const client = new Etcd3({ hosts: proxy.address });
  const told = new Set<string>();
  type Kv = { readonly key: Buffer; readonly value: Buffer; readonly mod_revision: string };
  const take = (kv: Kv, value?: string): void => {
    told.add(`${kv.mod_revision} ${done(kv.key.toString(), value)}`);
  };
  const watch = async (): Promise<void> => {
    const watcher = await client.watch().prefix('a/').create();
    watcher.on('put', (kv: Kv) => take(kv, kv.value.toString())).on('delete', (kv: Kv) => take(kv));
    watcher.once('error', () => void watch().catch(() => undefined));
  };
  await watch();
  onTestFinished(async () => {
    client.close();
    await proxy.close();
  });
  return told;
}

describe.runIf(needServer('etcd-3.4'))('fromEtcd in chaos', () => {
  it(`${cutsWanted} cuts under load, with kills and compactions in between: nothing is lost or told twice`, async () => {
    const world = await EtcdBench.start();
    const random = randomNumbers(20_261_121);
    const beside = await openProxy({ port: world.member.port });
    const follower = world.follow();
    await until(() => expect(follower.resyncs).toHaveLength(1));
    const peer = await peerOf(beside);
    const load = new Load(world, random);
    let compactions = 0;
    for (let cuts = 0; cuts < cutsWanted; cuts++) {
      await sleep(20 + random(150));
      const links = [world.proxy, beside];
      if (random(3) === 0) {
        await Promise.all(links.map((link) => link.refuse()));
        await sleep(random(200));
        await Promise.all(links.map((link) => link.accept()));
      } else for (const link of links) link.cut();
      if (cuts % 30 === 20) {
        await world.member.kill();
        await world.member.start();
        await answers(world.client);
      }
      if (cuts % 12 === 6) {
        const revision = Math.max(...load.acknowledged.keys()) - random(3);
        await world.compact(revision).then(
          () => compactions++,
          () => undefined,
        );
      }
    }
    await load.stop();
    await world.put('a/last', 'last');
    const lines = (await world.etcd.ctl('get', '--prefix', 'a/')).split('\n');
    const expected: Record<string, string> = {};
    for (let line = 0; line < lines.length; line += 2) expected[lines[line]!] = lines[line + 1]!;
    await follower.holds(expected);
    expect(lost(load, follower)).toEqual([]);
    expect(compactions).toBeGreaterThan(0);
    expect(new Set(follower.revisions).size).toBe(follower.revisions.length);
    expect(follower.reasons.slice(1).every((reason) => reason === 'compacted')).toBe(true);

    // It gets the time it takes until nothing more comes.
    for (let size = -1; size !== peer.size; ) {
      size = peer.size;
      await sleep(1_000);
    }
    const keys = [...load.acknowledged].flatMap(([revision, touched]) => touched.map((each) => `${revision} ${each}`));
    const missing = keys.filter((key) => !peer.has(key)).length;
    const share = ((100 * missing) / keys.length).toFixed(1);
    const counts = `${keys.length} writes, ${cutsWanted} cuts, 3 kills, ${compactions} compactions`;
    console.log(
      `chaos: ${counts}; fromEtcd lost 0 (${follower.resyncs.length - 1} resyncs), the Watcher of etcd3 lost ${missing} (${share} %)`,
    );
  }, 180_000);
});
