import { NEVER, Observable, Subject, type Subscription, timer } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type AckHandlers,
  ackWithCallback,
  type WorkContext,
  type WorkResult,
} from '../../lib/operators/ackWithCallback.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { collect, type Event, event, Producer } from './support.ts';

const no = new Error('no');
type Work = (event: Event, context: WorkContext) => WorkResult;

function worked(work: Work) {
  const producer = new Producer();
  return { producer, ...collect(producer.source.pipe(ackWithCallback({ resync: work, change: work }))) };
}

/** Every Promise that is ready has been heard. */
const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(resolve))));

describe('timeout', () => {
  const values = { R: '{x:1}@1', a: 'x:2@2', t: '{x:1}@1 timedOut', r: '{x:1}@1 applied', x: 'x:2@2 applied' };

  it('stops the work, aborts the signal, is an outcome of its own; then the next event starts', () => {
    runMarbles(({ cold, hot, expectEvents, expectSubscriptions }) => {
      const slow = hot('---------|');
      const aborted: string[] = [];
      const handlers: AckHandlers<number> = {
        resync: (_, { signal }) => {
          signal.addEventListener('abort', () => aborted.push('aborted'));
          return slow;
        },
        change: () => aborted,
      };
      const source = cold<number>('-Ra', values);
      expectEvents(source.pipe(ackWithCallback(handlers, { timeout: 3 }))).toBe('----(tx)', values);
      expectSubscriptions(slow.subscriptions).toBe('-^--!');
    });
  });

  it('measures one piece of work, not the waiting', () => {
    runMarbles(({ cold, expectEvents }) => {
      const handlers = { resync: () => timer(3), change: () => timer(3) };
      expectEvents(cold<number>('-(Ra)', values).pipe(ackWithCallback(handlers, { timeout: 4 }))).toBe(
        '----r--x',
        values,
      );
    });
  });

  it('leaves no timer behind, and says nothing more', () => {
    runMarbles(({ cold, expectEvents }) => {
      const handlers = { resync: () => timer(1), change: () => timer(1) };
      expectEvents(cold<number>('-R---a---|', values).pipe(ackWithCallback(handlers, { timeout: 2 }))).toBe(
        '--r---x--|',
        values,
      );
    });
  });

  it('does not abort the signal of work that came in time', () => {
    runMarbles(({ cold, flush }) => {
      const signals: AbortSignal[] = [];
      const work: Work = (_, { signal }) => {
        signals.push(signal);
        return timer(1);
      };
      cold<number>('-R', values)
        .pipe(ackWithCallback({ resync: work, change: work }, { timeout: 2 }))
        .subscribe();
      flush();
      expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    });
  });

  it('a Promise that comes back afterwards is not heard; the signal told it', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const promises: { resolve: () => void; signal: AbortSignal }[] = [];
    const given = new Subject<Event>();
    const work: Work = (_, { signal }) => new Promise<void>((resolve) => promises.push({ resolve, signal }));
    const { got } = collect(given.pipe(ackWithCallback({ resync: work, change: work }, { timeout: 1 })));
    given.next(event('{x:1}@1'));
    await vi.advanceTimersByTimeAsync(1);
    expect([got, promises[0]!.signal.aborted]).toEqual([['{x:1}@1 timedOut'], true]);
    promises[0]!.resolve();
    await turn();
    expect(got).toHaveLength(1);
  });

  it('a signal first asked for too late is aborted', () => {
    let context: WorkContext | undefined;
    const { producer, unsubscribe } = worked((_, given) => {
      context = given;
      return NEVER;
    });
    producer.tell('{x:1}@1');
    unsubscribe();
    expect(context!.signal.aborted).toBe(true);
  });

  it('none: work may take for ever', () => {
    const { producer, got } = worked(() => NEVER);
    producer.tell('{x:1}@1');
    expect([got, producer.open]).toEqual([[], 1]);
  });
});

describe('unsubscribed from inside', () => {
  it('by the handler: it is cancelled, and told so; what it returns is not waited for', async () => {
    const signals: AbortSignal[] = [];
    let subscribed = 0;
    const returns = [() => new Observable(() => void subscribed++), () => Promise.reject(no), () => undefined];
    for (const result of returns) {
      const producer = new Producer();
      let subscription: Subscription | undefined;
      const work: Work = (_, { signal }) => {
        signals.push(signal);
        subscription!.unsubscribe();
        return result();
      };
      const source = producer.source.pipe(ackWithCallback({ resync: work, change: work }));
      subscription = source.subscribe(() => expect.unreachable());
      producer.tell('{x:1}@1');
      expect(producer.settled).toEqual(['{x:1}@1 cancelled']);
    }
    await turn(); // an unhandled rejection would fail the run
    expect([signals.map(({ aborted }) => aborted), subscribed]).toEqual([[true, true, true], 0]);
  });

  it('by the work as it is stopped for its time-out', () => {
    runMarbles(({ cold, flush }) => {
      let unsubscribe = (): void => undefined;
      const got: unknown[] = [];
      const stopped = new Observable(() => () => unsubscribe());
      const handlers = { resync: () => stopped, change: () => stopped };
      const source = cold<number>('-R', { R: '{x:1}@1' }).pipe(ackWithCallback(handlers, { timeout: 3 }));
      const running = source.subscribe((result) => got.push(result));
      unsubscribe = () => running.unsubscribe();
      flush();
      expect([got, running.closed]).toEqual([[], true]);
    });
  });

  it('by the consumer of a result: the rest is cancelled, not begun', () => {
    const given: number[] = [];
    const producer = new Producer();
    const work: Work = ({ revision }) => {
      given.push(revision);
      return revision === 1 ? gate : undefined;
    };
    const gate = new Subject<void>();
    const subscription = producer.source
      .pipe(ackWithCallback({ resync: work, change: work }))
      .subscribe(() => subscription.unsubscribe());
    producer.tell('{x:1}@1', 'x:2@2', 'x:3@3');
    gate.complete();
    expect([given, producer.settled]).toEqual([[1], ['{x:1}@1 applied', 'x:2@2 cancelled', 'x:3@3 cancelled']]);
  });
});
