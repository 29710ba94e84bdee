import { Observable, type Subscription, tap, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ackWithCallback, type WorkResult } from '../../lib/operators/ackWithCallback.ts';
import { consumer } from '../../lib/operators/consumer.ts';
import { orderedResync } from '../../lib/operators/orderedResync.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { codec, ordered, quick, resultText, toBytes } from './ordered.ts';
import { Producer } from './support.ts';

const no = new Error('no');

/**
 * Plays a scene with all that may go on, and counts its steps: each call of a handler, of a pipeline, of work that begins
 * or is stopped, each result and each settlement. At one of them it unsubscribes.
 */
function play(at: number): { steps: number; after: string[]; settled: string[]; told: number } {
  const after: string[] = [];
  let steps = 0;
  let told = 0;
  const producer = new Producer();
  virtually((time) => {
    let subscription: Subscription | undefined;
    let isOver = false;
    const step = (what: string): void => {
      if (isOver) after.push(what);
      if (++steps !== at) return;
      isOver = true;
      subscription?.unsubscribe();
    };
    const slow = (what: string, ms: number, fails: () => boolean) => () => {
      step(`${what} begins`);
      return new Observable<never>((subscriber) => {
        const running = timer(ms).subscribe(() => {
          step(`${what} ends`);
          if (fails()) subscriber.error(no);
          else subscriber.complete();
        });
        return () => running.unsubscribe();
      });
    };
    let left = 2;
    const flaky = slow('b', 3, () => left-- > 0);
    const both = <W>(work: W): { resync: W; change: W } => ({ resync: work, change: work });
    const consumers = [
      quick('a', [], {}, () => step('a')),
      consumer('b', 'b', codec, both(flaky), { onFailure: 'retry', retry: { delay: 2, count: 1 }, timeout: 50 }),
      consumer(
        'c',
        '',
        codec,
        (source) => {
          step('c is made');
          return source.pipe(
            tap(({ revision }) => {
              step(`c ${revision}`);
              if (revision === 3) throw no;
            }),
            ackWithCallback(both(slow('c', 1, () => false))),
          );
        },
        { required: false },
      ),
    ];
    const source = producer.source.pipe(toBytes, orderedResync(consumers, { redeliver: { delay: 4 } }));
    subscription = source.subscribe((result) => step(resultText(result)));
    const tell = (...texts: string[]): void => {
      told += texts.length;
      producer.tell(...texts);
    };
    tell('{a:1 b:1}@1', 'a:1>2,b:1>2@2', '+c:1@3');
    time.advance(100);
    tell('{a:2 b:2 c:1}@3 nacked', '+c2:1@4', '!c2:1@5');
    time.advance(100);
    subscription.unsubscribe();
    time.advance(60_000);
  });
  return { steps, after, settled: producer.settled, told };
}

describe('unsubscribed at every step', () => {
  const { steps } = play(Infinity);

  it('there are many', () => expect(steps).toBeGreaterThan(20));

  it.each(Array.from({ length: steps }, (_, index) => index + 1))(
    'step %i: nothing comes after, all is settled once',
    (at) => {
      const { after, settled, told } = play(at);
      expect(after).toEqual([]);
      expect(settled).toHaveLength(told);
      const events = settled.map((line) => line.slice(0, line.lastIndexOf(' ')));
      expect(new Set(events).size).toBe(told);
      expect(settled.filter((line) => line.includes('late'))).toEqual([]);
    },
  );
});

describe('what works in a consumer', () => {
  it.each([
    [
      'a synchronous throw',
      () => {
        throw no;
      },
      'failed',
    ],
    ['an Observable that errors', () => new Observable((subscriber) => subscriber.error(no)), 'failed'],
    [
      'a done said twice',
      (event: { done: () => void }) => {
        event.done();
        event.done();
      },
      'applied',
    ],
    [
      'a fail and a done',
      (event: { done: () => void; fail: (error: unknown) => void }) => {
        event.fail(no);
        event.done();
      },
      'failed',
    ],
    [
      'a claim that is released',
      (event: { claim: () => { release: () => void } }) => event.claim().release(),
      'applied',
    ],
  ] as const)('%s: settled exactly once', (_, act, outcome) => {
    const { producer, got } = ordered([quick('a', [], {}, act as () => WorkResult)]);
    producer.tell('{a:1}@1');
    expect(got).toEqual([`resync@1 a ${outcome}`]);
    expect(producer.settled).toEqual([`{a:1}@1 ${outcome}`]);
  });

  it('a claim keeps the round open until it is used', () => {
    const log: string[] = [];
    let done = (): void => undefined;
    const a = quick('a', log, {}, (event) => {
      const claim = event.claim();
      done = claim.done;
    });
    const { producer, got } = ordered([a, quick('b', log)]);
    producer.tell('{a:1}@1');
    expect([log, got]).toEqual([['a {a:1}@1'], []]);
    done();
    done();
    expect(got).toEqual(['resync@1 a applied, b applied']);
    expect(producer.settled).toEqual(['{a:1}@1 applied', '{a:1}@1 late word']);
  });
});
