import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { filterByRevision } from '../../lib/operators/filterByRevision.ts';
import { acked, claiming, collect, type Event, event, Producer } from './support.ts';

function claimed() {
  const producer = new Producer();
  return { producer, ...claiming(producer.source.pipe(bufferDuringResync())) };
}

/** The first resync is open, some changes are held, the second resync comes. @returns how the consumer got it */
function second(
  first: string,
  held: readonly string[],
  resync: string,
): { got: string | undefined; settled: string[] } {
  const { producer, got } = claimed();
  producer.tell(first, ...held, resync);
  return { got: got[1], settled: producer.settled };
}

describe('a held change that a resync already contains', () => {
  it('is settled superseded, and the diff says what the consumer really holds', () => {
    const { got, settled } = second('{x:1}@1', ['x:1>2@2'], '{=x:2}@2 nacked');
    expect(settled).toEqual(['x:1>2@2 superseded']);
    expect(got).toBe('{x:1>2}@2 nacked');
  });

  it.each([
    ['{x:1}@1', ['+y:5@2'], '{=x:1 =y:5}@2', '{x:1 +y:5}@2', 'a new key is added'],
    ['{x:1}@1', ['!x:1@2'], '{}@2', '{!x:1}@2', 'a deleted key is removed'],
    ['{x:1}@1', ['x:1>2@2', 'x:2>3@3'], '{=x:3}@3', '{x:1>3}@3', 'the first previous value counts'],
    ['{x:1}@1', ['x:1>2@2', 'x:2>1@3'], '{=x:1}@3', '{x:1>1}@3', 'also when nothing is different'],
    ['{x:1}@1', ['!x:1@2', '+x:3@3'], '{=x:3}@3', '{x:1>3}@3', 'deleted and put again is changed'],
    ['{x:1}@1', ['+y:5@2'], '{x:1 !y:5}@3', '{x:1 !y}@3', 'a removed is never taken out'],
    ['{x:1}@1', ['x:1>2@2'], '{x:2>3}@3', '{x:1>3}@3', "and the resync's own change of that key is replaced"],
    ['{x:1}@1', ['+y:5@2'], '{x:1 y:5>6}@3', '{x:1 +y:6}@3', 'changed becomes added'],
    ['{x:1}@1', ['!x:1@2'], '{+x:4}@3', '{x:1>4}@3', 'added becomes changed'],
    ['{x:1 y:1}@1', ['x:1>2@2'], '{=x:2 y:1>2 +z:1}@3', '{x:1>2 y:1>2 +z:1}@3', 'other keys stay as they are'],
    ['{x:1 y:1}@1', ['x:1>2,!y:1,+z:7@2'], '{=x:2 =z:7}@2', '{x:1>2 !y:1 +z:7}@2', 'all keys of a transaction'],
  ])('%s, held %j, then %s: told as %s (%s)', (first, held, resync, expected) => {
    expect(second(first, held, `${resync} nacked`).got).toBe(`${expected} nacked`);
  });

  it('keeps the entries, the reason and the epoch as they are', () => {
    const told: Event[] = [];
    const producer = new Producer();
    producer.source.pipe(bufferDuringResync()).subscribe((one) => {
      told.push(one);
      if (told.length === 1) one.fail('no');
    });
    producer.tell('{x:1}@1', 'x:1>2@2', '{=x:2}@2 nacked');
    expect(told[1]).toMatchObject({
      epoch: 2,
      revision: 2,
      reason: 'nacked',
      entries: { items: [{ key: 'x', value: 2 }] },
    });
  });

  it('a null is a value', () => {
    const source = new Subject<Event>();
    const { got } = claiming(source.pipe(bufferDuringResync()));
    for (const text of ['{x:null}@1', '!x:null@2', '{}@2 nacked']) source.next(event(text));
    expect(got[1]).toBe('{!x:null}@2 nacked');
  });
});

describe('every resync is amended, until one has been settled well', () => {
  const failing = ['failed', 'timedOut', 'cancelled', 'superseded'] as const;

  it.each(failing)('again after one that was %s', (type) => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    for (const revision of [2, 3, 4]) {
      const ack = producer.tell(`{=x:2}@${revision} nacked`);
      ack.force(type === 'failed' ? { type, error: 'no' } : { type });
    }
    producer.tell('{=x:2}@5 nacked');
    claims.at(-1)!.done();
    producer.tell('{=x:2}@6 requested');
    expect(got.slice(1)).toEqual([
      '{x:1>2}@2 nacked',
      '{x:1>2}@3 nacked',
      '{x:1>2}@4 nacked',
      '{x:1>2}@5 nacked',
      '{=x:2}@6 requested',
    ]);
  });

  it('one that is merely delivered is settled well', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2', '{=x:2}@2 nacked');
    claims[1]!.release();
    producer.tell('{=x:2}@3 requested');
    expect(got[2]).toBe('{=x:2}@3 requested');
  });

  it('with what was thrown away since, from the first value on', () => {
    const { producer, got } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2', '{=x:2}@2 nacked', 'x:2>3@3', '+y:1@4', '{=x:3 =y:1}@4 nacked');
    expect(got[2]).toBe('{x:1>3 +y:1}@4 nacked');
  });

  it('a resync settled well clears the keys it named, no others', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1 y:1}@1', 'x:1>2@2', '{=x:2 =y:1}@2 nacked', 'y:1>2@3', '{=x:2 =y:2}@3 requested');
    // The second one is done only now; the third has named y meanwhile.
    claims[1]!.done();
    producer.tell('{=x:2 =y:2}@4 requested');
    expect(got.slice(1)).toEqual(['{x:1>2 y:1}@2 nacked', '{x:1>2 y:1>2}@3 requested', '{x:2 y:1>2}@4 requested']);
  });

  it('a resync that fails late was not settled well: its keys are named again', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    const ack = producer.tell('{=x:2}@2 nacked');
    claims[1]!.done();
    ack.note({ type: 'failed', error: 'on second thoughts' });
    producer.tell('{=x:2}@3 nacked');
    expect(got[2]).toBe('{x:1>2}@3 nacked');
    claims[2]!.done();
    producer.tell('{=x:2}@4 requested');
    expect(got[3]).toBe('{=x:2}@4 requested');
  });

  it('also when another one has been settled well since, that did not name them', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    const ack = producer.tell('{=x:2}@2 nacked');
    claims[1]!.done();
    producer.tell('{=x:2}@3 requested');
    claims[2]!.done();
    ack.note({ type: 'failed', error: 'on second thoughts' });
    producer.tell('x:2>3@4');
    expect(got.slice(2)).toEqual(['{=x:2}@3 requested', 'x:2>3@4']); // it is not the latest: changes flow
    producer.tell('{=x:3}@5 nacked');
    expect(got[4]).toBe('{x:1>3}@5 nacked');
  });
});

describe('which held changes a resync contains', () => {
  it('those of an older epoch, whatever their revision: a counter may have started again', () => {
    const { got, settled } = second('{x:1}@8', ['x:1>2@9'], '{=x:2}@3 reconnected');
    expect([got, settled]).toEqual(['{x:1>2}@3 reconnected', ['x:1>2@9 superseded']]);
  });

  it('not a newer one of the same epoch, or of no epoch', () => {
    for (const epoch of [0, 3]) {
      const source = new Subject<Event>();
      const { got } = collect(source.pipe(bufferDuringResync()));
      source.next(event('x:2@2', 3));
      source.next(event('{x:1}@1', epoch));
      expect(got).toEqual(['{x:1}@1', 'x:2@2']);
    }
  });

  it('of hand-made events, those of no greater revision; the others stay behind it', () => {
    const source = new Subject<Event>();
    const { got } = collect(source.pipe(bufferDuringResync()));
    for (const text of ['x:2@6', 'x:3@7', 'x:4@8', 'x:5@9', '{x:3}@7']) source.next(event(text));
    expect(got).toEqual(['{x:3}@7', 'x:4@8', 'x:5@9']);
  });

  it('after regressed, all', () => {
    const source = new Subject<Event>();
    const { got } = collect(source.pipe(bufferDuringResync()));
    for (const text of ['x:2@60', 'x:3@70', '{x:1}@7 regressed', 'x:4@8']) source.next(event(text));
    expect(got).toEqual(['{x:1}@7 regressed', 'x:4@8']);
  });

  it('late ones are not its business: behind the open resync they wait, filterByRevision drops them', () => {
    const source = new Subject<Event>();
    const { got, claims } = claiming(source.pipe(bufferDuringResync(), filterByRevision()));
    for (const text of ['{x:1}@7', 'x:0@6', 'x:2@8']) source.next(event(text));
    claims[0]!.done();
    expect(got).toEqual(['{x:1}@7', 'x:2@8']);
  });
});

describe('a late failure of the latest resync', () => {
  it('closes it again: changes wait for the next one', () => {
    const { producer, got, claims } = claimed();
    const ack = producer.tell('{x:1}@1');
    claims[0]!.done();
    producer.tell('x:1>2@2');
    ack.note({ type: 'failed', error: 'on second thoughts' });
    producer.tell('x:2>3@3', '{=x:3}@3 nacked', 'x:3>4@4');
    claims[1]!.done();
    expect(got).toEqual(['{x:1}@1', 'x:1>2@2', '{x:3}@3 nacked', 'x:3>4@4']);
  });

  it('said by a change that is let through stops the rest', () => {
    const producer = new Producer();
    const got: number[] = [];
    let resync: Event | undefined;
    producer.source.pipe(bufferDuringResync()).subscribe((one) => {
      got.push(one.revision);
      if (one.type === 'resync') resync = one;
      if (one.revision === 2) resync!.fail('no');
    });
    producer.tell('+x:2@2', 'x:2>3@3', '{}@1', 'x:3>4@4');
    expect(got).toEqual([1, 2]);
    expect(producer.settled).toContain('{}@1 late failed');
  });

  it('completed meanwhile, what is held is cancelled', () => {
    const { producer, got, claims } = claimed();
    const ack = producer.tell('{x:1}@1');
    claims[0]!.done();
    ack.note({ type: 'failed', error: 'no' });
    producer.tell('x:1>2@2');
    producer.complete();
    expect(got).toEqual(['{x:1}@1', '|']);
    expect(producer.settled.at(-1)).toBe('x:1>2@2 cancelled');
  });
});

describe('a hand-made resync that is older than what was let through', () => {
  const given = (...texts: string[]) => {
    const source = new Subject<Event>();
    const { got } = collect(source.pipe(bufferDuringResync()));
    for (const text of texts) source.next(event(text));
    return got;
  };

  it('is settled superseded, and changes nothing', () => {
    expect(given('{x:1}@5', 'x:2@6', '{x:1}@5', '{x:0}@4', 'x:3@7')).toEqual(['{x:1}@5', 'x:2@6', 'x:3@7']);
    const source = new Subject<Event>();
    collect(source.pipe(bufferDuringResync()));
    const { event: older, ack, said } = acked('{x:0}@4');
    for (const one of [event('{x:1}@5'), older]) source.next(one);
    ack.release();
    expect(said).toEqual(['superseded']);
    const producer = new Producer();
    collect(producer.source.pipe(bufferDuringResync()));
    producer.tell('{x:1}@5', '{x:0}@4');
    expect(producer.settled.at(-1)).toBe('{x:0}@4 delivered'); // one of a source, with an epoch, always passes
  });

  it('passes with reason regressed, or at the same revision', () => {
    expect(given('{x:1}@5', 'x:2@6', '{x:0}@4 regressed', 'x:3@5')).toEqual([
      '{x:1}@5',
      'x:2@6',
      '{x:0}@4 regressed',
      'x:3@5',
    ]);
    expect(given('{x:1}@5', '{x:1}@5 requested')).toHaveLength(2);
  });

  it('does not open what a failed one has closed', () => {
    const source = new Subject<Event>();
    const { got, claims } = claiming(source.pipe(bufferDuringResync()));
    source.next(event('{x:1}@5'));
    claims[0]!.fail('no');
    for (const text of ['x:2@6', '{x:0}@4', 'x:3@7']) source.next(event(text));
    expect(got).toEqual(['{x:1}@5']);
  });
});
