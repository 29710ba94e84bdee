import { EMPTY, NEVER, Observable, of, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { collect, type Event, event, Producer } from './support.ts';
import { type Handler, worked, working } from './working.ts';

const no = new Error('no');

describe('ackWithCallback with a concurrency, at the edges', () => {
  it('empty', () => {
    expect(collect(EMPTY.pipe(working(() => 1))).got).toEqual(['|']);
  });

  it('never', () => {
    expect(collect(NEVER.pipe(working(() => 1))).got).toEqual([]);
  });

  it('source error: passed on at once; all works are stopped, then all is cancelled, in order', () => {
    const { producer, works, got } = worked(2);
    producer.tell('a:1@2', 'b:1@3', 'c:1@4', '{}@5 requested');
    producer.error(no);
    expect([got, [...works.values()].map((work) => work.observed)]).toEqual([['# no'], [false, false, false]]);
    expect(producer.settled).toEqual([
      'a:1@2 cancelled',
      'b:1@3 cancelled',
      'c:1@4 cancelled',
      '{}@5 requested cancelled',
    ]);
  });

  it('early unsubscribe: all works are stopped first, then the outcomes are said', () => {
    const log: string[] = [];
    const producer = new Producer();
    const handler: Handler = ({ revision }, { signal }) => {
      signal.addEventListener('abort', () => log.push(`aborted ${revision}`, ...producer.settled));
      return new Observable(() => () => log.push(`stopped ${revision}`, ...producer.settled));
    };
    const { unsubscribe, got } = collect(producer.source.pipe(working(handler, 2)));
    producer.tell('a:1@2', 'b:1@3', 'c:1@4');
    unsubscribe();
    expect(log).toEqual(['stopped 2', 'aborted 2', 'stopped 3', 'aborted 3']);
    expect(producer.settled).toEqual(['a:1@2 cancelled', 'b:1@3 cancelled', 'c:1@4 cancelled']);
    expect([producer.open, producer.subscribed, got]).toEqual([0, false, []]);
  });

  it('early unsubscribe: by a handler, or by work as it is told to stop', () => {
    const cases: Record<string, (unsubscribe: () => void) => Handler> = {
      handler: (unsubscribe) => () => unsubscribe(),
      signal: (unsubscribe) => (_, context) => {
        context.signal.addEventListener('abort', unsubscribe);
        return NEVER;
      },
    };
    for (const make of Object.values(cases)) {
      const producer = new Producer();
      let unsubscribe = (): void => undefined;
      const handler = make(() => unsubscribe());
      const running = collect(producer.source.pipe(working(handler, 2)));
      unsubscribe = running.unsubscribe;
      producer.tell('a:1@2');
      unsubscribe();
      expect([producer.settled, producer.open, running.got]).toEqual([['a:1@2 cancelled'], 0, []]);
    }
  });

  it('early unsubscribe: next to a result nothing more is begun, and what was told stays told', () => {
    const producer = new Producer();
    const started: number[] = [];
    const works: Subject<void>[] = [];
    const handler: Handler = ({ revision }) => {
      started.push(revision);
      const work = new Subject<void>();
      works.push(work);
      return work;
    };
    const subscription = producer.source.pipe(working(handler, 2)).subscribe(() => subscription.unsubscribe());
    producer.tell('a:1@2', 'b:1@3', 'a:2@4');
    works[0]!.complete();
    expect(started).toEqual([2, 3]);
    expect(producer.settled).toEqual(['a:1@2 applied', 'b:1@3 cancelled', 'a:2@4 cancelled']);
  });

  it('synchronous source', () => {
    const source = of(event('{a:1}@1'), event('a:2@2'), event('b:3@3'));
    const given: number[] = [];
    const { got } = collect(
      source.pipe(
        working(({ revision }) => given.push(revision)),
        take(2),
      ),
    );
    expect([got, given]).toEqual([
      ['{a:1}@1 applied', 'a:2@2 applied', '|'],
      [1, 2],
    ]);
  });

  it('re-entrant consumer: a write in the handler, or next to the result, is worked on after', () => {
    const source = new Subject<Event>();
    const log: string[] = [];
    const handler: Handler = ({ revision }) => {
      log.push(`work ${revision}`);
      if (revision === 1) for (const text of ['x:2@2', 'y:2@3']) source.next(event(text));
      log.push(`end ${revision}`);
    };
    source.pipe(working(handler)).subscribe((result) => {
      log.push(`result ${result.event.revision}`);
      if (result.event.revision === 3) source.next(event('x:3@4'));
    });
    source.next(event('x:1@1'));
    // Other keys do not wait for the result of this one to be told.
    expect(log).toEqual([1, 3, 2, 4].flatMap((n) => [`work ${n}`, `end ${n}`, `result ${n}`]));
  });

  it('re-entrant consumer: a long chain of writes does not fill the stack', () => {
    const source = new Subject<Event>();
    let count = 0;
    const handler: Handler = ({ revision }) => {
      count++;
      if (revision < 20_000) source.next(event(`x:1@${revision + 1}`));
    };
    source.pipe(working(handler)).subscribe();
    source.next(event('x:1@1'));
    expect(count).toBe(20_000);
  });

  it('completion waits for all work', () => {
    const { producer, got, end } = worked(2);
    producer.tell('a:1@2', 'b:1@3', 'c:1@4');
    producer.complete();
    end(2);
    end(4);
    expect(got).toEqual(['a:1@2 applied', 'c:1@4 applied']);
    end(3);
    expect(got.slice(2)).toEqual(['b:1@3 applied', '|']);
  });

  it('memory released: each event is let go of with its work', () => {
    const { producer, end, works } = worked();
    producer.tell('a:1@2', 'a:2@3', 'b:1@4');
    for (const revision of [4, 2, 3]) {
      const before = producer.open;
      end(revision);
      expect(producer.open).toBe(before - 1);
    }
    expect([producer.open, ...[...works.values()].map((work) => work.observed)]).toEqual([
      0,
      false,
      false,
      false,
      false,
    ]);
  });
});
