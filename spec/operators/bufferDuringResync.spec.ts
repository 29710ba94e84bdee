import { EMPTY, NEVER, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { notation } from '../../lib/testing/notation.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { acked, claiming, collect, type Event, event, Producer } from './support.ts';

const values = { R: '{x:1}@7', S: '{x:3}@9 requested', a: 'x:2@8', b: '!x@9', c: 'x:4@10', d: 'x:5@11', o: 'x:0@6' };

function expectBuffered(given: string, expected: string, error?: unknown): void {
  runMarbles(({ cold, expectEvents }) => {
    expectEvents(cold(given, values, error).pipe(bufferDuringResync())).toBe(expected, values, error);
  });
}

function claimed() {
  const producer = new Producer();
  return { producer, ...claiming(producer.source.pipe(bufferDuringResync())) };
}

describe('bufferDuringResync', () => {
  it('passes everything at once where nobody claims the resync', () => {
    expectBuffered('-R-a-b-S-c-|', '-R-a-b-S-c-|');
  });

  it('passes held changes after the first resync, and drops what that contains', () => {
    expectBuffered('-o-a-c-R-----d-|', '-------(Rac)-d-|');
  });

  it('passes changes behind a resync only when it has been settled well', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2', 'x:2>3,y:1@3');
    expect(got).toEqual(['{x:1}@1']);
    claims[0]!.done();
    expect(got.slice(1)).toEqual(['x:1>2@2', 'x:2>3,y:1@3']);
    producer.tell('!x:3@4');
    expect(got.slice(3)).toEqual(['!x:3@4']);
    expect(producer.settled).toEqual([
      'x:1>2@2 delivered',
      'x:2>3,y:1@3 delivered',
      '{x:1}@1 applied',
      '!x:3@4 delivered',
    ]);
  });

  it('passes them also where a claim was just released: delivered is well', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    claims[0]!.release();
    expect(got).toEqual(['{x:1}@1', 'x:1>2@2']);
  });

  it('passes no change after a failed one, until another resync is settled well', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    claims[0]!.fail('no');
    producer.tell('x:2>3@3', '{=x:3}@3 nacked', 'x:3>4@4');
    claims[1]!.fail('no');
    producer.tell('{=x:4}@4 nacked', 'x:4>5@5');
    expect(got).toHaveLength(3);
    claims[2]!.done();
    expect(got.slice(3)).toEqual(['x:4>5@5']);
  });

  it.each(['timedOut', 'cancelled', 'superseded'] as const)('takes %s for a failure', (type) => {
    const { producer, got } = claimed();
    producer.tell('{x:1}@1').force({ type });
    producer.tell('x:1>2@2');
    expect(got).toEqual(['{x:1}@1']);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(bufferDuringResync())).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(bufferDuringResync())).got).toEqual([]);
  });

  it('source error: passed on at once, what is held is cancelled', () => {
    expectBuffered('-R-a#', '-R-a#', new Error('no route'));
    const { producer, got } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    producer.error(new Error('no route'));
    expect(got).toEqual(['{x:1}@1', '# no route']);
    expect(producer.settled).toContain('x:1>2@2 cancelled');
    expect(producer.open).toBe(0);
  });

  it('source error, or completion without a good resync: cancelled before that is told', () => {
    for (const end of ['error', 'complete'] as const) {
      const source = new Subject<Event>();
      const { event: change, ack, said } = acked('x:2@2');
      const log: string[] = [];
      const told = () => log.push(...said);
      source.pipe(bufferDuringResync()).subscribe({ error: told, complete: told });
      source.next(change);
      ack.release();
      source[end]('no' as never);
      expect([log, said]).toEqual([['cancelled'], ['cancelled']]);
    }
  });

  it('early unsubscribe: also what no source cancels', () => {
    const source = new Subject<Event>();
    const { event: change, ack, said } = acked('x:2@2');
    const { unsubscribe } = collect(source.pipe(bufferDuringResync()));
    source.next(change);
    ack.release();
    unsubscribe();
    expect(said).toEqual(['cancelled']);
  });

  it('early unsubscribe: what is held is cancelled, nothing more is told', () => {
    const { producer, got, claims, unsubscribe } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2', 'x:2>3@3');
    unsubscribe();
    claims[0]!.done();
    expect([producer.subscribed, producer.open, got]).toEqual([false, 0, ['{x:1}@1']]);
    expect(producer.settled.slice(0, 3)).toEqual(['{x:1}@1 cancelled', 'x:1>2@2 cancelled', 'x:2>3@3 cancelled']);
  });

  it('early unsubscribe inside next of a held change: the rest is cancelled', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(bufferDuringResync(), take(2)));
    producer.tell('x:1@1', '+x:2@2', 'x:2>3@3', '{=x:0}@0');
    expect(got).toEqual(['{=x:0}@0', 'x:1@1', '|']);
    expect(producer.settled.filter((text) => text.includes('cancelled'))).toHaveLength(3);
    expect(producer.open).toBe(0);
  });

  it('synchronous source', () => {
    const source = of(event('x:5@5'), event('{x:1}@1'), event('x:6@6'));
    expect(collect(source.pipe(bufferDuringResync())).got).toEqual(['{x:1}@1', 'x:5@5', 'x:6@6', '|']);
    expect(collect(source.pipe(bufferDuringResync(), take(2))).got).toEqual(['{x:1}@1', 'x:5@5', '|']);
  });

  it('re-entrant consumer: what it writes inside next comes after what was held', () => {
    const source = new Subject<Event>();
    const got: number[] = [];
    source.pipe(bufferDuringResync()).subscribe(({ revision }) => {
      got.push(revision);
      if (revision === 1) source.next(event('x:4@4'));
      if (revision === 2) source.next(event('x:5@5'));
    });
    for (const text of ['x:2@2', 'x:3@3', '{x:1}@1', 'x:6@6']) source.next(event(text));
    expect(got).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('re-entrant consumer: a resync inside next of a held change stops the rest until it is settled', () => {
    const source = new Subject<Event>();
    const got: string[] = [];
    const claims: Claim[] = [];
    source.pipe(bufferDuringResync()).subscribe((one) => {
      got.push(notation.format(one));
      if (one.revision === 2) source.next(event('{x:3}@3 requested'));
      if (one.revision === 3) claims.push(one.claim());
    });
    for (const text of ['x:2@2', 'x:3@3', 'x:4@4', '{x:1}@1']) source.next(event(text));
    expect(got).toEqual(['{x:1}@1', 'x:2@2', '{x:3}@3 requested']);
    claims[0]!.done();
    expect(got.slice(3)).toEqual(['x:4@4']);
  });

  it('re-entrant consumer: what it writes inside next of a held change is not told inside of it', () => {
    const source = new Subject<Event>();
    const log: string[] = [];
    source.pipe(bufferDuringResync()).subscribe(({ revision }) => {
      log.push(`next ${revision}`);
      if (revision === 3) source.next(event('x:4@4'));
      log.push(`end ${revision}`);
    });
    for (const text of ['x:2@2', 'x:3@3', '{x:1}@1']) source.next(event(text));
    expect(log).toEqual([1, 2, 3, 4].flatMap((revision) => [`next ${revision}`, `end ${revision}`]));
  });

  it('re-entrant consumer: a completion inside next of a held change waits for the rest', () => {
    const source = new Subject<Event>();
    const got: unknown[] = [];
    source.pipe(bufferDuringResync()).subscribe({
      next: ({ revision }) => {
        got.push(revision);
        if (revision === 2) source.complete();
      },
      complete: () => got.push('|'),
    });
    for (const text of ['x:2@2', 'x:3@3', '{x:1}@1']) source.next(event(text));
    expect(got).toEqual([1, 2, 3, '|']);
  });

  it('second resync while the first is open: the later one decides', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2', '{=x:2}@2 requested', 'x:2>3@3');
    claims[0]!.done();
    expect(got).toEqual(['{x:1}@1', '{x:1>2}@2 requested']);
    claims[1]!.done();
    expect(got.slice(2)).toEqual(['x:2>3@3']);
  });

  it('second resync while the first is open: the fate of the first no longer counts', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', '{=x:1}@2 requested', 'x:1>3@3');
    claims[1]!.done();
    claims[0]!.fail('no');
    producer.tell('x:3>4@4');
    expect(got.slice(2)).toEqual(['x:1>3@3', 'x:3>4@4']);
  });

  it('completion waits for the open resync, and lets the held changes through', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    producer.complete();
    expect(got).toEqual(['{x:1}@1']);
    claims[0]!.done();
    expect(got.slice(1)).toEqual(['x:1>2@2', '|']);
  });

  it('completion after a failed resync, or without any, cancels what is held', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    claims[0]!.fail('no');
    producer.complete();
    expect(got.slice(1)).toEqual(['|']);
    expect(producer.settled).toContain('x:1>2@2 cancelled');
    expectBuffered('-a-b-|', '-----|');
  });

  it('completion while it waits, then a failure: cancels, and completes', () => {
    const { producer, got, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2');
    producer.complete();
    claims[0]!.fail('no');
    expect(got.slice(1)).toEqual(['|']);
    expect(producer.open).toBe(0);
  });

  it('memory released: each event is let go of as it passes', () => {
    const { producer, claims } = claimed();
    producer.tell('{x:1}@1', 'x:1>2@2', 'x:2>3@3');
    expect(producer.open).toBe(3);
    claims[0]!.done();
    expect(producer.open).toBe(0);
  });
});
