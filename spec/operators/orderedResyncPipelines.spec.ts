import { concatWith, NEVER, type Observable, of, take, tap, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Source } from '../../lib/model/events.ts';
import { ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { type ConsumerConfig, consumer } from '../../lib/operators/consumer.ts';
import { notation } from '../../lib/testing/notation.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { codec, ordered, quick } from './ordered.ts';

const no = new Error('no');
const redeliver = { count: 2, delay: 10, maxDelay: 1_000 };

describe('a pipeline', () => {
  type Pipeline = (source: Source<number>) => Observable<unknown>;

  function piped(name: string, log: string[], pipeline: Pipeline, config: ConsumerConfig = {}) {
    const logged: Pipeline = (source) =>
      pipeline(source.pipe(tap((one) => log.push(`${name} ${notation.format(one)}`))));
    return consumer(name, name, codec, logged, config);
  }

  it('is subscribed once, gets its part, and settles what it claims', () => {
    const log: string[] = [];
    let subscribed = 0;
    const a = piped('a', log, (source) => {
      subscribed++;
      return source.pipe(ackWithCallback({ resync: () => undefined, change: () => undefined }));
    });
    const { producer, got } = ordered([a, piped('b', log, (source) => source)]);
    producer.tell('{a:1 b:1}@1', 'a:1>2@2');
    expect([subscribed, log]).toEqual([1, ['a {a:1}@1', 'b {b:1}@1', 'a a:1>2@2']]);
    expect(got).toEqual(['resync@1 a applied, b delivered', 'change@2 a applied, b delivered']);
  });

  const ends: Record<string, readonly [Pipeline, string]> = {
    'that errors': [() => throwError(() => no), 'no'],
    'that errors on the event': [
      (source) =>
        source.pipe(
          tap(() => {
            throw no;
          }),
        ),
      'no',
    ],
    'that throws as it is made': [
      () => {
        throw no;
      },
      'no',
    ],
    'that completes': [(source) => source.pipe(take(1)), 'completed'],
    'that does not listen': [() => NEVER, 'does not listen'],
    'that is none': [() => undefined as never, 'undefined'],
  };

  it.each(Object.keys(ends))('%s has failed in this round; the others go on', (what) => {
    const [pipeline, message] = ends[what]!;
    const { producer, got, results } = ordered([piped('a', [], pipeline), quick('b', [])]);
    producer.tell('{a:1}@1');
    expect(got).toEqual(['resync@1 a failed, b applied']);
    expect(results[0]!.outcomes['a']).toMatchObject({
      error: { message: expect.stringContaining(message) as unknown },
    });
    expect(producer.settled).toEqual(['{a:1}@1 failed']);
  });

  it('is subscribed anew for the next resync', () => {
    const log: string[] = [];
    const a = piped('a', log, (source) =>
      source.pipe(
        tap(({ epoch }) => {
          if (epoch === 1) throw no;
        }),
      ),
    );
    const { producer, got } = ordered([a]);
    producer.tell('{a:1}@1', '{a:1}@1 nacked', 'a:1>2@2');
    expect(got).toEqual(['resync@1 a failed', 'resync@1 a delivered', 'change@2 a delivered']);
    expect(log).toEqual(['a {a:1}@1', 'a {a:1}@1 nacked', 'a a:1>2@2']);
  });

  it('that ends on a change is told again by a round of its own, also where it is required; until then it has failed', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = piped('a', log, (source) =>
        source.pipe(
          tap(({ revision, type }) => {
            if (revision === 2 && type === 'change') throw no;
          }),
        ),
      );
      const { producer, got, unsubscribe } = ordered([a, quick('b', [])], { redeliver });
      producer.tell('{a:1}@1', 'a:1>2@2', 'a:2>3@3');
      expect(got.slice(1)).toEqual(['change@2 a failed, b delivered', 'change@3 a failed, b delivered']);
      time.advance(10);
      expect(got.slice(3)).toEqual(['a again: resync@3 a delivered, b notStarted']);
      expect(log.at(-1)).toBe('a {a:1>3}@3 nacked');
      producer.tell('a:3>4@4');
      expect(log.at(-1)).toBe('a a:3>4@4');
      unsubscribe();
    }));

  it('that ends while nothing is given to it is told again too', () =>
    virtually((time) => {
      const log: string[] = [];
      let runs = 0;
      const a = piped('a', log, (source) =>
        runs++ === 0 ? source.pipe(take(1), concatWith(timer(5)), tap({ complete: () => log.push('ended') })) : source,
      );
      const { producer, unsubscribe } = ordered([a], { redeliver });
      producer.tell('{a:1}@1');
      time.advance(5 + 10);
      expect(log).toEqual(['a {a:1}@1', 'ended', 'a {=a:1}@1 nacked']);
      unsubscribe();
    }));

  it('that was retried on a change gets a resync, if it has ended by it', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = piped(
        'a',
        log,
        (source) =>
          source.pipe(
            tap(({ revision, type }) => {
              if (revision === 2 && type === 'change') throw no;
            }),
          ),
        { onFailure: 'retry', retry: { delay: 5, random: () => 1 } },
      );
      const { producer, got, unsubscribe } = ordered([a]);
      producer.tell('{a:1}@1', 'a:1>2@2');
      time.advance(5);
      expect([log.at(-1), got.at(-1)]).toEqual(['a {a:1>2}@2 nacked', 'change@2 a delivered']);
      unsubscribe();
    }));

  it('takes too long: timed out, and it goes on', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = piped(
        'a',
        log,
        (source) =>
          source.pipe(
            tap((one) => {
              if (one.epoch === 1) one.claim();
            }),
          ),
        { timeout: 5 },
      );
      const { producer, got, unsubscribe } = ordered([a]);
      producer.tell('{a:1}@1');
      time.advance(5);
      producer.tell('{a:1}@1 nacked');
      expect(got).toEqual(['resync@1 a timedOut', 'resync@1 a delivered']);
      unsubscribe();
    }));

  it('completes with its source', () => {
    const log: string[] = [];
    const a = piped('a', [], (source) => source.pipe(concatWith(of(1)), tap({ complete: () => log.push('complete') })));
    const { producer, got } = ordered([a]);
    producer.tell('{}@1');
    producer.complete();
    expect([log, got]).toEqual([['complete'], ['resync@1 a delivered', '|']]);
  });
});
