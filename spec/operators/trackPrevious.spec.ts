import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { filterByRevision } from '../../lib/operators/filterByRevision.ts';
import { trackPrevious } from '../../lib/operators/trackPrevious.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { claiming, collect, type Event, event, Producer } from './support.ts';

/** What hand-made events become. */
function tracked(...texts: string[]): string[] {
  return collect(of(...texts.map((text) => event(text))).pipe(trackPrevious())).got.slice(0, -1);
}

function claimed() {
  const producer = new Producer();
  return { producer, ...claiming(producer.source.pipe(trackPrevious())) };
}

describe('trackPrevious', () => {
  it('passes changes with what went through before', () => {
    runMarbles(({ cold, expectEvents }) => {
      const source = cold('-R-a-b-c-|', { R: '{x:1}@1', a: 'x:2@2', b: '!x@3', c: 'x:3@4' });
      const expected = '   -R-a-b-c-|';
      const values = { R: '{x:1}@1', a: 'x:1>2@2', b: '!x:2@3', c: '+x:3@4' };
      expectEvents(source.pipe(trackPrevious())).toBe(expected, values);
    });
  });

  it('passes resyncs with the diff against it', () => {
    expect(tracked('{x:1 y:2}@1', '{x:1@1 y:3 z:4}@5', '{x:1@1}@6')).toEqual([
      '{x:1 y:2}@1',
      '{x:1@1 y:2>3 +z:4}@5',
      '{x:1@1 !y:3 !z:4}@6',
    ]);
  });

  it('counts epochs, those of its own', () => {
    const events: Event[] = [];
    of(event('{x:1}@1', 7), event('x:2@2', 7), event('{x:2}@2'), event('x:3@3'))
      .pipe(trackPrevious())
      .subscribe((one) => events.push(one));
    expect(events.map(({ epoch }) => epoch)).toEqual([1, 1, 2, 2]);
  });

  it('each key of a transaction has its own', () => {
    expect(tracked('{x:1 y:2}@1', 'x:3,!y,z:4@2', 'z:5@3')).toEqual(['{x:1 y:2}@1', 'x:1>3,!y:2,z:4@2', 'z:4>5@3']);
  });

  it('a previous value that came with the event does not count', () => {
    expect(tracked('{x:1}@1', 'x:7>2@2', '!x:8@3')).toEqual(['{x:1}@1', 'x:1>2@2', '!x:2@3']);
  });

  it('null is a value', () => {
    expect(tracked('{x:null}@1', 'x:1@2', '{x:null}@3', '!x@4')).toEqual([
      '{x:null}@1',
      'x:null>1@2',
      '{x:1>null}@3',
      '!x:null@4',
    ]);
  });

  it('changes before the first resync are told too: holding is not its word', () => {
    expect(tracked('x:1@1', 'x:2@2', '!y@3', '{x:2@2}@3')).toEqual(['x:1@1', 'x:1>2@2', '{=x:2@2}@3']);
  });

  it('a delete of a key that never went through goes no further, nor does an event left with nothing', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(trackPrevious()));
    producer.tell('{x:1}@1', '!q@2', 'x:2,!q@3', '!x@4', '!x@5');
    expect(got).toEqual(['{x:1}@1', 'x:1>2@3', '!x:2@4']);
    expect(producer.settled[1]).toBe('!q@2 delivered');
    expect(producer.open).toBe(0);
  });

  describe('a key is changed', () => {
    it('unless it has the same revision, whatever object the value is now', () => {
      expect(tracked('{x:1}@1', '{x:1@1}@5')).toEqual(['{x:1}@1', '{=x:1@1}@5']);
      expect(tracked('{x:{"n":1}}@1', '{x:{"n":1}@1}@5')).toEqual(['{x:{"n":1}}@1', '{=x:{"n":1}@1}@5']);
      expect(tracked('{x:{"n":1}}@1', '{x:{"n":1}}@5')[1]).toBe('{x:{"n":1}>{"n":1}}@5');
    });

    it('also with an equal value: it was written since, and may have been deleted in between', () => {
      expect(tracked('{x:1}@1', '{x:1}@5')).toEqual(['{x:1}@1', '{x:1>1}@5']);
    });

    it('but not where the history went back: revisions of two histories do not compare', () => {
      expect(tracked('{x:1}@5', '{x:2@5}@7 regressed')[1]).toBe('{x:1>2@5}@7 regressed');
      expect(tracked('{x:1@1}@5', '{x:2@1}@3')[1]).toBe('{x:1>2@1}@3');
      expect(tracked('{x:1@1}@5', '{x:2@1}@5')[1]).toBe('{=x:2@1}@5');
      expect(tracked('{x:1@1}@5', 'y:1@9', '{x:2@1 y:1@9}@7')[2]).toBe('{x:1>2@1 y:1@9}@7');
      expect(tracked('{x:1}@5', '{x:1}@3 regressed')[1]).toBe('{=x:1}@3 regressed');
    });
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(trackPrevious())).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(trackPrevious())).got).toEqual([]);
  });

  it('source error', () => {
    const values = { R: '{x:1}@1', a: 'x:1>2@2' };
    runMarbles(({ cold, expectEvents }) => {
      expectEvents(cold('-R-a#', values, 'no').pipe(trackPrevious())).toBe('-R-a#', values, 'no');
    });
  });

  it('early unsubscribe', () => {
    const values = { R: '{x:1}@1', a: 'x:1>2@2', b: '!x@3' };
    runMarbles(({ cold, expectEvents, expectSubscriptions }) => {
      const source = cold('-R-a-b', values);
      expectEvents(source.pipe(trackPrevious()), '^---!').toBe('-R-a', values);
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:2@2'), event('x:3@3'));
    expect(collect(source.pipe(trackPrevious(), take(2))).got).toEqual(['{x:1}@1', 'x:1>2@2', '|']);
  });

  it('re-entrant consumer: what it writes inside next has what it was just told as previous value', () => {
    const source = new Subject<Event>();
    const got: unknown[] = [];
    source.pipe(trackPrevious()).subscribe((one) => {
      got.push(one.type === 'change' ? one.changes[0]!.prevValue : 'resync');
      if (one.revision < 3) source.next(event(`x:${one.revision + 1}@${one.revision + 1}`));
    });
    source.next(event('{x:1}@1'));
    expect(got).toEqual(['resync', 1, 2]);
  });

  it('second resync while the first is open: the diff is against the first', () => {
    const { producer, got } = claimed();
    producer.tell('{x:1}@1', '{x:1@1 y:2}@2 requested');
    expect(got[1]).toBe('{x:1@1 +y:2}@2 requested');
  });

  it('each subscription has a memory of its own', () => {
    const source = new Subject<Event>();
    const events = source.pipe(trackPrevious());
    const first = collect(events);
    source.next(event('{x:1}@1'));
    const second = collect(events);
    source.next(event('x:2@2'));
    expect([first.got[1], second.got[0]]).toEqual(['x:1>2@2', 'x:2@2']);
  });

  it('memory released', () => {
    const producer = new Producer();
    const { got, unsubscribe } = collect(producer.source.pipe(trackPrevious()));
    producer.tell('{x:1}@1', '!q@2');
    unsubscribe();
    expect([producer.open, producer.subscribed, got.length]).toEqual([0, false, 1]);
  });
});

describe('suspects', () => {
  it('the keys of a failed resync are named by every one until one is settled well', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1 y:1}@1');
    claims[0]!.done();
    producer.tell('{x:2 y:1@1}@2 requested');
    claims[1]!.fail('no');
    producer.tell('{x:2@2 y:1@1}@3 requested');
    claims[2]!.fail('no');
    producer.tell('{x:2@2 y:1@1}@4 requested');
    claims[3]!.done();
    producer.tell('{x:2@2 y:1@1}@5 requested');
    expect(got.slice(1)).toEqual([
      '{x:1>2 y:1@1}@2 requested',
      '{x:1>2@2 y:1@1}@3 requested',
      '{x:1>2@2 y:1@1}@4 requested',
      '{=x:2@2 =y:1@1}@5 requested',
    ]);
  });

  it('a deletion that failed is told again', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1');
    claims[0]!.done();
    for (const revision of [2, 3]) {
      producer.tell(`{}@${revision} requested`);
      claims.at(-1)!.fail('no');
    }
    expect(got.slice(1)).toEqual(['{!x:1}@2 requested', '{!x:1}@3 requested']);
  });

  it('the keys of a change that failed, timed out or was cut off too; a superseded one is amended by who threw it away', () => {
    const next = (outcome: 'failed' | 'timedOut' | 'cancelled' | 'superseded' | 'delivered') => {
      const producer = new Producer();
      const got: Event[] = [];
      producer.source.pipe(trackPrevious()).subscribe((one) => {
        got.push(one);
        if (one.type === 'change') one.claim();
      });
      producer.tell('{x:1}@1');
      producer.tell('x:2@2').force(outcome === 'failed' ? { type: outcome, error: 'no' } : { type: outcome });
      producer.tell('{x:2@2}@3 requested');
      return got[2]!.type === 'resync' ? got[2]!.diff.changed : [];
    };
    const named = [{ key: 'x', value: 2, revision: 2, prevValue: 1 }];
    expect([next('failed'), next('timedOut'), next('cancelled')]).toEqual([named, named, named]);
    expect([next('superseded'), next('delivered')]).toEqual([[], []]);
  });

  it('a late failure counts, also of a resync that named them well', () => {
    const { producer, got, claims } = claimed();
    const ack = producer.tell('{x:1}@1');
    claims[0]!.done();
    ack.note({ type: 'failed', error: 'no' });
    producer.tell('{x:1@1}@2 requested');
    expect(got[1]).toBe('{x:1@1}@2 requested');
  });

  it('a superseded resync was not applied', () => {
    const producer = new Producer();
    const { got } = claiming(producer.source.pipe(trackPrevious()));
    producer.tell('{x:1}@1').force({ type: 'superseded' });
    producer.tell('{x:1@1}@2 requested');
    expect(got[1]).toBe('{x:1@1}@2 requested');
  });

  it('behind the buffer a failed hand-made resync holds until the next list, and that one names everything', () => {
    const source = new Subject<Event>();
    const { got, claims } = claiming(source.pipe(bufferDuringResync(), filterByRevision(), trackPrevious()));
    source.next(event('{x:1}@1'));
    claims[0]!.fail('no');
    source.next(event('x:2@2'));
    source.next(event('y:1@3'));
    expect(got).toHaveLength(1);
    source.next(event('{x:2@2 y:1@3}@3'));
    claims[1]!.done();
    source.next(event('x:3@4'));
    expect(got.slice(1)).toEqual(['{x:2@2 y:1}@3', 'x:2>3@4']);
  });
});
