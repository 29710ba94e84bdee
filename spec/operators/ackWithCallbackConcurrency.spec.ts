import { EMPTY, NEVER, Observable, of, Subject, take, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ChangeEvent } from '../../lib/model/events.ts';
import { ackWithCallback, type WorkContext, type WorkResult } from '../../lib/operators/ackWithCallback.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

const no = new Error('no');
type Handler = (event: Event, context: WorkContext) => WorkResult;

function working(handler: Handler, concurrency = 3, timeout?: number) {
  return ackWithCallback<number>(
    { resync: handler, change: handler },
    timeout === undefined ? { concurrency } : { concurrency, timeout },
  );
}

/** A producer above, and a Subject per work, by the revision of its event; a resync at 1 has been applied. */
function worked(concurrency = 3) {
  const producer = new Producer();
  const works = new Map<number, Subject<void>>();
  const started: number[] = [];
  const handler: Handler = ({ revision }) => {
    const work = new Subject<void>();
    works.set(revision, work);
    started.push(revision);
    return work;
  };
  const { got, unsubscribe } = collect(producer.source.pipe(working(handler, concurrency)));
  const end = (revision: number): void => works.get(revision)!.complete();
  producer.tell('{}@1');
  end(1);
  got.length = started.length = producer.settled.length = 0;
  return { producer, works, started, got, unsubscribe, end };
}

describe('ackWithCallback with a concurrency', () => {
  it('works on that many events side by side; the results come as they end', () => {
    const { producer, started, got, end } = worked(2);
    producer.tell('a:1@2', 'b:1@3', 'c:1@4');
    expect(started).toEqual([2, 3]);
    end(3);
    expect([started, got]).toEqual([[2, 3, 4], ['b:1@3 applied']]);
    end(2);
    end(4);
    expect(got).toEqual(['b:1@3 applied', 'a:1@2 applied', 'c:1@4 applied']);
    expect(producer.settled).toEqual(got);
  });

  it('never on two of one key; what is free overtakes what waits for a key, and nothing overtakes within a key', () => {
    const { producer, started, end } = worked();
    producer.tell('a:1@2', 'a:2@3', 'a:3@4', 'b:1@5');
    expect(started).toEqual([2, 5]);
    end(2);
    expect(started).toEqual([2, 5, 3]);
    end(3);
    expect(started).toEqual([2, 5, 3, 4]);
  });

  it('a transaction waits for each of its keys, and each of them waits for it', () => {
    const { producer, started, end } = worked();
    producer.tell('a:1@2', 'b:1@3', 'a:2,b:2,c:2@4', 'c:3@5', 'd:1@6');
    expect(started).toEqual([2, 3, 6]);
    end(2);
    end(6);
    expect(started).toEqual([2, 3, 6]);
    end(3);
    expect(started).toEqual([2, 3, 6, 4]);
    end(4);
    expect(started).toEqual([2, 3, 6, 4, 5]);
  });

  it('a key that is rejected, or deleted, is worked on as well', () => {
    const { producer, started, end } = worked();
    producer.tell('a:1@2', 'a:1?@3', '!a@4');
    expect(started).toEqual([2]);
    end(2);
    expect(started).toEqual([2, 3]);
    end(3);
    expect(started).toEqual([2, 3, 4]);
  });

  it('a key that comes twice in one event, changed and rejected, does not wait for itself', () => {
    const started: number[] = [];
    const { changes } = event('a:1@2') as ChangeEvent<number>;
    const twice = (event('a:?@2') as ChangeEvent<number>).with({ changes });
    collect(of(twice).pipe(working(({ revision }) => started.push(revision))));
    expect(started).toEqual([2]);
  });

  it('a resync is a barrier: it waits for all before it, and all after it wait for it', () => {
    const { producer, started, end } = worked();
    producer.tell('a:1@2', 'b:1@3', '{a:1}@4 requested', 'c:1@5', '{a:1}@6 requested', 'd:1@7');
    expect(started).toEqual([2, 3]);
    end(3);
    expect(started).toEqual([2, 3]);
    end(2);
    expect(started).toEqual([2, 3, 4]);
    end(4);
    expect(started).toEqual([2, 3, 4, 5]);
    end(5);
    end(6);
    expect(started).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it('settles before it emits, and starts the next one after that', () => {
    const log: string[] = [];
    const producer = new Producer();
    const works: Subject<void>[] = [];
    const handler: Handler = ({ revision }) => {
      log.push(`start ${revision}`);
      const work = new Subject<void>();
      works.push(work);
      return work;
    };
    producer.source
      .pipe(working(handler, 2))
      .subscribe(({ event: { revision } }) => log.push(producer.settled.at(-1)!, `told ${revision}`));
    producer.tell('a:1@1', 'a:2@2', 'b:1@3', 'c:1@4');
    works[0]!.complete();
    expect(log).toEqual(['start 1', 'start 3', 'a:1@1 applied', 'told 1', 'start 4']);
    works[2]!.complete();
    expect(log.slice(5)).toEqual(['c:1@4 applied', 'told 4', 'start 2']);
  });

  it('a failure is the outcome of its event, and the next one of the key follows', () => {
    const { producer, works, got, end } = worked();
    producer.tell('a:1@2', 'a:2@3');
    works.get(2)!.error(no);
    end(3);
    expect(got).toEqual(['a:1@2 failed "no"', 'a:2@3 applied']);
    expect(producer.outcomes.slice(1)).toEqual([{ type: 'failed', error: no }, { type: 'applied' }]);
  });

  it('the time-out measures each work by itself', () => {
    runMarbles(({ cold, expectEvents }) => {
      const values = {
        a: 'a:9@1',
        b: 'b:1@2',
        c: 'a:1@3',
        x: 'a:9@1 timedOut',
        y: 'b:1@2 applied',
        z: 'a:1@3 applied',
      };
      const handler: Handler = (one) =>
        timer(one.type === 'change' && one.changes[0]?.op === 'put' ? one.changes[0].value : 0);
      expectEvents(cold<number>('abc|', values).pipe(working(handler, 3, 5))).toBe('--y--x(z|)', values);
    });
  });

  it('synchronous work takes no turn but its own: all in order, each result before the next work', () => {
    const log: string[] = [];
    const source = of(...['{a:1}@1', 'a:2@2', 'a:3@3', 'b:1@4'].map((text) => event(text)));
    source.pipe(working(({ revision }) => log.push(`work ${revision}`))).subscribe({
      next: (result) => log.push(`told ${result.event.revision} ${result.outcome.type}`),
      complete: () => log.push('|'),
    });
    const each = (n: number): string[] => [`work ${n}`, `told ${n} applied`];
    expect(log).toEqual([...[1, 2, 3, 4].flatMap(each), '|']);
  });

  it('a word of the handler itself counts', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(working((one) => one.fail(no, { keys: ['a'] }))));
    producer.tell('a:1,b:1@2');
    expect([got, producer.settled]).toEqual([['a:1,b:1@2 failed(a) "no"'], ['a:1,b:1@2 failed']]);
  });

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
