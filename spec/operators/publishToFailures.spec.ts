import { NEVER, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Broker, brokerFrom, memoryBroker, type PublishTarget, publishTo } from '../../lib/index.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { codec, failures, fake, published, run, target } from './publishing.ts';
import { Producer } from './support.ts';

const no = new Error('no');

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
