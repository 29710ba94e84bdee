import { Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import type { FromEtcdConfig } from '../../../lib/backends/etcd/sourceOptions.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { ackWithCallback, type DatasyncEvent } from '../../../lib/index.ts';
import { needServer } from '../../servers/need.ts';
import { EtcdBench } from '../../support/etcdBench.ts';
import { plainClient, transact } from '../../support/etcdSubject.ts';
import { fakeEtcd, obliging } from '../../support/fakeEtcd.ts';
import { Follower, until } from '../../support/follower.ts';

/** Enough for whatever does answer, on a busy machine too. */
const patiently = { timeout: 1_000 };
const often: Partial<FromEtcdConfig<string>> = {
  prefixes: ['a/'],
  probeInterval: 20,
  timeout: 400,
  retry: { delay: 20, maxDelay: 100 },
};

function clientOf(address: string) {
  const client = plainClient(address);
  onTestFinished(() => client.close());
  return client;
}

function follow(address: string, config: Partial<FromEtcdConfig<string>> = {}): Follower<string> {
  const client = clientOf(address);
  return Follower.of((statusObserver) =>
    fromEtcd(client, { prefixes: ['a/'], ...often, ...config, statusObserver, codec: textCodec }),
  );
}

/** A consumer of one change at a time, which is done with it when the gate says so. */
function pausing(address: string, config: Partial<FromEtcdConfig<string>> = {}) {
  const told: DatasyncEvent<string>[] = [];
  const gate = new Subject<void>();
  const source = fromEtcd(clientOf(address), {
    prefixes: ['a/'],
    ...often,
    ...patiently,
    ...config,
    codec: textCodec,
    delivery: { overflow: 'pause', inFlight: 1 },
  });
  const keep = (event: DatasyncEvent<string>) => void told.push(event);
  const change = (event: DatasyncEvent<string>) => {
    keep(event);
    return new Promise<void>((resolve) => gate.subscribe(() => resolve()));
  };
  const subscription = source.pipe(ackWithCallback({ resync: keep, change })).subscribe();
  onTestFinished(() => subscription.unsubscribe());
  return { told, gate };
}

/** Whether it was given up for dead. */
function isDead(follower: Follower<string>): boolean {
  return follower.statuses.some(({ cause }) => (cause as { code?: string } | undefined)?.code === 'DEAD_STREAM');
}

describe('fromEtcd, when a watch is open and says nothing, while reads go on being answered', () => {
  it('S4: it does not even say that it was made: another one takes its place', async () => {
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        if (stream.number === 1) return;
        obliging(stream, request);
        if (request === 'create') stream.put('a/1', 'one', 11);
      },
    });
    const follower = follow(fake.address);
    await follower.holds({ 'a/1': 'one' });
    expect(isDead(follower)).toBe(true);
    expect(fake.streams.map(({ from }) => from)).toEqual([11, 11]);
    expect(follower.reasons).toEqual(['initial']);
    await until(() => expect(fake.streams[0]!.isOpen).toBe(false));
  });

  it('S4: it falls silent later, after changes: the next one goes on behind them', async () => {
    let isSilent = false;
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        if (stream.number === 1 && isSilent) return;
        obliging(stream, request);
        if (request === 'create') stream.put('a/1', `${stream.number}`, stream.from);
      },
    });
    const follower = follow(fake.address);
    await follower.holds({ 'a/1': '1' });
    await until(() => expect(fake.streams[0]!.asked).toBeGreaterThan(3));
    expect(follower.status).toMatchObject({ state: 'live' });
    isSilent = true;
    await follower.holds({ 'a/1': '2' });
    expect(isDead(follower)).toBe(true);
    expect(fake.streams.map(({ from }) => from)).toEqual([11, 12]);
  });

  it('S4: it has nothing to say, but answers: nothing happens', async () => {
    const fake = await fakeEtcd();
    const follower = follow(fake.address, patiently);
    await until(() => expect(fake.streams).toHaveLength(1));
    fake.revision = 11;
    await until(() => expect(fake.streams[0]?.asked).toBeGreaterThan(40));
    expect(isDead(follower)).toBe(false);
    expect(fake.streams).toHaveLength(1);
  });

  it('S4: nothing at all has happened since it began, of which etcd 3.6 says nothing: it is asked when something has', async () => {
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        if (request === 'create' || fake.revision >= stream.from) obliging(stream, request);
      },
    });
    const follower = follow(fake.address);
    await until(() => expect(fake.streams).toHaveLength(1));
    // For far longer than it may owe an answer.
    const { reads } = fake;
    await until(() => expect(fake.reads).toBeGreaterThan(reads + 60));
    expect(fake.streams[0]!.asked).toBe(0);
    fake.revision = 11;
    await until(() => expect(fake.streams[0]!.asked).toBeGreaterThan(3));
    expect(isDead(follower)).toBe(false);
    expect(fake.streams).toHaveLength(1);
  });

  it('S4: it did not hear the question, as a server does not that still reads up what was missed: it is asked again', async () => {
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        if (request === 'create') fake.revision = stream.from;
        if (request === 'create' || stream.asked > 1) obliging(stream, request);
      },
    });
    // So that it is asked once by a look.
    const follower = follow(fake.address, { ...patiently, probeInterval: 60_000 });
    await until(() => expect(fake.streams[0]?.asked).toBe(2));
    fake.streams[0]!.put('a/1', 'one', 12);
    await follower.holds({ 'a/1': 'one' });
    expect(isDead(follower)).toBe(false);
    expect(fake.streams).toHaveLength(1);
  });

  it('S13: nothing is expected of it while nothing is read', async () => {
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        if (request === 'create') obliging(stream, request);
        if (request === 'create' && stream.number === 1)
          for (let n = 0; n < 5; n++) stream.put('a/1', `${n}`, stream.from + n);
      },
    });
    const { told, gate } = pausing(fake.address);
    await until(() => expect(told).toHaveLength(2));
    // For far longer than it may be silent otherwise: a question is asked every 20 ms, and never answered.
    await until(() => expect(fake.streams[0]!.asked).toBeGreaterThan(60));
    expect(fake.streams).toHaveLength(1);
    for (let n = 3; n <= 6; n++) {
      gate.next();
      await until(() => expect(told).toHaveLength(n));
    }
    // Now that it is read again, the answer is missed.
    gate.next();
    await until(() => expect(fake.streams).toHaveLength(2));
  });

  it('S13: nor with a watch for each prefix, whose changes wait for one another too: all are told, in order', async () => {
    let isMute = false;
    let watches = 0;
    const fake = await fakeEtcd({
      watch: (stream, request) => {
        if (request === 'create') watches++;
        if (request === 'create' || !isMute) obliging(stream, request);
      },
    });
    const { told, gate } = pausing(fake.address, { prefixes: ['a/', 'x/'], watch: 'each' });
    await until(() => expect(watches).toBe(2));
    expect(told).toHaveLength(1);
    const [stream] = fake.streams;
    isMute = true;
    // A revision of both watches, one of each, and one that is not complete: nothing is told before the stream says how far it is.
    stream!.put('a/1', 'one', 11, 1);
    stream!.put('x/1', 'one', 11, 2);
    stream!.put('a/2', 'two', 12, 1);
    stream!.put('x/3', 'three', 13, 2);
    const complete = stream!.asked;
    await until(() => expect(stream!.asked).toBeGreaterThan(complete));
    stream!.progress();
    await until(() => expect(told).toHaveLength(2));
    stream!.put('a/4', 'four', 14, 1);
    // Full, it is asked and says nothing for far longer than it may be silent otherwise.
    const { asked } = stream!;
    await until(() => expect(stream!.asked).toBeGreaterThan(asked + 80));
    expect(told).toHaveLength(2);
    expect(fake.streams).toHaveLength(1);
    isMute = false;
    for (let n = 3; n <= 5; n++) {
      gate.next();
      await until(() => expect(told).toHaveLength(n));
    }
    const keys = told.slice(1).map((event) => event.type === 'change' && event.changes.map(({ key }) => key));
    expect(keys).toEqual([['a/1', 'x/1'], ['a/2'], ['x/3'], ['a/4']]);
    expect(told.slice(1).map(({ revision }) => revision)).toEqual([11, 12, 13, 14]);
    expect(fake.streams).toHaveLength(1);
  });
});

describe.runIf(needServer('etcd-3.4'))('fromEtcd, when a message takes longer than an answer may', () => {
  it('S25: it comes through, since the next stream waits longer each time', async () => {
    const world = await EtcdBench.start();
    const follower = world.follow(often);
    await until(() => expect(follower.resyncs).toHaveLength(1));
    await world.away(follower);
    const value = Buffer.alloc(20_000, 'x');
    const keys = Array.from({ length: 50 }, (_, n) => `a/${n}`);
    const revision = await transact(
      world.client,
      keys.map((key) => ({ op: 'put', key, value })),
    );
    // Two seconds for the megabyte, of which the smaller answers take their share.
    world.proxy.throttle(500_000);
    await world.proxy.accept();
    await until(() => expect(follower.revisions).toEqual([revision]));
    expect(isDead(follower)).toBe(true);
    expect(follower.state.size).toBe(50);
    expect(follower.reasons).toEqual(['initial']);
  });
});
