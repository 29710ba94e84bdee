import { EMPTY, type ObservableInput, Subject, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RetryConfig } from '../../lib/source/config.ts';
import { listing } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

/** When each connection is opened that breaks at once. */
function opensOf(retry: RetryConfig, ms: number, count = Infinity): number[] {
  const opens: number[] = [];
  virtually((time) => {
    const { seen } = subscribed(
      { retry },
      {
        opened: (connection) => {
          opens.push(time.now);
          connection.fail();
          if (opens.length === count) seen.unsubscribe();
        },
      },
    );
    time.advance(ms);
  });
  return opens;
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!);

describe('backoff', () => {
  it('doubles, up to maxDelay', () => {
    expect(gaps(opensOf({}, 120_000))).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ]);
    expect(gaps(opensOf({ delay: 10, maxDelay: 35 }, 150))).toEqual([10, 20, 35, 35, 35]);
  });

  it('is jittered between a half and the whole', () => {
    expect(gaps(opensOf({ random: () => 0 }, 1_000))).toEqual([50, 100, 200, 400]);
    const word = [0, 0.5, 1];
    expect(gaps(opensOf({ random: () => word.shift() ?? 0 }, 600))).toEqual([50, 150, 400]);
  });

  it('stays a number when it failed ever so often (S21)', () =>
    virtually((time) => {
      let opens = 0;
      const { backend, status } = subscribed(
        { retry: { delay: 0 } },
        { opened: (connection) => (++opens > 2_000 ? undefined : connection.complete()) },
      );
      time.advance(1);
      expect(status.last).toMatchObject({ state: 'connecting', attempt: 2_000 });
      backend.send(...listing({}, 1));
    }));

  it('starts again only after a connection that was live for `stable`', () =>
    virtually((time) => {
      const { backend, status } = subscribed({ retry: { stable: 1_000 } });
      const breakAfter = (ms: number) => {
        backend.send(...listing({}, 1));
        time.advance(ms);
        backend.fail();
        const { attempt, until } = status.last;
        time.advance(until! - time.now);
        return attempt;
      };
      expect([breakAfter(0), breakAfter(999), breakAfter(999), breakAfter(1_000), breakAfter(5)]).toEqual([
        1, 2, 3, 1, 2,
      ]);
      backend.fail();
      // A connection that never was live is not stable, however long it tried.
      time.advance(400);
      time.advance(5_000);
      backend.fail();
      expect(status.last.attempt).toBe(4);
    }));

  it('ends with RETRY_EXHAUSTED after `count` failures in a row', () =>
    virtually((time) => {
      const cause = new Error('refused');
      const { backend, seen } = subscribed({ retry: { count: 2 } }, { opened: (connection) => connection.fail(cause) });
      time.advance(1_000);
      expect(backend.log.length / 2).toBe(3);
      expect(seen.errors).toMatchObject([
        {
          code: 'RETRY_EXHAUSTED',
          cause,
          message: '[rx-datasync/scripted] gave up after 3 failures in a row: refused',
        },
      ]);
      expect(time.timers).toBe(0);
    }));

  it('with count 0 at the first', () =>
    virtually(() => {
      const { backend, seen } = subscribed({ retry: { count: 0 } });
      backend.complete();
      expect(seen.errors).toMatchObject([{ code: 'RETRY_EXHAUSTED', cause: { code: 'CONNECTION_LOST' } }]);
    }));

  it('may be a notifier per failure', () =>
    virtually((time) => {
      const asked: unknown[] = [];
      const error = new Error('cut');
      const retry = {
        delay: (cause: unknown, attempt: number) => {
          asked.push([cause, attempt]);
          return timer(attempt * 7);
        },
      };
      const { backend, status } = subscribed({ retry });
      backend.fail(error);
      expect(status.last).toMatchObject({ state: 'backoff', attempt: 1 });
      expect(status.last.until).toBeUndefined();
      time.advance(6);
      expect(backend.log).toEqual(['open 1', 'close 1']);
      time.advance(1);
      backend.fail(error);
      time.advance(14);
      expect(backend.connections.length).toBe(3);
      expect(asked).toEqual([
        [error, 1],
        [error, 2],
      ]);
    }));

  it('a notifier that emits again, or completes after that, opens no second connection', () =>
    virtually(() => {
      const go = new Subject<void>();
      const { backend } = subscribed({ retry: { delay: () => go } });
      backend.fail();
      go.next();
      go.next();
      go.complete();
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
    }));

  const broken = new Error('no more');
  it.each([
    ['completes without an emission', () => EMPTY, { code: 'RETRY_EXHAUSTED' }],
    [
      'fails',
      () => throwError(() => broken),
      {
        code: 'RETRY_EXHAUSTED',
        cause: broken,
        message: "[rx-datasync/scripted] 'retry.delay' gave up: no more",
      },
    ],
    [
      'throws',
      () => {
        throw broken;
      },
      { code: 'INVALID_CONFIG', cause: broken, message: "[rx-datasync/scripted] 'retry.delay' threw: no more" },
    ],
    [
      'is none',
      () => undefined as unknown as ObservableInput<unknown>,
      {
        code: 'INVALID_CONFIG',
        message: "[rx-datasync/scripted] 'retry.delay' must return an Observable, a Promise or the like, not undefined",
      },
    ],
  ] as const)('a notifier that %s ends the subscription', (_, delay, error) =>
    virtually(() => {
      const { backend, seen } = subscribed({ retry: { delay } });
      backend.fail();
      expect(seen.errors).toMatchObject([error]);
    }),
  );
});

describe('a random that is none ends the subscription', () => {
  const broken = new Error('no more');
  it.each([
    ['NaN', () => Number.NaN, "'retry.random' must return a number, 0 to 1, not NaN"],
    ['more than 1', () => 5, "'retry.random' must return a number, 0 to 1, not 5"],
    ['a text', () => '1' as never, `'retry.random' must return a number, 0 to 1, not "1"`],
    [
      'an exception',
      () => {
        throw broken;
      },
      "'retry.random' threw: no more",
    ],
  ])('%s', (_, random, message) =>
    virtually((time) => {
      const { backend, seen } = subscribed({ retry: { random } });
      backend.fail();
      expect(seen.errors).toMatchObject([{ code: 'INVALID_CONFIG', message: `[rx-datasync/scripted] ${message}` }]);
      expect([backend.connections.length, time.timers]).toEqual([1, 0]);
    }),
  );
});
