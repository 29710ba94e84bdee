import { EMPTY, NEVER, type Observable, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type DatasyncEvent, ResyncEvent } from '../../lib/model/events.ts';
import { orderedResync } from '../../lib/operators/orderedResync.ts';
import { ordered, quick, resultText, toBytes, Worker } from './ordered.ts';
import { acked, type Event, event, Producer } from './support.ts';

/** Two consumers, each at work on what it was given until somebody says so. */
function two() {
  const log: string[] = [];
  const a = new Worker('a', log);
  const b = new Worker('b', log);
  return { a, b, log, ...ordered([a.consumer(), b.consumer()]) };
}

describe('orderedResync', () => {
  it('passes each event to the consumers in declared order, to the next after the one before has settled', () => {
    const { a, b, log, producer, got } = two();
    producer.tell('{a:1 b:2}@1', 'a:1>3,b:2>4@2');
    expect(log).toEqual(['a {a:1}@1']);
    a.current.complete();
    expect(log.splice(0)).toEqual(['a {a:1}@1', 'b {b:2}@1']);
    expect(got).toEqual([]);
    b.current.complete();
    expect([log.splice(0), got]).toEqual([['a a:1>3@2'], ['resync@1 a applied, b applied']]);
    a.current.complete();
    b.current.complete();
    expect(log).toEqual(['b b:2>4@2']);
    expect(producer.settled).toEqual(['{a:1 b:2}@1 applied', 'a:1>3,b:2>4@2 applied']);
  });

  it('resyncs in the order in which the consumers were declared, every time', () => {
    const log: string[] = [];
    const names = ['e', 'b', 'd', 'a', 'c', 'f'];
    const { producer } = ordered(names.map((name) => quick(name, log)));
    for (const revision of [1, 2, 3]) producer.tell(`{}@${revision} reconnected`);
    expect(log.map((line) => line[0])).toEqual([...names, ...names, ...names]);
  });

  it('gives nobody a change before the whole round of the resync is through', () => {
    const { a, b, log, producer } = two();
    producer.tell('{a:1}@1', 'a:1>2@2');
    a.current.complete();
    expect(log).toEqual(['a {a:1}@1', 'b {}@1']);
    b.current.complete();
    expect(log.at(-1)).toBe('a a:1>2@2');
  });

  it('settles before it emits, and emits the event with the outcomes by name', () => {
    const producer = new Producer();
    const log: string[] = [];
    const a = new Worker('a');
    producer.source.pipe(toBytes, orderedResync([a.consumer(), quick('b', [])])).subscribe((result) => {
      log.push(...producer.settled, resultText(result));
      expect(result.event).toBeInstanceOf(ResyncEvent);
      expect(result.outcomes).toEqual({ a: { type: 'applied' }, b: { type: 'applied' } });
      expect('again' in result).toBe(false);
    });
    producer.tell('{a:1}@1');
    a.current.complete();
    expect(log).toEqual(['{a:1}@1 applied', 'resync@1 a applied, b applied']);
  });

  it('a change that says nothing to a consumer does not reach it', () => {
    const log: string[] = [];
    const { producer, got } = ordered([quick('a', log), quick('b', log)]);
    producer.tell('{}@1', 'b:1@2', 'c:1@3');
    expect(log.slice(2)).toEqual(['b b:1@2']);
    expect(got.slice(1)).toEqual(['change@2 a delivered, b applied', 'change@3 a delivered, b delivered']);
    expect(producer.settled.slice(1)).toEqual(['b:1@2 applied', 'c:1@3 delivered']);
  });

  it('first in first out, and discards nothing', () => {
    const { a, b, log, producer } = two();
    producer.tell('{}@1');
    a.current.complete();
    b.current.complete();
    producer.tell('a:1@2', '{a:1}@2 requested', 'a:1>3@3', 'a:3>4@4');
    for (let i = 0; i < 8; i++) for (const worker of [a, b]) worker.current.complete();
    expect(log.slice(2)).toEqual(['a a:1@2', 'a {=a:1}@2 requested', 'b {}@2 requested', 'a a:1>3@3', 'a a:3>4@4']);
    expect(producer.open).toBe(0);
  });

  it('empty', () => {
    const got: unknown[] = [];
    EMPTY.pipe(orderedResync([quick('a', [])])).subscribe({ complete: () => got.push('|') });
    expect(got).toEqual(['|']);
  });

  it('never', () => {
    NEVER.pipe(orderedResync([quick('a', [])])).subscribe(() => expect.unreachable());
  });

  it('source error: passed on at once, the running work and what waits are cancelled', () => {
    const { a, producer, got } = two();
    producer.tell('{a:1}@1', 'a:2@2');
    producer.error(new Error('no'));
    expect([got, a.current.observed]).toEqual([['# no'], false]);
    expect(producer.settled.sort()).toEqual(['a:2@2 cancelled', '{a:1}@1 cancelled']);
  });

  it('early unsubscribe: the work is stopped, then all is cancelled', () => {
    const source = new Subject<Event>();
    const events = [acked('{a:1}@1'), acked('a:2@2'), acked('{a:2}@2')];
    const log: string[] = [];
    const worker = new Worker('a');
    const subscription = source.pipe(toBytes, orderedResync([worker.consumer()])).subscribe();
    for (const { event: one, ack } of events) {
      source.next(one);
      ack.release();
    }
    worker.current.subscribe({ complete: () => log.push('done') });
    subscription.unsubscribe();
    expect(events.map(({ said }) => said)).toEqual([['cancelled'], ['superseded'], ['cancelled']]);
    expect([worker.works.length, log]).toEqual([1, []]);
  });

  it('synchronous source', () => {
    const log: string[] = [];
    const source = of(event('{a:1}@1'), event('a:2@2'), event('a:3@3'));
    const got: string[] = [];
    source.pipe(toBytes, orderedResync([quick('a', log)]), take(2)).subscribe((result) => got.push(resultText(result)));
    expect([log, got]).toEqual([
      ['a {a:1}@1', 'a a:2@2'],
      ['resync@1 a applied', 'change@2 a applied'],
    ]);
  });

  it('re-entrant consumer: what it writes is for the next round', () => {
    const source = new Subject<Event>();
    const log: string[] = [];
    const a = quick('a', log, {}, ({ revision }) => {
      if (revision < 3) source.next(event(`a:${revision}@${revision + 1}`));
    });
    source.pipe(toBytes, orderedResync([a])).subscribe(({ event: { revision } }) => {
      log.push(`result ${revision}`);
      if (revision === 3) source.next(event('a:9@4'));
    });
    source.next(event('{}@1'));
    const told = ['{}@1', 'a:1@2', 'a:2@3', 'a:9@4'].flatMap((text, index) => [`a ${text}`, `result ${index + 1}`]);
    expect(log).toEqual(told);
  });

  it('re-entrant consumer: a long chain of writes does not fill the stack', () => {
    const source = new Subject<Event>();
    let count = 0;
    const a = quick('a', [], {}, ({ revision }) => {
      count++;
      if (revision < 10_000) source.next(event(`a:1@${revision + 1}`));
    });
    source.pipe(toBytes, orderedResync([a])).subscribe();
    source.next(event('{}@1'));
    expect(count).toBe(10_000);
  });

  it('second resync while the first is open: a round of its own, after it', () => {
    const { a, b, log, producer } = two();
    producer.tell('{a:1}@1', '{a:2}@2 requested');
    a.current.complete();
    expect(log).toEqual(['a {a:1}@1', 'b {}@1']);
    b.current.complete();
    expect(log.at(-1)).toBe('a {a:1>2}@2 requested');
  });

  it('completion waits for the last round', () => {
    const { a, b, producer, got } = two();
    producer.tell('{a:1}@1', 'a:1>2@2');
    producer.complete();
    for (const worker of [a, b, a]) worker.current.complete();
    expect(got).toEqual(['resync@1 a applied, b applied', 'change@2 a applied, b delivered', '|']);
  });

  it('memory released: each event is let go of with its round', () => {
    const { a, b, producer } = two();
    producer.tell('{a:1}@1', 'a:1>2@2');
    expect(producer.open).toBe(2);
    a.current.complete();
    b.current.complete();
    expect(producer.open).toBe(1);
    a.current.complete();
    expect(producer.open).toBe(0);
  });

  it('each subscription works for itself', () => {
    const log: string[] = [];
    const both = of(event('{a:1}@1')).pipe(toBytes, orderedResync([quick('a', log)]));
    both.subscribe();
    both.subscribe();
    expect(log).toEqual(['a {a:1}@1', 'a {a:1}@1']);
  });

  it('a consumer may have any name', () => {
    const { producer, results } = ordered([quick('__proto__', []), quick('toString', [])]);
    producer.tell('{__proto__:1}@1');
    expect(Object.entries(results[0]!.outcomes)).toEqual([
      ['__proto__', { type: 'applied' }],
      ['toString', { type: 'applied' }],
    ]);
  });

  it('what is no event is an error of the stream', () => {
    const got: unknown[] = [];
    const source = of({ ...event('{a:1}@1') }) as unknown as Observable<DatasyncEvent<Uint8Array>>;
    source.pipe(orderedResync([quick('a', [])])).subscribe({ error: (error: unknown) => got.push(error) });
    expect(got).toMatchObject([{ code: 'INVALID_EVENT' }]);
  });

  it('values that are no bytes are rejected, with what the source needs', () => {
    const got: unknown[] = [];
    const source = of(event('{a:1}@1')) as unknown as Observable<DatasyncEvent<Uint8Array>>;
    const a = quick('a', [], {}, ({ rejected }) => got.push(rejected[0]?.error.message));
    source.pipe(orderedResync([a])).subscribe();
    expect(got).toEqual([expect.stringContaining('the source needs codec: bytesCodec')]);
  });
});

describe('what orderedResync refuses at once', () => {
  const a = quick('a', []);

  it.each([
    ['expected an array of at least one consumer', [], {}],
    ['expected an array of at least one consumer', a, {}],
    ['item 1 is no consumer: expected what consumer(…) returns', [a, { name: 'b', prefix: '', required: true }], {}],
    ["items 0 and 2 are both named 'a': each name once", [a, quick('b', []), quick('a', [])], {}],
    ["the option 'onFailure' must be 'continue' or 'stop' or 'retry', not \"ignore\"", [a], { onFailure: 'ignore' }],
    ["unknown option 'timeout'; known are onFailure, redeliver", [a], { timeout: 5 }],
    ["the option 'redeliver.count' must be a whole number, 0 or more", [a], { redeliver: { count: -1 } }],
    [
      "consumer 'b' has the option 'retry', which takes onFailure: 'retry'",
      [quick('b', [], { retry: { count: 1 } })],
      {},
    ],
  ])('%s', (message, consumers, config) => {
    expect(() => orderedResync(consumers as never, config as never)).toThrow(`[rx-datasync] orderedResync: ${message}`);
  });
});
