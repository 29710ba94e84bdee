import { mergeMap, NEVER, of, Subject, take, tap, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryBroker } from '../../lib/backends/memory/memoryBroker.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import { ackWithCallback, type WorkResult } from '../../lib/operators/ackWithCallback.ts';
import { type ShareResyncConfig, shareResync } from '../../lib/operators/shareResync.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { StatusLog } from '../support/seen.ts';
import { collect, type Event, event, Producer } from './support.ts';

/** One who claims everything. */
class Holder {
  readonly got: string[];
  readonly claims: Claim[] = [];
  readonly unsubscribe: () => void;

  constructor(source: Producer['source']) {
    const { got, unsubscribe } = collect(source.pipe(tap((one) => this.claims.push(one.claim()))));
    this.got = got;
    this.unsubscribe = unsubscribe;
  }
}

function held(config: ShareResyncConfig = {}) {
  const producer = new Producer();
  const source = producer.source.pipe(shareResync<number>(config));
  return { producer, source, a: new Holder(source), b: new Holder(source) };
}

describe("shareResync, acks: 'own'", () => {
  it('settles the event of the source delivered, whatever a subscriber says later', () => {
    const { producer, a } = held();
    producer.tell('{x:1}@1');
    expect(producer.settled).toEqual(['{x:1}@1 delivered']);
    a.claims[0]!.fail(new Error('no'));
    expect(producer.settled).toHaveLength(1);
    a.unsubscribe();
  });

  it('the status shows what is wrong with each subscriber', () => {
    virtually((time) => {
      const status = new StatusLog();
      const { producer, a, b } = held({ statusObserver: status, delivery: { redeliver: { delay: 10 } } });
      expect(status.all.map(({ subscription, state }) => [subscription, state])).toEqual([
        [1, 'connecting'],
        [2, 'connecting'],
      ]);
      producer.tell('{x:1}@1');
      expect(status.take().slice(2)).toEqual(['live', 'live']);
      b.claims[0]!.fail(new Error('no'));
      expect(status.last).toMatchObject({ subscription: 2, cause: { code: 'NACKED' }, stale: { since: 0 } });
      time.advance(10);
      b.claims[1]!.done();
      expect(status.last).toMatchObject({ subscription: 2, revision: 1 });
      expect(status.last).not.toHaveProperty('stale');
      expect([a.got, b.got]).toEqual([['{x:1}@1'], ['{x:1}@1', '{x:1}@1 nacked']]);
      a.unsubscribe();
      expect(status.last).toMatchObject({ subscription: 1, state: 'closed' });
      b.unsubscribe();
    });
  });
});

describe("shareResync, acks: 'all'", () => {
  it('settles it when all have, with the worst outcome', () => {
    const { producer, a, b } = held({ acks: 'all' });
    producer.tell('{x:1}@1', 'x:1>2@2');
    a.claims[0]!.done();
    a.claims[1]!.done();
    expect(producer.settled).toEqual([]);
    b.claims[1]!.fail(new Error('no'), { keys: ['x'] });
    b.claims[0]!.done();
    expect(producer.settled).toEqual(['x:1>2@2 failed', '{x:1}@1 applied']);
    expect(producer.outcomes[0]).toMatchObject({ keys: ['x'] });
  });

  it('does not wait for one who has left, nor for one who came later', () => {
    const { producer, source, a, b } = held({ acks: 'all' });
    producer.tell('{x:1}@1');
    a.claims[0]!.done();
    const late = new Holder(source);
    b.unsubscribe();
    expect(producer.settled).toEqual(['{x:1}@1 applied']);
    expect(late.got).toEqual(['{x:1}@1']);
    late.unsubscribe();
    a.unsubscribe();
  });

  it('says delivered where all have left and the source stays', () => {
    const { producer, a, b } = held({ acks: 'all', resetOnRefCountZero: false });
    producer.tell('{x:1}@1');
    a.unsubscribe();
    b.unsubscribe();
    producer.tell('x:1>2@2');
    expect(producer.settled).toEqual(['{x:1}@1 delivered', 'x:1>2@2 delivered']);
  });

  it('the retry of a source goes to those who failed, once', () => {
    virtually((time) => {
      const { producer, a, b } = held({ acks: 'all', delivery: { redeliver: { delay: 10 } } });
      producer.tell('{x:1}@1');
      a.claims[0]!.done();
      b.claims[0]!.fail(new Error('no'));
      expect(producer.settled).toEqual(['{x:1}@1 failed']);
      producer.tell('{=x:1}@1 nacked');
      expect([a.got.length, b.got]).toEqual([1, ['{x:1}@1', '{x:1}@1 nacked']]);
      time.advance(10);
      b.claims[1]!.done();
      time.advance(10);
      producer.tell('{=x:1}@1 nacked');
      expect([a.got.length, b.got.length]).toEqual([1, 2]);
      expect(producer.settled.slice(1)).toEqual(['{=x:1}@1 nacked applied', '{=x:1}@1 nacked delivered']);
      a.unsubscribe();
      b.unsubscribe();
    });
  });

  it('a commit waits for all who share, and hears what they say', async () => {
    const store = memoryStore();
    const codec = jsonCodec<number>();
    const source = fromMemory(store, { prefixes: [''], codec, name: 'shared' }).pipe(shareResync({ acks: 'all' }));
    const [a, b] = [new Holder(source), new Holder(source)];
    for (const { claims } of [a, b]) claims[0]!.done();
    const committed = memoryBroker(store, { codec }).txn().put('x', 1).commit();
    a.claims[1]!.done();
    b.claims[1]!.fail(new Error('no'));
    const outcome: unknown = expect.objectContaining({ type: 'failed', error: new Error('no') });
    expect((await committed).outcomes).toEqual([{ subscriber: 'shared', outcome }]);
    a.unsubscribe();
    b.unsubscribe();
  });
});

describe('shareResync settles each event once', () => {
  const works: Readonly<Record<string, () => WorkResult>> = {
    'a synchronous throw': () => {
      throw new Error('no');
    },
    'an asynchronous throw': () => timer(1).pipe(mergeMap(() => throwError(() => new Error('no')))),
    'work that never ends': () => NEVER,
    'work that ends': () => undefined,
  };

  for (const acks of ['own', 'all'] as const) {
    it.each(Object.keys(works))(`%s, acks: ${acks}`, (name) => {
      virtually((time) => {
        const producer = new Producer();
        const source = producer.source.pipe(shareResync<number>({ acks, delivery: { redeliver: { count: 0 } } }));
        const work = works[name]!;
        const subscriptions = [1, 2].map(() =>
          source.pipe(ackWithCallback({ resync: work, change: work }, { timeout: 5 })).subscribe(),
        );
        producer.tell('{x:1}@1', 'x:1>2@2', '!x:2@3');
        time.advance(100);
        expect(producer.open).toBe(0);
        expect(new Set(producer.settled).size).toBe(producer.settled.length);
        for (const subscription of subscriptions) subscription.unsubscribe();
        expect(producer.settled).toHaveLength(3);
      });
    });

    it(`unsubscribed inside each next, acks: ${acks}`, () => {
      for (const step of [1, 2, 3]) {
        const producer = new Producer();
        const source = producer.source.pipe(shareResync<number>({ acks }));
        const events: Event[] = [];
        source.pipe(take(step)).subscribe((one) => {
          one.done();
          one.done();
          events.push(one);
        });
        const other = collect(source);
        producer.tell('{x:1}@1', 'x:1>2@2', '!x:2@3');
        expect([events.length, other.got.length, producer.open]).toEqual([step, 3, 0]);
        other.unsubscribe();
        expect(producer.settled).toHaveLength(3);
      }
    });
  }
});

describe('shareResync, when it starts anew', () => {
  it('resetOnRefCountZero: false keeps the source, and tells the next one at once', () => {
    const producer = new Producer();
    const source = producer.source.pipe(shareResync<number>({ resetOnRefCountZero: false }));
    collect(source).unsubscribe();
    producer.tell('{x:1}@1', 'x:1>2@2');
    expect([collect(source).got, producer.subscribed]).toEqual([['{x:2}@2'], true]);
  });

  it('resetOnRefCountZero: a function gives it some time', () => {
    virtually((time) => {
      const producer = new Producer();
      const source = producer.source.pipe(shareResync<number>({ resetOnRefCountZero: () => timer(10) }));
      const first = collect(source);
      producer.tell('{x:1}@1');
      first.unsubscribe();
      time.advance(9);
      const second = collect(source);
      time.advance(9);
      expect([second.got, producer.subscribed]).toEqual([['{x:1}@1'], true]);
      second.unsubscribe();
      time.advance(10);
      expect(producer.subscribed).toBe(false);
    });
  });

  it('resetOnComplete: false tells the last state to whoever comes later, and completes', () => {
    const list = new Subject<Event>();
    const source = list.pipe(shareResync<number>({ resetOnComplete: false }));
    collect(source);
    list.next(event('{x:1}@1'));
    list.complete();
    expect(collect(source).got).toEqual(['{x:1}@1', '|']);
  });

  it('resetOnError: false gives the error to whoever comes later', () => {
    const list = new Subject<Event>();
    const source = list.pipe(shareResync<number>({ resetOnError: false }));
    collect(source);
    list.next(event('{x:1}@1'));
    list.error(new Error('no route'));
    expect(collect(source).got).toEqual(['# no route']);
  });

  it.each([
    [{ acks: 'some' }, "'acks' must be 'own' or 'all'"],
    [{ resetOnError: 1 }, "'resetOnError' must be true, false or a function"],
    [{ delivery: { inFlight: 0 } }, "'delivery.inFlight' must be"],
    [{ resetOnCompletion: true }, "unknown option 'resetOnCompletion'"],
    ['all', 'the options must be an object'],
  ])('%j is refused at once', (config, message) => {
    expect(() => shareResync(config as ShareResyncConfig)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining(message) as unknown,
      }) as Error,
    );
  });

  it('what is no event is an error for all, and the next one starts anew', () => {
    const list = of({ ...event('{x:1}@1') } as Event);
    const source = list.pipe(shareResync<number>());
    expect(collect(source).got).toEqual([expect.stringContaining('event.with()')]);
  });
});
