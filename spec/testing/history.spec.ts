import { concat, EMPTY, from, NEVER, Observable, of, Subject, take, tap, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import {
  ackWithCallback,
  ChangeEvent,
  type DatasyncEvent,
  fromBackend,
  memoryBackend,
  memoryStore,
  ResyncEvent,
  textCodec,
} from '../../lib/index.ts';
import { cut } from '../../lib/testing/faults.ts';
import { History, recordHistory, recordStore, recordUpstream } from '../../lib/testing/index.ts';

const resync = ResyncEvent.of({ x: 1 }, 1);
const change = ChangeEvent.put('x', 2, 2);
/** The steps without number and time. */
const lines = (history: { toString(): string }): string[] =>
  history
    .toString()
    .split('\n')
    .map((line) => line.replace(/^\d+ \+\d+ /, ''));

describe('recordHistory', () => {
  it('records what passes, with steps and virtual time', () => {
    new TestScheduler(() => undefined).run(({ cold }) => {
      const { history } = recordHistory(cold<DatasyncEvent<number>>('r 9ms c 4ms |', { r: resync, c: change }));
      timer(100).subscribe(() => {
        expect(history.toString().split('\n')).toEqual([
          '1 +0 #1 subscribe at source',
          '2 +0 #1 {x:1}@1',
          '3 +0 #1 settled 2 delivered',
          '4 +10 #1 x:2@2',
          '5 +10 #1 settled 4 delivered',
          '6 +15 #1 complete',
        ]);
      });
    });
  });

  it('lets the consumer say how an event ended, also late', () => {
    let told: DatasyncEvent<number> | undefined;
    const { history } = recordHistory<number>(of(resync), {
      consume: (event) => {
        told = event;
        event.done();
      },
    });
    told!.fail(new Error('no'));
    expect(lines(history).slice(2)).toEqual(['#1 settled 2 applied', '#1 complete', '#1 late 2 failed (no)']);
  });

  it('records errors and the end', () => {
    expect(
      lines(
        recordHistory<number>(
          concat(
            of(resync),
            throwError(() => new Error('boom')),
          ),
        ).history,
      ),
    ).toContain('#1 error boom');
    const recording = recordHistory<number>(concat(of(resync), NEVER));
    recording.unsubscribe();
    expect(lines(recording.history).slice(-2)).toEqual(['#1 unsubscribe', '#1 unsubscribed']);
  });
});

describe('a place', () => {
  it('passes the same events, and claims nothing', () => {
    const history = new History<number>();
    const above: unknown[] = [];
    const below: unknown[] = [];
    const own = from<DatasyncEvent<number>[]>([resync, change]).pipe(
      history.tap('raw'),
      tap((event) => above.push(event)),
      history.tap('below'),
    );
    own.subscribe((event) => below.push(event));
    expect(below).toEqual([resync, change]);
    // Above it they had no ack yet; below it they have one, and keep it.
    expect(below[0]).not.toBe(resync);
    expect(below).toEqual(above);
    expect(below[0]).toBe(above[0]);
  });

  it('is told of a settlement before the place above it', () => {
    const history = new History<number>();
    of<DatasyncEvent<number>>(resync).pipe(history.tap('source'), history.tap('below')).subscribe();
    expect(lines(history)).toEqual([
      '#1 subscribe at below',
      '#2 subscribe at source',
      '#2 {x:1}@1',
      '#1 {x:1}@1',
      '#1 settled 4 delivered',
      '#2 settled 3 delivered',
      '#2 complete',
      '#1 complete',
    ]);
  });

  it('counts what is open, and how the last resync stands', () => {
    const history = new History<number>();
    const events = new Subject<DatasyncEvent<number>>();
    const claims = new Map<string, () => void>();
    events.pipe(history.tap('source')).subscribe((event) => claims.set(event.type, event.claim().done));
    events.next(resync);
    events.next(change);
    claims.get('resync')!();
    events.next(ChangeEvent.put('x', 3, 3));
    const told = history.steps.flatMap((step) =>
      step.type === 'event' ? [[step.openResyncs, step.openChanges, step.resync]] : [],
    );
    expect(told).toEqual([
      [1, 0, undefined],
      [1, 1, 'open'],
      [0, 2, { type: 'applied' }],
    ]);
  });

  it('hears nothing after it was cut off inside a synchronous source', () => {
    const history = new History<number>();
    from<DatasyncEvent<number>[]>([resync, change]).pipe(history.tap('source'), take(1)).subscribe();
    expect(lines(history)).toEqual([
      '#1 subscribe at source',
      '#1 {x:1}@1',
      '#1 unsubscribe',
      '#1 unsubscribed',
      '#1 settled 2 delivered',
    ]);
  });
});

describe('work', () => {
  const outcomes = async (handler: () => unknown): Promise<string[]> => {
    const history = new History<number>();
    const work = history.work('c', handler);
    const { history: all } = recordHistory<number>(of(resync), {
      history,
      consume: (event) => {
        try {
          const result = work(event);
          if (result instanceof Observable) result.subscribe({ error: () => undefined }).unsubscribe();
          else if (result instanceof Promise) result.catch(() => undefined);
        } catch {
          // As the handler says.
        }
      },
    });
    await Promise.resolve();
    await Promise.resolve();
    return lines(all).filter((line) => line.startsWith('work') && !line.includes(' of '));
  };
  const fail = (): never => {
    throw new Error('no');
  };

  it('is recorded with its end, whatever it is', async () => {
    expect(await outcomes(() => undefined)).toEqual(['work 1 applied']);
    expect(await outcomes(fail)).toEqual(['work 1 failed (no)']);
    expect(await outcomes(() => Promise.resolve())).toEqual(['work 1 applied']);
    expect(await outcomes(() => Promise.reject(new Error('no')))).toEqual(['work 1 failed (no)']);
    expect(await outcomes(() => EMPTY)).toEqual(['work 1 applied']);
    expect(await outcomes(() => throwError(() => new Error('no')))).toEqual(['work 1 failed (no)']);
    expect(await outcomes(() => NEVER)).toEqual(['work 1 cancelled']);
  });

  it('stands beside the results of the operator that runs it', () => {
    const history = new History<number>();
    const handler = history.work('c', () => undefined);
    const results = of<DatasyncEvent<number>>(resync).pipe(
      history.tap('source'),
      ackWithCallback({ resync: handler, change: handler }),
      history.tapResults(),
    );
    results.subscribe();
    expect(lines(history).slice(2)).toEqual([
      'work 1 of c {x:1}@1',
      'work 1 applied',
      'result {x:1}@1 applied',
      '#1 settled 2 applied',
      '#1 complete',
    ]);
  });
});

describe('publish', () => {
  it('records what a broker says', async () => {
    const history = new History();
    await history.publish(() => Promise.resolve({ revision: 7 }));
    await expect(history.publish(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(lines(history)).toEqual(['publish 1', 'published 1 @7', 'publish 2', 'published 2 no']);
  });
});

describe('determinism (I44)', () => {
  const run = (): string => {
    const history = new History<string>();
    new TestScheduler(() => undefined).run(() => {
      const store = memoryStore();
      recordStore(store, history, textCodec);
      const breaks = new Subject<void>();
      const backend = recordUpstream(cut(memoryBackend(store), breaks), history);
      const source = fromBackend(backend, {
        prefixes: [''],
        codec: textCodec,
        retry: { random: () => 0.5 },
        statusObserver: history.statusObserver,
      });
      let left = 3;
      const recording = recordHistory(source, {
        history,
        consume: (event) => {
          if (left-- === 2) event.fail(new Error('no'));
        },
      });
      for (const [at, value] of ['1', '2', '3', '4'].entries())
        timer(at * 40).subscribe(() => store.put('x', textCodec.encode(value, '')));
      for (const at of [50, 90]) timer(at).subscribe(() => breaks.next());
      timer(5_000).subscribe(() => recording.unsubscribe());
    });
    return history.toString();
  };

  it('two runs of one script give the same history, byte for byte', () => {
    const first = run();
    expect(first.split('\n').length).toBeGreaterThan(40);
    expect(run()).toBe(first);
  });
});
