import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, type DatasyncEvent, ResyncEvent } from '../../lib/model/events.ts';
import { toState } from '../../lib/operators/toState.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

const values = {
  R: '{x:1 y:2}@7',
  S: '{x:3}@9 requested',
  E: '{=}@10 requested',
  a: 'x:3@8',
  b: '!y@9',
  c: 'x:1,z:5@8',
  n: '!q@8',
  1: '{x:1 y:2}',
  2: '{x:3 y:2}',
  3: '{x:3}',
  4: '{x:1 y:2 z:5}',
  0: '{}',
};

function expectStates(given: string, expected: string, error?: unknown): void {
  runMarbles(({ cold, expectEvents }) => {
    expectEvents(cold(given, { ...values, E: ResyncEvent.of({}, 10) }, error).pipe(toState())).toBe(
      expected,
      values,
      error,
    );
  });
}

/** The states themselves, for looking at their identity. */
function states<T>(...events: DatasyncEvent<T>[]): ReadonlyMap<string, T>[] {
  const got: ReadonlyMap<string, T>[] = [];
  of(...events)
    .pipe(toState())
    .subscribe((state) => got.push(state));
  return got;
}

describe('toState', () => {
  it('passes the whole view, for each event that changes it', () => {
    expectStates('-R-a-b-|', '-1-2-3-|');
    expectStates('-R-c-S-|', '-1-4-3-|');
  });

  it('emits nothing before the first resync', () => {
    expectStates('-a-b-R-|', '-----1-|');
  });

  it('emits the empty view too', () => {
    expectStates('-E-R-E-|', '-0-1-0-|');
  });

  it('emits nothing for an event that changes no value', () => {
    expectStates('-R-n-R-a-a-S-b-S-|', '-1-----2---3-----|');
  });

  it('makes a new Map for each emission, and never writes to one it gave', () => {
    const [first, second] = states<number>(ResyncEvent.of({ x: 1, y: 2 }, 1), ChangeEvent.put('x', 3, 2));
    expect(first).not.toBe(second);
    expect(new Map(first)).toEqual(new Map(Object.entries({ x: 1, y: 2 })));
    expect(new Map(second)).toEqual(new Map(Object.entries({ x: 3, y: 2 })));
  });

  it('values keep their identity', () => {
    const x = { n: 1 };
    const y = { n: 2 };
    const [first, second, third] = states<{ n: number }>(
      ResyncEvent.of({ x, y }, 1),
      ChangeEvent.put('z', { n: 3 }, 2),
      ResyncEvent.of({ x, y: { n: 2 } }, 3),
    );
    expect([first!.get('x'), second!.get('x'), third!.get('x')].every((value) => value === x)).toBe(true);
    expect(second!.get('y')).toBe(y);
    expect([third!.get('y') === y, third!.has('z')]).toEqual([false, false]);
  });

  it('a resync with the very same values is no news', () => {
    const x = { n: 1 };
    expect(states(ResyncEvent.of({ x }, 1), ResyncEvent.of({ x }, 2, { reason: 'reconnected' }))).toHaveLength(1);
    expect(states(ResyncEvent.of({ x }, 1), ResyncEvent.of({ x: { n: 1 } }, 2))).toHaveLength(2);
  });

  it('a resync that replaces one key by another is', () => {
    const [, second] = states(ResyncEvent.of({ x: 1 }, 1), ResyncEvent.of({ y: 1 }, 2));
    expect([...second!]).toEqual([['y', 1]]);
  });

  it('a transaction is one step', () => {
    const got = states<number>(ResyncEvent.of({ x: 1 }, 1), event('y:1,z:2,!x@2'));
    expect(got).toHaveLength(2);
    expect(new Map(got[1])).toEqual(new Map(Object.entries({ y: 1, z: 2 })));
  });

  it('a rejected key keeps its last good value', () => {
    const error = new DatasyncError('DECODE_FAILED', 'bad');
    const got = states<number>(
      ResyncEvent.of({ x: 1 }, 1),
      ChangeEvent.of<number>([], 2, { rejected: [{ key: 'x', raw: undefined, error, lastGood: 1 }] }),
      ResyncEvent.of({ x: 1 }, 3, { rejected: [{ key: 'y', raw: undefined, error }] }),
    );
    expect(got.map((state) => [...state])).toEqual([[['x', 1]]]);
  });

  it('knows null from absent', () => {
    const got = states<number | null>(
      ResyncEvent.of({ x: null }, 1),
      ChangeEvent.put('y', null, 2),
      ChangeEvent.delete('x', 3),
    );
    expect(got.map((state) => [...state])).toEqual([[['x', null]], expect.any(Array), [['y', null]]]);
  });

  it('claims nothing: events settle delivered', () => {
    const producer = new Producer();
    collect(producer.source.pipe(toState()));
    producer.tell('x:0@0', '{x:1}@1', 'x:2@2', '!q@3');
    expect(producer.settled).toEqual(['x:0@0 delivered', '{x:1}@1 delivered', 'x:2@2 delivered', '!q@3 delivered']);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(toState())).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(toState())).got).toEqual([]);
  });

  it('source error', () => {
    expectStates('-R-a#', '-1-2#', new Error('no route'));
  });

  it('early unsubscribe', () => {
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R-a-b-|', values);
      expectEvents(source.pipe(toState()), '^---!').toBe('-1-2', values);
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:2@2'), event('x:3@3'));
    expect(collect(source.pipe(toState(), take(2))).got).toEqual(['{x:1}', '{x:2}', '|']);
  });

  it('re-entrant consumer', () => {
    const source = new Subject<Event>();
    const got: (number | undefined)[] = [];
    source.pipe(toState()).subscribe((state) => {
      got.push(state.get('x'));
      if (got.length === 1) source.next(event('x:2@2'));
    });
    source.next(event('{x:1}@1'));
    source.next(event('x:3@3'));
    expect(got).toEqual([1, 2, 3]);
  });

  it('second resync while the first is open', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(toState()));
    producer.tell('{x:1}@1', '{x:2}@2 requested');
    expect(got).toEqual(['{x:1}', '{x:2}']);
  });

  it('each subscription has a state of its own', () => {
    const source = new Subject<Event>();
    const state = source.pipe(toState());
    const first = collect(state);
    source.next(event('{x:1}@1'));
    const second = collect(state);
    source.next(event('y:2@2'));
    expect([first.got, second.got]).toEqual([['{x:1}', '{x:1 y:2}'], []]);
  });

  it('memory released', () => {
    const producer = new Producer();
    const { got, unsubscribe } = collect(producer.source.pipe(toState()));
    producer.tell('{x:1}@1');
    unsubscribe();
    producer.tell('x:2@2');
    expect([producer.open, producer.subscribed, got]).toEqual([0, false, ['{x:1}']]);
  });
});
