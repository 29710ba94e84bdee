import { Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { ackWithCallback, type DatasyncEvent } from '../../../lib/index.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { quickly, transact } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';

/** A consumer that works on changes only while it is let; it keeps what it was told. */
async function slow(world: EtcdBench) {
  const told: DatasyncEvent<string>[] = [];
  const gate = new Subject<void>();
  const consumer = {
    told,
    isOpen: false,
    open(): void {
      this.isOpen = true;
      gate.next();
    },
  };
  const source = fromEtcd(world.connect(world.proxy.address), {
    ...quickly,
    prefixes: ['a/'],
    codec: textCodec,
    retry: { delay: 20, maxDelay: 100 },
    delivery: { overflow: 'pause', inFlight: 4 },
  });
  const keep = (event: DatasyncEvent<string>) => void told.push(event);
  const work = (event: DatasyncEvent<string>) => {
    keep(event);
    return consumer.isOpen ? undefined : new Promise<void>((resolve) => gate.subscribe(() => resolve()));
  };
  const subscription = source.pipe(ackWithCallback({ resync: keep, change: work })).subscribe();
  onTestFinished(() => subscription.unsubscribe());
  await until(() => expect(told).toHaveLength(1));
  return consumer;
}

/** So many states of one key, of a megabyte in a hundred. @returns their revisions */
async function write(world: EtcdBench, count: number): Promise<number[]> {
  const revisions: number[] = [];
  const filling = 'x'.repeat(10_000);
  for (let n = 0; n < count; n++) {
    const value = Buffer.from(`${n} ${filling}`);
    revisions.push(await transact(world.client, [{ op: 'put', key: 'a/1', value }]));
  }
  return revisions;
}

describe.runIf(needServer('etcd-3.4'))("fromEtcd with overflow: 'pause'", () => {
  it('reads no further while the consumer is full, and then tells every state in between', async () => {
    const world = await EtcdBench.start();
    const consumer = await slow(world);
    const before = world.proxy.received;
    const revisions = await write(world, 3_000);
    expect(consumer.told).toHaveLength(2);
    // 30 MB were written; what came is what the windows of the connection hold.
    expect(world.proxy.received - before).toBeLessThan(15_000_000);
    consumer.open();
    await until(() => expect(consumer.told).toHaveLength(3_001));
    const changes = consumer.told.slice(1);
    expect(changes.map(({ revision }) => revision)).toEqual(revisions);
    expect(changes.every((event) => event.type === 'change' && !event.coalesced)).toBe(true);
    const previous = changes.map((event) => event.type === 'change' && event.changes[0]!.prevValue);
    const values = changes.map(
      (event) => event.type === 'change' && event.changes[0]!.op === 'put' && event.changes[0]!.value,
    );
    expect(previous.slice(1)).toEqual(values.slice(0, -1));
  });

  it('cut off meanwhile, it goes on behind what was told', async () => {
    const world = await EtcdBench.start();
    const consumer = await slow(world);
    const revisions = await write(world, 500);
    world.proxy.cut();
    revisions.push(...(await write(world, 500)));
    consumer.open();
    await until(() => expect(consumer.told).toHaveLength(1_001));
    expect(consumer.told.slice(1).map(({ revision }) => revision)).toEqual(revisions);
  });

  it('compacted meanwhile, it tells a resync: what is not remembered cannot be told', async () => {
    const world = await EtcdBench.start();
    const consumer = await slow(world);
    const revisions = await write(world, 3_000);
    await world.compact(revisions.at(-1)!);
    world.proxy.cut();
    consumer.open();
    await until(() => expect(consumer.told.at(-1)).toMatchObject({ type: 'resync', reason: 'compacted' }));
    const last = consumer.told.at(-1)!;
    expect(last.type === 'resync' && last.entries.get('a/1')?.revision).toBe(revisions.at(-1));
    const changes = consumer.told.slice(1, -1).map(({ revision }) => revision);
    expect(changes).toEqual(revisions.slice(0, changes.length));
    const after = await world.put('a/1', 'on');
    await until(() => expect(consumer.told.at(-1)).toMatchObject({ type: 'change', revision: after }));
  });
});
