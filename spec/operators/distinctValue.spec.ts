import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { distinctValue } from '../../lib/operators/distinctValue.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { acked, claiming, collect, type Event, event, Producer } from './support.ts';

const values = { R: '{x:1}@1', a: 'x:1>1@2', b: 'x:1>2@3', c: 'x:2>2@4', S: '{x:2}@5 requested', d: 'x:2>2@6' };
const no = new Error('no');

function expectDistinct(given: string, expected: string, error?: unknown): void {
  runMarbles(({ cold, expectEvents }) => {
    expectEvents(cold<number>(given, values, error).pipe(distinctValue())).toBe(expected, values, error);
  });
}

/** What comes out for what goes in, with the values that count as equal when they are less than 5 apart. */
function near(...texts: string[]): string[] {
  const producer = new Producer();
  const { got } = collect(producer.source.pipe(distinctValue((told, value) => Math.abs(told - value) < 5)));
  producer.tell(...texts);
  return got;
}

/** The same with the default comparator. */
function distinct(...texts: string[]): { got: string[]; producer: Producer } {
  const producer = new Producer();
  const { got } = collect(producer.source.pipe(distinctValue()));
  producer.tell(...texts);
  return { got, producer };
}

describe('distinctValue', () => {
  it('passes what says something new, and drops the rest', () => {
    expectDistinct('-R-a-b-c-S-d-|', '-R---b---S---|');
  });

  it('passes the same object where nothing of it is dropped', () => {
    const events = [event('{x:1}@1'), event('x:1>2,!y:1@2')];
    const got: Event[] = [];
    of(...events)
      .pipe(distinctValue())
      .subscribe((one) => got.push(one));
    // A hand-made event is given an ack on a copy.
    expect(got).toEqual(events);
    const { event: withAck } = acked('x:1>2@3');
    of(withAck)
      .pipe(distinctValue())
      .subscribe((one) => got.push(one));
    expect(got[2]).toBe(withAck);
  });

  it('compares in depth: objects, arrays, bytes', () => {
    const source = new Subject<Event>();
    const { got } = collect(source.pipe(distinctValue()));
    const put = (prevValue: unknown, value: unknown) => {
      const change = event('x:1>1@2') as Extract<Event, { type: 'change' }>;
      const changes = [{ op: 'put', key: 'x', value, prevValue, revision: 2 }];
      source.next(change.with({ changes: changes as typeof change.changes }));
    };
    put({ a: [1, { b: null }] }, { a: [1, { b: null }] });
    put(new Uint8Array([1, 2]), new Uint8Array([1, 2]));
    put(Number.NaN, Number.NaN);
    put(null, null);
    expect(got).toEqual([]);
    put({ a: 1 }, { a: 1, b: 2 });
    put([1], { 0: 1 });
    put(null, 0);
    expect(got).toHaveLength(3);
  });

  it('takes of a transaction what is equal, and leaves the rest with its revision', () => {
    expect(distinct('{x:1 y:1}@1', 'x:1>1,y:1>2@2', 'x:1>1,!y:2@3').got).toEqual(['{x:1 y:1}@1', 'y:1>2@2', '!y:2@3']);
  });

  it('always tells a delete, and a put after it', () => {
    expect(distinct('{x:1}@1', '!x:1@2', '+x:1@3', 'x:1>1@4').got).toEqual(['{x:1}@1', '!x:1@2', 'x:1@3']);
  });

  it('does not know the previous value of what was made by hand, and tells it', () => {
    const source = of(event('{x:1}@1'), event('x:1@2'));
    expect(collect(source.pipe(distinctValue())).got).toEqual(['{x:1}@1', 'x:1@2', '|']);
  });

  it('settles what it drops delivered: the source goes on', () => {
    const { producer } = distinct('{x:1}@1', 'x:1>1@2', 'x:1>2@3');
    expect(producer.settled).toEqual(['{x:1}@1 delivered', 'x:1>1@2 delivered', 'x:1>2@3 delivered']);
    expect(producer.open).toBe(0);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(distinctValue())).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(distinctValue())).got).toEqual([]);
  });

  it('source error', () => {
    expectDistinct('-R-a#', '-R--#', no);
  });

  it('an error of the comparator ends the stream, and lets go of the source', () => {
    const producer = new Producer();
    const failing = distinctValue<number>(() => {
      throw no;
    });
    const { got } = collect(producer.source.pipe(failing));
    producer.tell('{x:1}@1', 'x:1>1@2', 'x:1>2@3');
    expect([got, producer.subscribed, producer.open]).toEqual([['{x:1}@1', '# no'], false, 0]);
  });

  it('early unsubscribe', () => {
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold<number>('-R-a-b-|', values);
      expectEvents(source.pipe(distinctValue()), '^-----!').toBe('-R---b', values);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    });
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:1>1@2'), event('x:1>2@3'), event('x:2>3@4'));
    expect(collect(source.pipe(distinctValue(), take(2))).got).toEqual(['{x:1}@1', 'x:1>2@3', '|']);
  });

  it('re-entrant consumer', () => {
    const source = new Subject<Event>();
    const got: number[] = [];
    source.pipe(distinctValue()).subscribe(({ revision }) => {
      got.push(revision);
      if (revision === 1) for (const text of ['x:1>1@2', 'x:1>2@3']) source.next(event(text));
    });
    source.next(event('{x:1}@1'));
    expect(got).toEqual([1, 3]);
  });

  it('second resync while the first is open: both pass', () => {
    const producer = new Producer();
    const { got } = claiming(producer.source.pipe(distinctValue()));
    producer.tell('{x:1}@1', '{x:1}@1 nacked', 'x:1>1@2');
    expect(got).toEqual(['{x:1}@1', '{x:1}@1 nacked']);
  });

  it('each subscription compares for itself', () => {
    const source = new Subject<Event>();
    const distinctSource = source.pipe(distinctValue((told, value) => Math.abs(told - value) < 5));
    const first = collect(distinctSource);
    source.next(event('x:1>3@1'));
    const second = collect(distinctSource);
    source.next(event('x:3>7@2'));
    expect([first.got, second.got]).toEqual([['~x:1>7@2'], []]);
  });

  it('memory released', () => {
    const producer = new Producer();
    const { unsubscribe } = collect(producer.source.pipe(distinctValue()));
    producer.tell('{x:1}@1', 'x:1>1@2');
    unsubscribe();
    expect([producer.open, producer.subscribed]).toEqual([0, false]);
  });

  it('wrong configuration throws at creation', () => {
    for (const wrong of ['deep', null, {}]) {
      expect(() => distinctValue(wrong as never)).toThrow(
        "[rx-datasync] distinctValue: the option 'comparator' must be a function",
      );
    }
  });
});

describe('a comparator that takes different values for equal', () => {
  it('compares with what was told, not with what was dropped: nothing drifts away', () => {
    expect(near('{x:10}@1', 'x:10>13@2', 'x:13>16@3', 'x:16>19@4')).toEqual(['{x:10}@1', '~x:10>16@3']);
  });

  it('previous values are those that were told; states that were skipped are said to be', () => {
    expect(near('{x:10}@1', 'x:10>13@2', '!x:13@3')).toEqual(['{x:10}@1', '~!x:10@3']);
    expect(near('{x:10}@1', 'x:10>13@2', 'x:13>10@3', 'x:10>20@4')).toEqual(['{x:10}@1', 'x:10>20@4']);
    expect(near('{x:10}@1', '~x:10>13,y:1>1@2', '~x:13>20@3')).toEqual(['{x:10}@1', '~x:10>20@3']);
  });

  it('the last good value of a key that cannot be read any more is the one that was told', () => {
    expect(near('{x:10}@1', 'x:10>13@2', 'x:13?@3')).toEqual(['{x:10}@1', 'x:10?@3']);
  });

  it('a resync starts from what was told, and names what was dropped since', () => {
    const held = ['{x:10 y:1}@1', 'x:10>13@2'] as const;
    expect(near(...held, '{x:13 y:1>2}@3 requested').at(-1)).toBe('{x:10>13 y:1>2}@3 requested');
    expect(near(...held, '{x:13>30 y:1>2}@3 requested').at(-1)).toBe('{x:10>30 y:1>2}@3 requested');
    expect(near(...held, '{y:1 !x:13}@3 requested').at(-1)).toBe('{!x:10 y:1}@3 requested');
    // A suspect that was absent when all was well.
    expect(near(...held, '{+x:13 y:1}@3 nacked').at(-1)).toBe('{+x:13 y:1}@3 nacked');
  });

  it('a resync tells everything: from there on its values count', () => {
    const texts = ['{x:10}@1', 'x:10>13@2', '{x:13 +y:1}@3 requested', 'x:13>17@4', '{x:17 y:1>2}@5 requested'];
    expect(near(...texts)).toEqual(['{x:10}@1', '{x:10>13 +y:1}@3 requested', '{x:13>17 y:1>2}@5 requested']);
  });
});

describe('in doubt it tells: the consumer may not hold what it was told', () => {
  /** What passes of one more equal put, after the consumer has said something of what was told before. */
  function afterwards(say: (told: Event, index: number) => void, ...texts: string[]): string[] {
    const producer = new Producer();
    const got: string[] = [];
    let index = 0;
    producer.source.pipe(distinctValue()).subscribe((one) => {
      got.push(`${one.type} ${one.revision}`);
      say(one, index++);
    });
    producer.tell(...texts);
    return got;
  }

  it('after a change that failed, until one has been settled well', () => {
    const texts = ['{x:1}@1', 'x:1>2@2', 'x:2>2@3', 'x:2>2@4', 'x:2>2@5'];
    const got = afterwards((one) => one.revision < 4 && one.type === 'change' && one.fail(no), ...texts);
    expect(got).toEqual(['resync 1', 'change 2', 'change 3', 'change 4']);
  });

  it('after a late failure too; other keys are not concerned', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(distinctValue()));
    producer.tell('{x:1 y:1}@1');
    const ack = producer.tell('x:1>2@2');
    ack.note({ type: 'failed', error: no });
    producer.tell('y:1>1@3', 'x:2>2@4');
    expect(got).toEqual(['{x:1 y:1}@1', 'x:1>2@2', 'x:2>2@4']);
  });

  it('after a resync that failed, all keys, until the next', () => {
    const texts = ['{x:1 y:1}@1', 'x:1>1@2', 'y:1>1@3', '{x:1 y:1}@3 nacked', 'x:1>1@4'];
    const got = afterwards((one, index) => index === 0 && one.fail(no), ...texts);
    expect(got).toEqual(['resync 1', 'change 2', 'change 3', 'resync 3']);
  });

  it('not after a resync that failed late and was followed by another', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(distinctValue()));
    const first = producer.tell('{x:1}@1');
    producer.tell('{x:1}@2 requested');
    first.note({ type: 'failed', error: no });
    producer.tell('x:1>1@3');
    expect(got).toEqual(['{x:1}@1', '{x:1}@2 requested']);
  });

  it('after a key could not be read, recovery is told, even with the last good value', () => {
    const texts = ['{x:1}@1', 'x:1?@2', 'x:1>1@3', 'x:1>1@4'];
    expect(distinct(...texts).got).toEqual(['{x:1}@1', 'x:1?@2', 'x:1>1@3']);
    const resynced = ['{x:1?}@1', 'x:1>1@2', 'x:1>1@3'];
    expect(distinct(...resynced).got).toEqual(['{x:1?}@1', 'x:1>1@2']);
  });

  it('not after a change that a resync replaced: that has told its keys', () => {
    const producer = new Producer();
    const { got, claims } = claiming(producer.source.pipe(distinctValue(), bufferDuringResync()));
    producer.tell('{x:1}@1', 'x:1>2@2', '{x:2}@2 requested', 'x:2>2@3');
    for (const claim of claims) claim.done();
    expect(got).toEqual(['{x:1}@1', '{x:1>2}@2 requested']);
    expect(producer.settled).toContain('x:1>2@2 superseded');
  });
});
