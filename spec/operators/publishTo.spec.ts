import { EMPTY, lastValueFrom, NEVER, type Observable, of, Subject, throwError, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type AckResult,
  type AckWithCallbackConfig,
  type Broker,
  type BrokerCapabilities,
  brokerFrom,
  type DatasyncEvent,
  fromMemory,
  jsonCodec,
  memoryBroker,
  memoryStore,
  type PublishTarget,
  publishTo,
  ResyncEvent,
} from '../../lib/index.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

const codec = jsonCodec<number>();
const no = new Error('no');

/** A store and its broker; `x:1` stands for what it holds. */
function target(values: Readonly<Record<string, number>> = {}, prefix = '') {
  const store = memoryStore();
  for (const [key, value] of Object.entries(values)) store.put(key, codec.encode(value, key));
  const broker = memoryBroker(store, { codec, prefix });
  const held = (): Record<string, number> =>
    Object.fromEntries(store.entries().map(({ key, value }) => [key, codec.decode(value, key)]));
  return { store, broker, held };
}

/** Writes the events, and gives back what was said of each. */
async function published(
  brokers: Parameters<typeof publishTo<number>>[0],
  events: readonly (string | DatasyncEvent<number>)[],
): Promise<AckResult<number>[]> {
  const source = of(...events.map((one) => (typeof one === 'string' ? event(one) : one)));
  return lastValueFrom(source.pipe(publishTo(brokers), toArray()));
}

/** The messages of a failed outcome. */
function failures({ outcome }: AckResult<number>): string[] {
  if (outcome.type !== 'failed') return [outcome.type];
  const { error } = outcome;
  const errors = error instanceof AggregateError ? (error.errors as Error[]) : [error as Error];
  return errors.map(({ message }) => message.replace('[rx-datasync] publishTo: ', ''));
}

/** A broker in virtual time: what Promises would do, Observables do here. */
function fake(
  methods: Readonly<Partial<Record<keyof PublishTarget<number>, unknown>>>,
  capabilities: Partial<BrokerCapabilities> = {},
): PublishTarget<number> {
  return {
    list: () => of([]),
    listKeys: () => of([]),
    put: () => of({}),
    delete: () => of({}),
    txn: () => expect.unreachable(),
    capabilities: { write: true, ...capabilities },
    ...methods,
  } as unknown as PublishTarget<number>;
}

function run(brokers: Parameters<typeof publishTo<number>>[0], config?: AckWithCallbackConfig) {
  const producer = new Producer();
  return { producer, ...collect(producer.source.pipe(publishTo(brokers, config))) };
}

describe('publishTo', () => {
  it('writes changes as they are: puts, deletes, and transactions as one', async () => {
    const { store, broker, held } = target({ x: 1, y: 2 });
    const results = await published(broker, ['x:5@1', 'x:6,z:7,!y@2', '!z@3', '!z@4', 'q:?@5']);
    expect(results.map(({ outcome }) => outcome.type)).toEqual(Array(5).fill('applied'));
    expect([held(), store.revision]).toEqual([{ x: 6 }, 5]);
  });

  it('the broker adds its own prefix', async () => {
    const { broker, held } = target({ 'copy/old': 1, x: 1 }, 'copy/');
    await published(broker, ['{x:2}@1', 'y:3@2']);
    expect(held()).toEqual({ x: 1, 'copy/x': 2, 'copy/y': 3 });
  });

  it('a resync makes the broker equal, in one transaction, and puts only what differs', async () => {
    const { store, broker, held } = target({ same: 1, other: 2, gone: 3 });
    const before = store.get('same')!.revision;
    await published(broker, ['{same:1 other:5 new:6}@1']);
    expect([held(), store.revision, store.get('same')!.revision]).toEqual([{ same: 1, other: 5, new: 6 }, 4, before]);
    await published(broker, ['{same:1 other:5 new:6}@1']);
    expect(store.revision).toBe(4);
  });

  it('a resync does so under its prefixes only, also where they overlap', async () => {
    const { broker, held } = target({ '/a/1': 1, '/a/2': 1, '/b/1': 1 });
    const under = (prefixes: string[], values: Record<string, number>) => ResyncEvent.of(values, 1, { prefixes });
    await published(broker, [under(['/a/', '/a/1'], { '/a/2': 5 })]);
    expect(held()).toEqual({ '/a/2': 5, '/b/1': 1 });
    await published(broker, [under([], {})]);
    expect(held()).toEqual({ '/a/2': 5, '/b/1': 1 });
  });

  it('what the source cannot read stays as it is there', async () => {
    const { broker, held } = target({ x: 1, y: 2 });
    await published(broker, ['{x:? z:3}@1', 'z:?@2']);
    expect(held()).toEqual({ x: 1, z: 3 });
  });

  it('what the broker cannot read is overwritten, or deleted', async () => {
    const { store, broker, held } = target({ x: 1 });
    for (const key of ['x', 'y']) store.put(key, new Uint8Array([255]));
    const results = await published(broker, ['{x:2}@1']);
    expect([failures(results[0]!), held()]).toEqual([['applied'], { x: 2 }]);
  });

  it('what was deleted while nobody published is deleted by the next first resync', async () => {
    const [from, to] = [target({ x: 1, y: 2 }), target()];
    const sync = async (): Promise<void> => {
      const settled = fromMemory(from.store, { prefixes: [''], codec }).pipe(publishTo(to.broker));
      await new Promise<void>((resolve) => {
        const running = settled.subscribe(() => {
          running.unsubscribe();
          resolve();
        });
      });
    };
    await sync();
    from.store.delete('x');
    await sync();
    expect(to.held()).toEqual({ y: 2 });
  });

  it('does not wait for the subscribers of a memory broker', async () => {
    const { store, broker } = target();
    fromMemory(store, { prefixes: [''], codec }).subscribe((one) => void one.claim());
    const [result] = await published(broker, ['x:1,y:2@1']);
    expect(result!.outcome.type).toBe('applied');
  });

  it('works one at a time, and settles before it emits', () => {
    runMarbles(({ cold, expectEvents }) => {
      const values = {
        R: '{x:1}@1',
        a: 'x:2@2',
        b: 'y:3@3',
        r: '{x:1}@1 applied',
        x: 'x:2@2 applied',
        y: 'y:3@3 applied',
      };
      const slow = fake({ put: () => timer(2) });
      expectEvents(cold<number>('-(Rab)', values).pipe(publishTo(slow))).toBe('---r-x-y', values);
      const wide = publishTo<number>(slow, { concurrency: 2 });
      expectEvents(cold<number>('-(Rab)', values).pipe(wide)).toBe('---r-(xy)', values);
    });
    const producer = new Producer();
    const put = new Subject<void>();
    const log: string[] = [];
    producer.source.pipe(publishTo(fake({ put: () => put }))).subscribe(() => log.push(...producer.settled));
    producer.tell('x:1@1');
    put.complete();
    expect(log).toEqual(['x:1@1 applied']);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(publishTo(fake({})))).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(publishTo(fake({})))).got).toEqual([]);
  });

  it('source error: passed on at once, the write under way is cancelled', () => {
    const { producer, got } = run(fake({ put: () => NEVER }));
    producer.tell('x:1@1');
    producer.error(no);
    expect([got, producer.settled]).toEqual([['# no'], ['x:1@1 cancelled']]);
  });

  it('early unsubscribe: nothing more is written or said', () => {
    const put = new Subject<void>();
    const written: string[] = [];
    const slow = fake({
      put: (key: string) => {
        written.push(key);
        return put;
      },
    });
    const { producer, got, unsubscribe } = run(slow);
    producer.tell('x:1,y:2@1', 'z:3@2');
    unsubscribe();
    put.complete();
    expect([written, got, producer.settled]).toEqual([['x'], [], ['x:1,y:2@1 cancelled', 'z:3@2 cancelled']]);
    expect([producer.open, put.observed]).toEqual([0, false]);
  });

  it('second resync while the first is open: written after it', () => {
    const puts: Subject<void>[] = [];
    const put = (): Observable<void> => puts[puts.push(new Subject()) - 1]!;
    const { producer, got } = run(fake({ put }));
    producer.tell('{x:1}@1', '{x:2}@2 requested');
    expect(puts).toHaveLength(1);
    for (let i = 0; i < 2; i++) puts[i]!.complete();
    expect(got).toEqual(['{x:1}@1 applied', '{x:2}@2 requested applied']);
  });
});

describe('what fails', () => {
  const failing: PublishTarget<number> = fake({ put: () => throwError(() => no), delete: () => throwError(() => no) });

  it('all brokers are tried; the error names the one that failed, and the key', async () => {
    const good = target();
    const [result] = await published({ bad: failing, good: good.broker }, ['x:1@1']);
    expect(failures(result!)).toEqual([`'bad' did not take "x": no`]);
    expect(result!.outcome).toMatchObject({
      type: 'failed',
      keys: ['x'],
      error: { code: 'PUBLISH_FAILED', key: 'x', cause: no },
    });
    expect(good.held()).toEqual({ x: 1 });
  });

  it('all errors are returned, and the source hears of them', () => {
    const { producer, got } = run([failing, failing, fake({})]);
    producer.tell('x:1@1', 'y:1@2');
    expect(producer.outcomes).toMatchObject([{ keys: ['x'] }, { keys: ['y'] }]);
    const { error } = producer.outcomes[0] as { error: AggregateError };
    expect((error.errors as Error[]).map(({ message }) => message.slice(13))).toEqual([
      ` publishTo: '0' did not take "x": no`,
      ` publishTo: '1' did not take "x": no`,
    ]);
    expect(error.message).toContain('2 writes failed: ');
    expect(got).toHaveLength(2);
  });

  it('without transactions each key is tried, and only those that failed are named', async () => {
    const written: string[] = [];
    const picky = fake({
      put: (key: string) => (key === 'y' ? throwError(() => no) : of(written.push(key))),
      list: () => of([{ key: 'old', value: 1, revision: 1 }]),
    });
    const [change, resync] = await published({ picky }, ['x:1,y:2,z:3@1', '{x:1 y:1 old:1}@2']);
    expect([written, change!.outcome, resync!.outcome]).toMatchObject([
      ['x', 'z', 'x'],
      { keys: ['y'] },
      { keys: ['y'] },
    ]);
  });

  it('with transactions nothing of one is done', async () => {
    const { store, held } = target({ x: 1 });
    const picky = {
      ...codec,
      encode: (value: number, key: string) => (value === 9 ? undefined! : codec.encode(value, key)),
    };
    const broker = memoryBroker(store, { codec: picky });
    const [result] = await published({ store: broker }, ['x:2,y:9@1']);
    expect(failures(result!)).toEqual([expect.stringMatching(/^'store' did not take the change at 1: .*"y"/)]);
    expect([result!.outcome, held()]).toMatchObject([{ keys: ['x', 'y'] }, { x: 1 }]);
  });

  it('a broker that cannot be read is not written to: failing is not empty', async () => {
    const unread = fake({ list: () => throwError(() => no), put: () => expect.unreachable() });
    const [result] = await published({ unread }, ['{x:1 y:2}@1']);
    expect([failures(result!), result!.outcome]).toMatchObject([
      ["'unread' did not take the resync at 1: no"],
      { keys: ['x', 'y'] },
    ]);
  });

  it('a broker that throws instead of rejecting fails as well', async () => {
    const throws = (): never => {
      throw no;
    };
    const [change] = await published({ throws: fake({ put: throws }) }, ['x:1@1']);
    expect(failures(change!)).toEqual([`'throws' did not take "x": no`]);
    const [resync] = await published({ throws: fake({ list: throws }) }, ['{x:1}@1']);
    expect(failures(resync!)).toEqual([`'throws' did not take "x": no`]);
  });

  it('a time-out is an outcome of its own, unless another broker failed', () => {
    runMarbles(({ cold, expectEvents }) => {
      const values = {
        a: 'x:1@1',
        t: 'x:1@1 timedOut',
        f: 'x:1@1 failed(x) "[rx-datasync] publishTo: \'bad\' did not take \\"x\\": no"',
      };
      const slow = fake({ put: () => NEVER });
      const timeout = { timeout: 3 };
      expectEvents(cold<number>('-a', values).pipe(publishTo(slow, timeout))).toBe('----t', values);
      expectEvents(cold<number>('-a', values).pipe(publishTo({ slow, bad: failing }, timeout))).toBe('----f', values);
    });
    runMarbles(({ cold, flush }) => {
      const producer = new Producer();
      producer.source
        .pipe(publishTo<number>({ slow: fake({ put: () => NEVER }), bad: failing }, { timeout: 3 }))
        .subscribe();
      cold('a', { a: 1 }).subscribe(() => producer.tell('x:1@1'));
      flush();
      expect(producer.outcomes).toMatchObject([{ type: 'failed', keys: ['x'] }]);
    });
  });

  it('wrong configuration throws at creation', () => {
    const nothing = () => Promise.resolve(undefined);
    const core = {
      name: 'mirror',
      get: nothing,
      list: nothing,
      listKeys: nothing,
      close: nothing,
      capabilities: {
        write: false,
        ttl: false,
        transactions: false,
        compareAndSwap: false,
        lifetime: false,
        deletePrefix: false,
        reasons: { write: 'a mirror' },
      },
    };
    const cases: [unknown, unknown, string][] = [
      [undefined, {}, 'publishTo: expected a broker, or several by name, not undefined'],
      [NEVER, {}, 'publishTo: expected a broker, or several by name, not an Observable'],
      [Promise.resolve(fake({})), {}, 'publishTo: expected a broker, or several by name, not a Promise'],
      [{}, {}, 'publishTo: expected a broker, or several by name, and found none'],
      [{ etcd: {} }, {}, "publishTo: the option 'etcd' must be a broker, but 'list' is missing"],
      [{ etcd: undefined }, {}, "publishTo: the option 'etcd' is missing"],
      [brokerFrom(core as never, { codec }) as Broker<number>, {}, "publishTo: 'broker' cannot write: a mirror"],
      [fake({}), { retry: 1 }, "publishTo: unknown option 'retry'; known are timeout, concurrency"],
    ];
    for (const [brokers, config, message] of cases)
      expect(() => publishTo(brokers as PublishTarget<number>, config as object)).toThrow(`[rx-datasync] ${message}`);
  });
});

describe('each subscription', () => {
  it('publishes for itself', () => {
    const written: string[] = [];
    const source = new Subject<Event>();
    const publishing = source.pipe(publishTo(fake({ put: (key: string) => of(written.push(key)) })));
    collect(publishing);
    collect(publishing);
    source.next(event('x:1@1'));
    expect(written).toEqual(['x', 'x']);
  });
});
