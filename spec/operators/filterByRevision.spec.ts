import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { filterByRevision } from '../../lib/operators/filterByRevision.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

const values = {
  R: '{x:1}@7',
  S: '{x:3}@9 requested',
  G: '{x:0}@2 regressed',
  a: 'x:1@6',
  b: '!x@7',
  c: 'x:2@8',
  d: 'x:3@9',
  e: 'x:4@10',
  f: 'x:5@3',
};

function expectFiltered(given: string, expected: string, error?: unknown): void {
  runMarbles(({ cold, expectEvents }) => {
    expectEvents(cold(given, values, error).pipe(filterByRevision())).toBe(expected, values, error);
  });
}

describe('filterByRevision', () => {
  it('passes what comes after the snapshot, and drops the rest, puts and deletes alike', () => {
    expectFiltered('-R-a-b-c-e-|', '-R-----c-e-|');
  });

  it('passes every resync, and measures with the last one', () => {
    expectFiltered('-R-c-S-c-d-e', '-R-c-S-----e');
  });

  it('takes a lower base when the history went back', () => {
    expectFiltered('-R-f-G-f-c', '-R---G-f-c');
  });

  it('compares with the revision of the resync, not with that of the key: a stale delete kills nothing', () => {
    const { got } = collect(of(event('{x:1@5}@61'), event('!x@60'), event('!x@62')).pipe(filterByRevision()));
    expect(got).toEqual(['{x:1@5}@61', '!x@62', '|']);
  });

  it('passes changes before the first resync: holding is not its word', () => {
    expectFiltered('-a-c-R-a-c', '-a-c-R---c');
  });

  it('passes the same object, and looks at nothing but the revision', () => {
    const events = [event('{x:1}@1', 3), event('x:1>2,!y@5', 1)];
    const got: Event[] = [];
    of(...events)
      .pipe(filterByRevision())
      .subscribe((one) => got.push(one));
    expect(got[0]).toBe(events[0]);
    expect(got[1]).toBe(events[1]);
  });

  it('settles what it drops superseded', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(filterByRevision()));
    producer.tell('{x:1}@7', 'x:0@7', 'x:2@8');
    expect(producer.settled).toEqual(['{x:1}@7 delivered', 'x:0@7 superseded', 'x:2@8 delivered']);
    expect(got).toEqual(['{x:1}@7', 'x:2@8']);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(filterByRevision())).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(filterByRevision())).got).toEqual([]);
  });

  it('source error', () => {
    expectFiltered('-R-c#', '-R-c#', new Error('no route'));
  });

  it('early unsubscribe', () => {
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R-c-e-|', values);
      expectEvents(source.pipe(filterByRevision()), '^---!').toBe('-R-c', values);
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:0@1'), event('x:2@2'), event('x:3@3'));
    expect(collect(source.pipe(filterByRevision(), take(2))).got).toEqual(['{x:1}@1', 'x:2@2', '|']);
  });

  it('re-entrant consumer', () => {
    const source = new Subject<Event>();
    const got: number[] = [];
    source.pipe(filterByRevision()).subscribe(({ revision }) => {
      got.push(revision);
      if (revision === 7) for (const text of ['x:0@6', 'x:2@8']) source.next(event(text));
    });
    source.next(event('{x:1}@7'));
    expect(got).toEqual([7, 8]);
  });

  it('second resync while the first is open', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(filterByRevision()));
    producer.tell('{x:1}@7', '{x:1}@8 requested', 'x:0@8', 'x:2@9');
    expect(got).toEqual(['{x:1}@7', '{x:1}@8 requested', 'x:2@9']);
  });

  it('each subscription has a base of its own', () => {
    const source = new Subject<Event>();
    const filtered = source.pipe(filterByRevision());
    const first = collect(filtered);
    source.next(event('{x:1}@7'));
    const second = collect(filtered);
    source.next(event('x:0@6'));
    expect([first.got, second.got]).toEqual([['{x:1}@7'], ['x:0@6']]);
  });

  it('memory released', () => {
    const producer = new Producer();
    const { got, unsubscribe } = collect(producer.source.pipe(filterByRevision()));
    producer.tell('{x:1}@7', 'x:0@7');
    unsubscribe();
    expect([producer.open, producer.subscribed, got.length]).toEqual([0, false, 1]);
  });
});
