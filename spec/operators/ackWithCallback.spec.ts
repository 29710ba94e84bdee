import {
  concat,
  delay,
  EMPTY,
  ignoreElements,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type AckHandlers, ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { acked, collect, type Event, event, Producer } from './support.ts';

const values = { R: '{x:1}@1', a: 'x:2@2', b: 'x:3@3', r: '{x:1}@1 applied', x: 'x:2@2 applied', y: 'x:3@3 applied' };
const no = new Error('no');

/** The same work for both kinds of event. */
function both(work: AckHandlers<number>['change'] & AckHandlers<number>['resync']): AckHandlers<number> {
  return { resync: work, change: work };
}

/** A producer above the operator, and a Subject per work. */
function worked() {
  const producer = new Producer();
  const works: Subject<void>[] = [];
  const work = () => {
    const subject = new Subject<void>();
    works.push(subject);
    return subject;
  };
  return { producer, works, ...collect(producer.source.pipe(ackWithCallback(both(work)))) };
}

describe('ackWithCallback', () => {
  it('passes each event with its outcome, when the work is done', () => {
    runMarbles(({ cold, expectEvents }) => {
      const source = cold<number>('-R------a---|', values);
      const handlers = both(() => timer(3));
      expectEvents(source.pipe(ackWithCallback(handlers))).toBe('----r------x|', values);
    });
  });

  it('gives each event to its handler, with its type and a signal', () => {
    const log: unknown[] = [];
    const handlers: AckHandlers<number> = {
      resync: (resync, { signal }) => log.push(resync.entries.size, signal.aborted),
      change: (change, { signal }) => log.push(change.changes[0]?.op, signal.aborted),
    };
    const { got } = collect(of(event('{x:1}@1'), event('!x@2')).pipe(ackWithCallback(handlers)));
    expect(log).toEqual([1, false, 'delete', false]);
    expect(got).toEqual(['{x:1}@1 applied', '!x@2 applied', '|']);
  });

  it('passes the event itself, ack and all', () => {
    const producer = new Producer();
    const seen: unknown[] = [];
    producer.source
      .pipe(
        tap((one) => seen.push(one)),
        ackWithCallback(both(() => undefined)),
      )
      .subscribe((result) => seen.push(result.event));
    producer.tell('{x:1}@1');
    expect(seen[0]).toBe(seen[1]);
  });

  it('works one at a time, first in first out, and discards nothing', () => {
    runMarbles(({ cold, expectEvents }) => {
      const source = cold<number>('-(Rab)', values);
      expectEvents(source.pipe(ackWithCallback(both(() => timer(3))))).toBe('----r--x--y', values);
    });
    const { producer, works } = worked();
    producer.tell('{x:1}@1', 'x:2@2', 'x:3@3');
    expect(works).toHaveLength(1);
    works[0]!.complete();
    expect(works).toHaveLength(2);
  });

  it('settles before it emits', () => {
    const producer = new Producer();
    const work = new Subject<void>();
    const log: string[] = [];
    producer.source
      .pipe(ackWithCallback(both(() => work)))
      .subscribe(({ outcome }) => log.push(...producer.settled, `told ${outcome.type}`));
    producer.tell('{x:1}@1');
    expect([log, producer.settled]).toEqual([[], []]);
    work.complete();
    expect(log).toEqual(['{x:1}@1 applied', 'told applied']);
  });

  it('a failed resync, or change, is followed by the next event: holding is not its word', () => {
    const { producer, works, got } = worked();
    producer.tell('{x:1}@1', 'x:2@2', 'x:3@3');
    works[0]!.error(no);
    works[1]!.error(undefined);
    works[2]!.complete();
    expect(got).toEqual(['{x:1}@1 failed "no"', 'x:2@2 failed', 'x:3@3 applied']);
    expect(producer.outcomes).toEqual([
      { type: 'failed', error: no },
      { type: 'failed', error: undefined },
      { type: 'applied' },
    ]);
  });

  it('empty', () => {
    expect(collect(EMPTY.pipe(ackWithCallback(both(() => undefined)))).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(ackWithCallback(both(() => undefined)))).got).toEqual([]);
  });

  it('source error: passed on at once, the running work and what waits are cancelled', () => {
    runMarbles(({ cold, hot, expectEvents, expectSubscriptions }) => {
      const work = hot('---------|');
      expectEvents(cold<number>('-R-a#', values, no).pipe(ackWithCallback(both(() => work)))).toBe('----#', values, no);
      expectSubscriptions(work.subscriptions).toBe('-^--!');
    });
    const { producer, got, works } = worked();
    producer.tell('{x:1}@1', 'x:2@2');
    producer.error(no);
    expect([got, works[0]!.observed]).toEqual([['# no'], false]);
    expect(producer.settled).toEqual(['{x:1}@1 cancelled', 'x:2@2 cancelled']);
  });

  it('source error: all is let go of, once, before it is told', () => {
    const source = new Subject<Event>();
    const events = [acked('{x:1}@1'), acked('x:2@2')];
    const log: string[] = [];
    const work = new Subject<void>();
    source
      .pipe(ackWithCallback(both(() => work)))
      .subscribe({ error: () => log.push(...events.flatMap(({ said }) => said), String(work.observed)) });
    for (const one of events) source.next(one.event);
    // Somebody else has the first one too.
    for (const { ack } of events.slice(1)) ack.release();
    source.error(no);
    expect(log).toEqual(['cancelled', 'false']);
    expect(events[0]!.ack.outcome).toBeUndefined();
    events[0]!.ack.release();
    expect(events[0]!.said).toEqual(['cancelled']);
  });

  it('early unsubscribe: also what no source cancels', () => {
    const source = new Subject<Event>();
    const events = [acked('{x:1}@1'), acked('x:2@2')];
    const { unsubscribe } = collect(source.pipe(ackWithCallback(both(() => NEVER))));
    for (const { event: one, ack } of events) {
      source.next(one);
      ack.release();
    }
    unsubscribe();
    expect(events.map(({ said }) => said)).toEqual([['cancelled'], ['cancelled']]);
  });

  it('early unsubscribe: does not touch work that is over', () => {
    const source = new Subject<Event>();
    const { event: one, ack, said } = acked('{x:1}@1');
    const signals: AbortSignal[] = [];
    const { unsubscribe } = collect(source.pipe(ackWithCallback(both((_, { signal }) => signals.push(signal)))));
    source.next(one);
    unsubscribe();
    expect([signals[0]!.aborted, ack.outcome]).toEqual([false, undefined]);
    ack.release();
    expect(said).toEqual(['applied']);
  });

  it('early unsubscribe: the work is stopped first, then the outcome is said', () => {
    const log: string[] = [];
    const producer = new Producer();
    const work = new Observable((subscriber) => () => log.push(`stopped ${subscriber.closed}`, ...producer.settled));
    const handlers = both((_, { signal }) => {
      signal.addEventListener('abort', () => log.push('aborted', ...producer.settled));
      return work;
    });
    const { unsubscribe } = collect(producer.source.pipe(ackWithCallback(handlers)));
    producer.tell('{x:1}@1', 'x:2@2');
    unsubscribe();
    expect([...log, ...producer.settled]).toEqual(['stopped true', 'aborted', '{x:1}@1 cancelled', 'x:2@2 cancelled']);
    expect([producer.open, producer.subscribed]).toEqual([0, false]);
  });

  it('synchronous source', () => {
    const source = of(event('{x:1}@1'), event('x:2@2'), event('x:3@3'));
    const given: number[] = [];
    const handlers = both(({ revision }) => given.push(revision));
    expect(collect(source.pipe(ackWithCallback(handlers), take(2))).got).toEqual([
      '{x:1}@1 applied',
      'x:2@2 applied',
      '|',
    ]);
    expect(given).toEqual([1, 2]);
    expect(collect(source.pipe(ackWithCallback(both(() => of(1, 2, 3))))).got).toHaveLength(4);
  });

  it('re-entrant consumer: a write in the handler, or next to the result, is worked on after', () => {
    const source = new Subject<Event>();
    const log: string[] = [];
    const handlers = both(({ revision }) => {
      log.push(`work ${revision}`);
      if (revision === 1) source.next(event('x:2@2'));
      log.push(`end ${revision}`);
    });
    source.pipe(ackWithCallback(handlers)).subscribe((result) => {
      log.push(`result ${result.event.revision}`);
      if (result.event.revision === 2) source.next(event('x:3@3'));
    });
    source.next(event('{x:1}@1'));
    expect(log).toEqual([1, 2, 3].flatMap((n) => [`work ${n}`, `end ${n}`, `result ${n}`]));
  });

  it('re-entrant consumer: a long chain of writes does not fill the stack', () => {
    const source = new Subject<Event>();
    let count = 0;
    const handlers = both(({ revision }) => {
      count++;
      if (revision < 20_000) source.next(event(`x:1@${revision + 1}`));
    });
    source.pipe(ackWithCallback(handlers)).subscribe();
    source.next(event('x:1@1'));
    expect(count).toBe(20_000);
  });

  it('second resync while the first is open: worked on after it, and after what came between', () => {
    const { producer, works, got } = worked();
    producer.tell('{x:1}@1', 'x:2@2', '{x:3}@3 requested');
    for (let i = 0; i < 3; i++) works[i]!.complete();
    expect(got).toEqual(['{x:1}@1 applied', 'x:2@2 applied', '{x:3}@3 requested applied']);
  });

  it('completion waits for the work', () => {
    runMarbles(({ cold, expectEvents }) => {
      expectEvents(cold<number>('-(Ra|)', values).pipe(ackWithCallback(both(() => timer(3))))).toBe(
        '----r--(x|)',
        values,
      );
    });
    expect(collect(of(event('{x:1}@1')).pipe(ackWithCallback(both(() => NEVER)))).got).toEqual([]);
  });

  it('memory released: each event is let go of with its work', () => {
    const { producer, works } = worked();
    producer.tell('{x:1}@1', 'x:2@2');
    expect(producer.open).toBe(2);
    works[0]!.complete();
    expect(producer.open).toBe(1);
    works[1]!.complete();
    expect([producer.open, ...works.map((work) => work.observed)]).toEqual([0, false, false]);
  });

  it('each subscription works for itself', () => {
    let count = 0;
    const source = of(event('{x:1}@1')).pipe(ackWithCallback(both(() => count++)));
    collect(source);
    collect(source);
    expect(count).toBe(2);
  });

  it('behind other works it goes on as rxjs does', () => {
    runMarbles(({ cold, expectEvents }) => {
      const source = cold<number>('-R-a', values).pipe(
        delay(2),
        ackWithCallback(
          both(() =>
            concat(
              timer(1),
              throwError(() => no),
            ).pipe(ignoreElements()),
          ),
        ),
      );
      expectEvents(source).toBe('----r-x', { r: '{x:1}@1 failed "no"', x: 'x:2@2 failed "no"' });
    });
  });
});
