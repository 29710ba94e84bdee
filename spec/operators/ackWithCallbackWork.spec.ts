import { EMPTY, from, Observable, of, Subject, share, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Claim, outcomes } from '../../lib/model/ack.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import {
  type AckHandlers,
  type AckWithCallbackConfig,
  ackWithCallback,
  type WorkContext,
  type WorkResult,
} from '../../lib/operators/ackWithCallback.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, Producer } from './support.ts';

const no = new Error('no');
type Work = (event: Event, context: WorkContext) => WorkResult;

function worked(work: Work, config?: AckWithCallbackConfig) {
  const producer = new Producer();
  return { producer, ...collect(producer.source.pipe(ackWithCallback({ resync: work, change: work }, config))) };
}

/** `{ then }`, which Biome does not let one write. */
const thenable = (then: unknown) => Object.fromEntries([['then', then]]);

/** Every Promise that is ready has been heard. */
const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(resolve))));

describe('what the work may be', () => {
  it.each<[string, Work, string]>([
    ['nothing', () => undefined, 'applied'],
    ['any value', () => 5, 'applied'],
    ['null', () => null, 'applied'],
    ['an object with a then that is no function', () => thenable(1), 'applied'],
    ['an Observable that completes', () => of(1, 2), 'applied'],
    ['an empty Observable', () => EMPTY, 'applied'],
    ['an Observable that fails', () => throwError(() => no), 'failed "no"'],
    ['an Observable that fails with undefined', () => throwError(() => undefined), 'failed'],
    [
      'an exception',
      () => {
        throw no;
      },
      'failed "no"',
    ],
    [
      'an exception that is no Error',
      () => {
        throw undefined;
      },
      'failed',
    ],
    [
      'a thenable that throws',
      () =>
        thenable(() => {
          throw no;
        }),
      'failed "no"',
    ],
    ['an Error that is returned', () => no, 'applied'],
  ])('%s: settled at once', (_, work, outcome) => {
    const { producer, got } = worked(work);
    producer.tell('{x:1}@1', 'x:2@2');
    expect(got).toEqual([`{x:1}@1 ${outcome}`, `x:2@2 ${outcome}`]);
    expect(producer.open).toBe(0);
  });

  it.each<[string, Work, string]>([
    ['a Promise', () => Promise.resolve(), 'applied'],
    ['an async function', async () => 5, 'applied'],
    ['a rejected Promise', () => Promise.reject(no), 'failed "no"'],
    ['Promise.reject(undefined), which must fail', () => Promise.reject(undefined), 'failed'],
    ['an async function that throws', async () => Promise.reject(no), 'failed "no"'],
    ['an Observable over a Promise', () => from(Promise.resolve(1)), 'applied'],
  ])('%s: settled when it is', async (_, work, outcome) => {
    const { producer, got } = worked(work);
    producer.tell('{x:1}@1');
    expect(got).toEqual([]);
    await turn();
    expect(got).toEqual([`{x:1}@1 ${outcome}`]);
  });

  it.each<[string, () => unknown]>([
    ['Promises', () => [Promise.resolve(), Promise.reject(no)]],
    ['Promises among other things', () => [1, Promise.resolve()]],
    ['thenables', () => [thenable(() => undefined)]],
    ['Observables', () => [of(1)]],
  ])('an array of %s, which nobody would wait for, is a failure', async (_, array) => {
    const { producer, got } = worked(array as () => undefined);
    producer.tell('{x:1}@1');
    await turn(); // an unhandled rejection would fail the run
    expect(producer.outcomes).toMatchObject([{ type: 'failed', error: { code: 'INVALID_CONFIG' } }]);
    expect(got[0]).toMatch(/array with \d Promises or Observables in it.*Promise\.all/);
  });

  it('an array of anything else is done, however it was made', async () => {
    const { producer, got } = worked(() => [1, null, {}, [], no]);
    producer.tell('{x:1}@1');
    const { producer: other, got: all } = worked(() => Promise.all([Promise.resolve(1)]));
    other.tell('{x:1}@1');
    for (let i = 0; i < 3; i++) await turn();
    expect([...got, ...all]).toEqual(['{x:1}@1 applied', '{x:1}@1 applied']);
  });

  it('an Observable is done when it completes, not when it emits', () => {
    const work = new Subject<number>();
    const { producer, got } = worked(() => work);
    producer.tell('{x:1}@1');
    work.next(1);
    expect(got).toEqual([]);
    work.complete();
    expect(got).toEqual(['{x:1}@1 applied']);
  });

  it('synchronous work makes no Promise, and no signal nobody asked for', () => {
    const before = { Promise: globalThis.Promise, AbortController: globalThis.AbortController };
    const made: string[] = [];
    const construct =
      (name: string) =>
      (target: object, given: unknown[]): object => {
        made.push(name);
        return Reflect.construct(target as new () => object, given);
      };
    Object.assign(globalThis, {
      Promise: new Proxy(before.Promise, { construct: construct('Promise') }),
      AbortController: new Proxy(before.AbortController, { construct: construct('AbortController') }),
    });
    try {
      const { producer, got } = worked(() => undefined, { timeout: 5 });
      producer.tell('{x:1}@1', 'x:2@2');
      expect([got.length, made]).toEqual([2, []]);
      const asking = worked((_, { signal }) => signal.aborted);
      asking.producer.tell('{x:1}@1');
      expect(made).toEqual(['AbortController']);
    } finally {
      Object.assign(globalThis, before);
    }
  });

  it('the signal is the same each time it is asked for', () => {
    const signals = new Set<AbortSignal>();
    const { producer } = worked((_, context) => signals.add(context.signal).add(context.signal));
    producer.tell('{x:1}@1', 'x:2@2');
    expect(signals.size).toBe(2);
  });
});

describe('a handler that also says a word itself', () => {
  it.each<[string, Work]>([
    ['synchronous', (one) => one.fail(no, { keys: ['x'] })],
    ['an Observable', (one) => of(one.fail(no, { keys: ['x'] }))],
  ])('%s: its fail is the outcome', (_, work) => {
    const { producer, got } = worked(work);
    producer.tell('x:2@2');
    expect([got, producer.outcomes]).toEqual([['x:2@2 failed(x) "no"'], [{ type: 'failed', error: no, keys: ['x'] }]]);
  });

  it('in an async function, before it first waits, too', async () => {
    const { producer, got } = worked(async (one) => one.fail(no));
    producer.tell('x:2@2');
    await turn();
    expect([got, producer.settled]).toEqual([['x:2@2 failed "no"'], ['x:2@2 failed']]);
  });

  it('after it has waited, too: the result is what the event settled with', async () => {
    const { producer, got } = worked(async (one) => {
      await turn();
      one.fail(no, { keys: ['x'] });
    });
    producer.tell('{x:1}@1');
    for (let i = 0; i < 3; i++) await turn();
    expect([got, producer.outcomes]).toEqual([
      ['{x:1}@1 failed(x) "no"'],
      [{ type: 'failed', error: no, keys: ['x'] }],
    ]);
  });

  it('its claim is waited for: settled, then told, then the next event', () => {
    const claims: Claim[] = [];
    const { producer, got } = worked((one) => void claims.push(one.claim(), one.claim()));
    producer.tell('{x:1}@1', 'x:2@2');
    claims[0]!.done();
    expect([got, producer.settled, claims.length]).toEqual([[], [], 2]);
    claims[1]!.fail(no);
    expect([got, producer.settled, claims.length]).toEqual([['{x:1}@1 failed "no"'], ['{x:1}@1 failed'], 4]);
    claims[2]!.release();
    claims[3]!.release();
    expect(got[1]).toBe('x:2@2 applied');
  });

  it('its claim does not outlast the timeout, whatever the work is', () => {
    runMarbles(({ cold, expectEvents }) => {
      const values = { R: '{x:1}@1', a: 'x:2@2', r: '{x:1}@1 timedOut', x: 'x:2@2 timedOut' };
      const handlers: AckHandlers<number> = {
        resync: (one) => void one.claim(),
        change: (one) => {
          one.claim();
          return timer(1);
        },
      };
      expectEvents(cold<number>('-Ra', values).pipe(ackWithCallback(handlers, { timeout: 3 }))).toBe(
        '----r--x',
        values,
      );
    });
  });

  it('its claim is cancelled when unsubscribed, and the signal aborted', () => {
    const said: string[] = [];
    const { producer, unsubscribe } = worked((one, { signal }) => {
      one.claim();
      signal.addEventListener('abort', () => said.push('aborted', ...producer.settled));
    });
    producer.tell('{x:1}@1');
    unsubscribe();
    expect([...said, ...producer.settled]).toEqual(['aborted', '{x:1}@1 cancelled']);
  });

  it('the watchdog of the source: what it settles the result says, and a forgotten claim is not waited for', () => {
    const work = new Subject<void>();
    const { producer, got } = worked((one) => {
      one.claim();
      return one.type === 'resync' ? work : undefined;
    });
    producer.tell('{x:1}@1').force(outcomes.timedOut);
    expect(got).toEqual([]);
    work.complete();
    producer.tell('x:2@2').force(outcomes.timedOut);
    expect(got).toEqual(['{x:1}@1 timedOut', 'x:2@2 timedOut']);
    expect(producer.settled.filter((text) => !text.endsWith('late word'))).toEqual(got);
  });

  it('a fail after its result is a late one, as elsewhere', () => {
    const { producer, got } = worked((one) => void events.push(one));
    const events: Event[] = [];
    producer.tell('x:2@2');
    events[0]!.fail(no);
    expect([got, producer.settled]).toEqual([['x:2@2 applied'], ['x:2@2 applied', 'x:2@2 late failed']]);
  });

  it('what another subscriber says meanwhile is not its own', () => {
    const producer = new Producer();
    const shared = producer.source.pipe(share());
    const gate = new Subject<void>();
    const handlers = { resync: () => gate, change: () => gate };
    const { got } = collect(shared.pipe(ackWithCallback<number>(handlers)));
    shared.subscribe((one) => one.fail(no));
    producer.tell('x:2@2');
    gate.complete();
    expect([got, producer.settled]).toEqual([['x:2@2 applied'], ['x:2@2 failed']]);
  });

  it('a done before a failure does not help', () => {
    const { producer, got } = worked((one) => {
      one.done();
      throw no;
    });
    producer.tell('x:2@2');
    expect([got, producer.settled]).toEqual([['x:2@2 failed "no"'], ['x:2@2 failed']]);
  });

  it('what others said before is theirs: the result is of this work, the settlement of all', () => {
    const producer = new Producer();
    const failing = new Observable<Event>((subscriber) =>
      producer.source.subscribe((one) => {
        one.fail(no);
        subscriber.next(one);
      }),
    );
    const { got } = collect(failing.pipe(ackWithCallback<number>({ resync: () => 1, change: () => 1 })));
    producer.tell('x:2@2');
    expect([got, producer.settled]).toEqual([['x:2@2 applied'], ['x:2@2 failed']]);
  });
});

describe('wrong configuration throws at creation', () => {
  const good = { resync: () => 1, change: () => 1 };
  it.each<[string, unknown, unknown, string]>([
    ['no handlers', undefined, {}, "'handlers' must be an object { resync, change }, not undefined"],
    ['no resync', { change: () => 1 }, {}, "the option 'resync' is missing"],
    ['no change', { resync: () => 1 }, {}, "the option 'change' is missing"],
    ['a handler that is no function', { ...good, change: 1 }, {}, "the option 'change' must be a function, not 1"],
    ['an unknown handler', { ...good, rsync: () => 1 }, {}, "unknown option 'rsync'; known are resync, change"],
    ['an unknown option', good, { parallel: 2 }, "unknown option 'parallel'; known are timeout, concurrency"],
    ['nobody to work', good, { concurrency: 0 }, "the option 'concurrency' must be a whole number, 1 or more, not 0"],
    ['half a worker', good, { concurrency: 1.5 }, "the option 'concurrency' must be a whole number, 1 or more"],
    ['a negative time', good, { timeout: -1 }, "the option 'timeout' must be a number of milliseconds"],
    ['a time for ever', good, { timeout: Infinity }, "the option 'timeout' must be"],
  ])('%s', (_, handlers, config, message) => {
    const create = () => ackWithCallback(handlers as AckHandlers<number>, config as AckWithCallbackConfig);
    expect(create).toThrow(DatasyncError);
    expect(create).toThrow(`[rx-datasync] ackWithCallback: ${message}`);
  });
});
