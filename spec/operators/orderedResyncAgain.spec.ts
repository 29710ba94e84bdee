import { timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { ordered, quick } from './ordered.ts';

const no = new Error('no');
const redeliver = { count: 2, delay: 10, maxDelay: 1_000 };

/** Fails on what a function says. */
const failsOn = (isBad: (event: DatasyncEvent<number>) => boolean) => (event: DatasyncEvent<number>) => {
  if (isBad(event)) throw no;
};

describe('a consumer that is not required', () => {
  it('fails in the result only, and is told again from memory, in a round of its own', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = quick(
        'a',
        log,
        { required: false },
        failsOn(({ epoch }) => epoch === 1),
      );
      const { producer, got, results, unsubscribe } = ordered([a, quick('b', log)], { redeliver });
      producer.tell('{a:1 b:1}@1');
      expect([got, producer.settled]).toEqual([['resync@1 a failed, b applied'], ['{a:1 b:1}@1 applied']]);
      time.advance(10);
      expect(log.slice(2)).toEqual(['a {a:1}@1 nacked']);
      expect(got.slice(1)).toEqual(['a again: resync@1 a applied, b notStarted']);
      expect(results[1]).toMatchObject({
        again: 'a',
        event: { reason: 'nacked', prefixes: ['a'], entries: { size: 1 } },
      });
      unsubscribe();
    }));

  it('gets no change while its resync has failed, and what it missed with the next one', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = quick(
        'a',
        log,
        { required: false },
        failsOn(({ epoch }) => epoch === 1),
      );
      const { producer, got, unsubscribe } = ordered([a, quick('b', log)], { redeliver });
      producer.tell('{a1:1 a2:1}@1', 'a1:1>2,b:1@2', '!a2:1@3', 'a3:1@4', '!a3:1@5');
      expect(got.slice(1, 3)).toEqual(['change@2 a notStarted, b applied', 'change@3 a notStarted, b delivered']);
      time.advance(10);
      expect(log.at(-1)).toBe('a {+a1:2@2 !a2:1}@5 nacked');
      producer.tell('a1:2>3@6');
      expect(log.at(-1)).toBe('a a1:2>3@6');
      unsubscribe();
    }));

  it('a failed change is followed by the next; the resync that comes later names what failed', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = quick(
        'a',
        log,
        { required: false },
        failsOn(({ revision, type }) => revision === 2 && type === 'change'),
      );
      const { producer, unsubscribe } = ordered([a], { redeliver });
      producer.tell('{a1:1 a2:1}@1', 'a1:1>2@2', 'a2:1>2@3');
      expect(log.at(-1)).toBe('a a2:1>2@3');
      time.advance(10);
      expect(log.at(-1)).toBe('a {a1:1>2@2 a2:2}@3 nacked');
      unsubscribe();
    }));

  it('is told again so often, later and later; then when there is something new', () =>
    virtually((time) => {
      const log: string[] = [];
      const { producer, unsubscribe } = ordered(
        [
          quick(
            'a',
            log,
            { required: false },
            failsOn(() => true),
          ),
        ],
        { redeliver },
      );
      producer.tell('{a:1}@1');
      time.advance(10 + 20);
      expect(log).toHaveLength(3);
      time.advance(100_000);
      expect(log).toHaveLength(3);
      producer.tell('a:1>2@2');
      time.advance(1_000);
      expect(log).toHaveLength(4);
      expect(log.at(-1)).toBe('a {a:2}@2 nacked');
      unsubscribe();
    }));

  it('a resync from above is told instead, and then nothing more', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = quick(
        'a',
        log,
        { required: false },
        failsOn(({ epoch }) => epoch === 1),
      );
      const { producer, unsubscribe } = ordered([a], { redeliver });
      producer.tell('{a:1}@1', '{a:2}@2 requested');
      expect(log.at(-1)).toBe('a {a:2}@2 requested');
      time.advance(100_000);
      expect(log).toHaveLength(2);
      unsubscribe();
    }));

  it('its round waits for the one that runs', () =>
    virtually((time) => {
      const log: string[] = [];
      const a = quick(
        'a',
        log,
        { required: false },
        failsOn(({ epoch }) => epoch === 1),
      );
      const { producer, got, unsubscribe } = ordered([a, quick('b', log, {}, () => timer(50))], { redeliver });
      producer.tell('{}@1');
      time.advance(49);
      expect(got).toEqual([]);
      time.advance(1);
      expect(got).toEqual(['resync@1 a failed, b applied', 'a again: resync@1 a applied, b notStarted']);
      unsubscribe();
    }));

  it('a late failure has it told again', () =>
    virtually((time) => {
      const log: string[] = [];
      const events: DatasyncEvent<number>[] = [];
      const { producer, unsubscribe } = ordered([quick('a', log, { required: false }, (one) => events.push(one))], {
        redeliver,
      });
      producer.tell('{a:1}@1');
      events[0]!.fail(no);
      time.advance(10);
      expect([log.at(-1), producer.settled]).toEqual(['a {a:1}@1 nacked', ['{a:1}@1 applied']]);
      unsubscribe();
    }));

  it('stops nobody', () => {
    const { producer, got } = ordered(
      [
        quick(
          'a',
          [],
          { required: false },
          failsOn(() => true),
        ),
        quick('b', []),
      ],
      {
        onFailure: 'stop',
      },
    );
    producer.tell('{}@1');
    expect(got).toEqual(['resync@1 a failed, b applied']);
    producer.complete();
    expect(got.at(-1)).toBe('|');
  });
});
