import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { mapValue } from '../../lib/operators/mapValue.ts';
import { mergeSources } from '../../lib/operators/mergeSources.ts';
import { notation } from '../../lib/testing/notation.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

const tenfold = mapValue((value: number) => value * 10);
/** Refuses what is negative. */
const positive = mapValue((value: number) => {
  if (value < 0) throw new Error('it is negative');
  return value * 10;
});

function mapped(operator: typeof tenfold, ...texts: string[]): Event[] {
  const got: Event[] = [];
  of(...texts.map((text) => event(text)))
    .pipe(operator)
    .subscribe((one) => got.push(one));
  return got;
}

/** Events as texts say, and in no field that is written otherwise. */
function like(...texts: string[]): unknown[] {
  return texts.map((text) => notation.expectation(text));
}

describe('mapValue', () => {
  it('passes each event with its values mapped', () => {
    const values = { R: '{x:1 y:2}@1', a: 'x:1>3@2', b: '!y:2@3' };
    const expected = { R: '{x:10 y:20}@1', a: 'x:10>30@2', b: '!y:20@3' };
    runMarbles(({ cold, expectEvents }) => {
      expectEvents(cold<number>('-R-a-b-|', values).pipe(tenfold)).toBe('-R-a-b-|', expected);
    });
  });

  it.each([
    ['{x:1? y:?}@1', '{x:10? y:?}@1'],
    ['x:1>2,!y:3,+z:4@1', 'x:10>20,!y:30,+z:40@1'],
    ['~x:2@8', '~x:20@8'],
    ['{x:1@5}@7', '{x:10@5}@7'],
  ])('%s becomes %s', (text, expected) => {
    expect(mapped(tenfold, text)).toEqual(like(expected));
  });

  it('a resync has its diff against what went through here', () => {
    const told = mapped(tenfold, '{x:1 z:3 w:5}@1', '{=x:1@1 +y:2 z:3>4 !w:5}@9 requested');
    expect(told.slice(1)).toEqual(like('{=x:10@1 +y:20 z:30>40 !w:50}@9 requested'));
  });

  it('gives the key too, and keeps epoch, prefixes and ack', () => {
    const producer = new Producer();
    const got: unknown[] = [];
    producer.source.pipe(mapValue((value, key) => `${key}=${value}`)).subscribe((one) => {
      got.push([one.epoch, one.type === 'resync' ? [one.prefixes, one.entries.items] : one.changes]);
      one.done();
    });
    producer.tell('{x:1}@1', 'x:1>2@2');
    expect(got).toEqual([
      [1, [[''], [{ key: 'x', value: 'x=1', revision: 1 }]]],
      [1, [{ op: 'put', key: 'x', value: 'x=2', prevValue: 'x=1', revision: 2 }]],
    ]);
    expect(producer.settled).toEqual(['{x:1}@1 applied', 'x:1>2@2 applied']);
  });

  it('says whose each value is below mergeSources, also of one that is not mapped again', () => {
    const files = new Producer();
    const memory = new Producer();
    const events: Event[] = [];
    mergeSources({ files: files.source, memory: memory.source })
      .pipe(tenfold)
      .subscribe((one) => events.push(one));
    files.tell('{x:1}@1');
    memory.tell('{x:1 z:3}@1', '+y:2@2');
    files.tell('!x:1@2');
    memory.tell('!z:3@3');
    files.tell('{y:4}@3 reconnected');
    expect(events).toMatchObject([
      {
        entries: {
          items: [
            { key: 'x', value: 10, from: 'files' },
            { key: 'z', value: 30, from: 'memory' },
          ],
        },
        diff: { added: [{ from: 'files' }, { from: 'memory' }] },
      },
      { changes: [{ op: 'put', key: 'y', value: 20, from: 'memory' }] },
      { changes: [{ op: 'put', key: 'x', value: 10, from: 'memory' }] },
      { changes: [{ op: 'delete', key: 'z', from: 'memory' }] },
      { diff: { changed: [{ key: 'y', value: 40, from: 'files' }] } },
    ]);
    expect(mapped(tenfold, '{x:1}@1', 'x:1>2@2')).toEqual([
      expect.objectContaining({ entries: ResyncEvent.of({ x: 10 }, 1).entries }),
      expect.objectContaining({ changes: [{ op: 'put', key: 'x', value: 20, prevValue: 10, revision: 2 }] }),
    ]);
  });

  it('a value that stays is mapped once, and keeps its identity: as previous value, and from resync to resync', () => {
    let calls = 0;
    const seen: unknown[] = [];
    const source = of(event('{x:1 y:1}@1'), event('x:1>2@2'), event('{=x:2@2 =y:1@1}@3'), event('!y:1@4'));
    const boxed = mapValue((value: number) => ({ value, call: ++calls }));
    source.pipe(boxed).subscribe((one) => {
      if (one.type === 'resync') seen.push(...one.entries.sorted().map(({ value }) => value));
      else seen.push(one.changes[0]!.op === 'put' ? one.changes[0]!.value : undefined, one.changes[0]!.prevValue);
    });
    const [x1, y1, x2, before, x2Again, y1Again, , yBefore] = seen;
    expect([calls, seen.length]).toEqual([3, 8]);
    expect([before === x1, x2Again === x2, y1Again === y1, yBefore === y1]).toEqual([true, true, true, true]);
  });

  it('a value of another revision is the same value, at that revision', () => {
    expect(mapped(tenfold, '{x:1}@1', 'x:1>1@2', '{=x:1@2}@3')).toEqual(like('{x:10}@1', 'x:10>10@2', '{=x:10@2}@3'));
  });

  it('each subscription maps for itself', () => {
    let calls = 0;
    const source = of(event('{x:1}@1')).pipe(mapValue(() => ++calls));
    expect([collect(source).got, collect(source).got]).toEqual([
      ['{x:1}@1', '|'],
      ['{x:2}@1', '|'],
    ]);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(tenfold)).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(tenfold)).got).toEqual([]);
  });

  it('source error', () => {
    runMarbles(({ cold, expectEvents }) => {
      expectEvents(cold<number>('-R#', { R: '{a:1}@1' }, 'no').pipe(tenfold)).toBe('-R#', { R: '{a:10}@1' }, 'no');
    });
  });

  it('early unsubscribe', () => {
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold<number>('-R-a', { R: '{a:1}@1', a: 'a:2@2' });
      expectEvents(source.pipe(tenfold), '^-!').toBe('-R', { R: '{a:10}@1' });
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:1>2@2'), event('x:2>3@3'));
    expect(collect(source.pipe(tenfold, take(2))).got).toEqual(['{x:10}@1', 'x:10>20@2', '|']);
  });

  it('re-entrant consumer', () => {
    const source = new Subject<Event>();
    const got: unknown[] = [];
    source.pipe(tenfold).subscribe((one) => {
      got.push(one.type === 'change' ? one.changes[0]!.prevValue : one.revision);
      if (one.revision === 1) source.next(event('a:1>2@2'));
    });
    source.next(event('{a:1}@1'));
    expect(got).toEqual([1, 10]);
  });

  it('no function is refused at once', () => {
    expect(() => mapValue(5 as never)).toThrow("mapValue: the option 'project' must be a function, not 5");
  });
});

describe('a value that cannot be mapped', () => {
  it('is rejected, with the key and the cause; its last good value stays', () => {
    const got: unknown[] = [];
    of(event('{x:1}@1'), event('x:1>-2@2'))
      .pipe(positive)
      .subscribe((one) => got.push(one.rejected));
    expect(got[1]).toMatchObject([
      {
        key: 'x',
        raw: undefined,
        lastGood: 10,
        error: { code: 'DECODE_FAILED', key: 'x', cause: { message: 'it is negative' } },
      },
    ]);
    expect(String((got[1] as [{ error: Error }])[0].error.message)).toBe(
      '[rx-datasync] mapValue: the value of "x" cannot be mapped: it is negative',
    );
  });

  it('so is a Promise, which nobody would wait for, and nobody would hear fail', () => {
    const operator = mapValue(async (value: number) => {
      await Promise.resolve();
      throw new Error(`unhandled, this would fail the run: ${value}`);
    });
    const [told] = mapped(operator as never, '{x:1}@1');
    expect(told).toEqual(like('{x:?}@1')[0]);
    expect(told!.rejected[0]!.error.message).toMatch('the function is asynchronous, and must not be');
  });

  it('so is undefined', () => {
    const operator = mapValue((value: number) => (value < 0 ? (undefined as never) : value));
    expect(mapped(operator, '{x:-1 y:1}@1')).toEqual(like('{+y:1 x:?}@1'));
  });

  it.each([
    ['in a first resync it is absent', ['{x:-1 y:1}@1'], ['{+y:10 x:?}@1']],
    ['in a change of others', ['{y:1}@1', 'x:-1,y:1>2@2'], ['{y:10}@1', 'x:?,y:10>20@2']],
    ['twice', ['{x:1}@1', 'x:1>-1@2', 'x:-1>-2@3'], ['{x:10}@1', 'x:10?@2', 'x:10?@3']],
    ['then it is good again', ['{x:1}@1', 'x:1>-1@2', 'x:-1>1@3'], ['{x:10}@1', 'x:10?@2', 'x:10>10@3']],
    ['never good, then good', ['{x:-1}@1', 'x:-1>1@2'], ['{x:?}@1', '+x:10@2']],
    ['then it is gone', ['{x:1}@1', 'x:1>-1@2', '!x:-1@3'], ['{x:10}@1', 'x:10?@2', '!x:10@3']],
    ['never good, then gone: told once', ['{x:-1}@1', '!x:-1@2'], ['{x:?}@1', '!x@2']],
    ['gone and bad: nothing is left of it', ['{x:1}@1', '!x:1@2', 'x:-1@3'], ['{x:10}@1', '!x:10@2', 'x:?@3']],
    ['a resync keeps the last good one', ['{x:1}@1', '{x:1>-1}@2'], ['{x:10}@1', '{=x:10?@1}@2']],
    ['and names it again', ['{x:1}@1', 'x:1>-1@2', '{=x:-1@2}@3'], ['{x:10}@1', 'x:10?@2', '{=x:10?@1}@3']],
    ['good again in a resync', ['{x:1}@1', 'x:1>-1@2', '{x:-1>3}@3'], ['{x:10}@1', 'x:10?@2', '{x:10>30}@3']],
    ['new in a resync', ['{y:1}@1', '{=y:1@1 +x:-1}@2'], ['{y:10}@1', '{=y:10@1 x:?}@2']],
    ['never good, good in a resync: it is new', ['{x:-1}@1', '{x:-1>3}@2'], ['{x:?}@1', '{+x:30}@2']],
    ['gone in a resync', ['{x:1}@1', 'x:1>-1@2', '{!x:-1}@3'], ['{x:10}@1', 'x:10?@2', '{!x:10}@3']],
    ['gone in a resync, never good', ['{x:-1}@1', '{!x:-1}@3'], ['{x:?}@1', '{!x}@3']],
  ])('%s', (_, texts, expected) => {
    expect(mapped(positive, ...texts)).toEqual(like(...expected));
  });

  it.each([
    ['what was told last stays, although the diff goes back behind it', '{x:1}@1', 'x:1>2@2', '{x:10>20?@2}@3'],
    ['a key that was new in it is so with its last good value', '{}@1', '+x:2@2', '{+x:20?@2}@3'],
  ])('after an event that failed: %s', (_, first, change, expected) => {
    const producer = new Producer();
    const got: Event[] = [];
    producer.source.pipe(positive).subscribe((one) => {
      got.push(one);
      if (one.type === 'change') one.fail('no');
    });
    producer.tell(first, change, '{x:1>-3}@3', '{x:-3>-4}@4');
    expect(got.slice(2)).toEqual(like(expected, '{=x:20?@2}@4'));
  });

  it('after an event that failed: a key that is bad now, and was deleted before, is removed', () => {
    const producer = new Producer();
    const got: Event[] = [];
    producer.source.pipe(positive).subscribe((one) => {
      got.push(one);
      if (one.revision === 2) one.fail('no');
    });
    producer.tell('{x:1}@1', '!x:1@2', '+x:-1@3', '{x:1>-1}@3 nacked');
    expect(got.slice(3)).toEqual(like('{!x:10 x:?}@3 nacked'));
  });

  it('what was rejected above is rejected below, with the value that was told here', () => {
    expect(mapped(tenfold, '{x:1 y:?}@1', 'x:1?@2', '{=x:1?@1 y:?}@3')).toEqual(
      like('{+x:10 y:?}@1', 'x:10?@2', '{=x:10?@1 y:?}@3'),
    );
    expect(mapped(positive, '{x:1}@1', 'x:1>-1@2', 'x:-1?@3').slice(2)).toEqual(like('x:10?@3'));
  });

  it('above and here: named once', () => {
    const bad = event('{x:-1?}@1') as ResyncEvent<number>;
    const got: Event[] = [];
    of(bad, ChangeEvent.of((event('x:-2@2') as ChangeEvent<number>).changes, 2, { rejected: bad.rejected }))
      .pipe(positive)
      .subscribe((one) => got.push(one));
    expect(got.map(({ rejected }) => rejected.map(({ key }) => key))).toEqual([['x'], ['x']]);
  });
});
