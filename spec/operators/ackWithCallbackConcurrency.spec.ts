import { of, Subject, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ChangeEvent } from '../../lib/model/events.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, event, Producer } from './support.ts';
import { type Handler, worked, working } from './working.ts';

const no = new Error('no');

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
});
