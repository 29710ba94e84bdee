import { EMPTY, map, NEVER, of, Subject, tap, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceConfig } from '../../lib/source/config.ts';
import { type DiffedList, type DiffedOptions, type DiffedPage, diffed } from '../../lib/source/diffed.ts';
import { ContinuityLost } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { entries } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { Seen, StatusLog } from '../support/seen.ts';

type Asked = Parameters<DiffedList<number>>[0] & { readonly answer: Subject<DiffedPage<number> | 'unchanged'> };

const at = (values: Record<string, number>, position: number): DiffedPage<number> => ({
  entries: entries(values),
  position,
});

/** A list that is answered by hand. */
function asking(
  options: DiffedOptions = {},
  config: Partial<SourceConfig<number>> = {},
  next?: (event: DatasyncEvent<number>) => void,
) {
  const asked: Asked[] = [];
  const list: DiffedList<number> = (request) => {
    const answer = new Subject<DiffedPage<number> | 'unchanged'>();
    asked.push({ ...request, answer });
    return answer;
  };
  const status = new StatusLog();
  const common = { prefixes: ['a/'], codec: jsonCodec<number>(), statusObserver: status, retry: { random: () => 1 } };
  const seen = new Seen(fromBackend(diffed(list, options), { ...common, ...config }), next);
  const answer = (...pages: (DiffedPage<number> | 'unchanged')[]) => {
    const { answer } = asked.at(-1)!;
    for (const page of pages) answer.next(page);
    answer.complete();
  };
  return { asked, answer, seen, status };
}

describe('diffed', () => {
  it('tells the first listing as a resync, each further one as the difference', () =>
    virtually((time) => {
      const { asked, answer, seen } = asking();
      expect(asked).toMatchObject([{ prefixes: ['a/'], since: undefined }]);
      answer(at({ 'a/x': 1 }, 3), at({ 'a/y': 1 }, 3));
      time.advance(1);
      expect(asked[1]!.since).toBe(3);
      answer(at({ 'a/x': 2, 'a/z': 1 }, 5));
      time.advance(1);
      expect(asked[2]!.since).toBe(5);
      expect(seen.take()).toEqual(['{a/x:1 a/y:1}@1', '~a/x:1>2,!a/y:1,a/z:1@2']);
    }));

  it('the same again, and unchanged, tell nothing', () =>
    virtually((time) => {
      const { asked, answer, seen, status } = asking();
      answer(at({ 'a/x': 1 }, 3));
      time.advance(1);
      answer('unchanged');
      time.advance(1);
      expect(asked[2]!.since).toBe(3);
      answer(at({ 'a/x': 1 }, 4));
      time.advance(1);
      answer(at({}, 6));
      expect(seen.take()).toEqual(['{a/x:1}@1', '~!a/x:1@2']);
      expect(status.last.state).toBe('live');
    }));

  it('an empty answer is a page without entries', () =>
    virtually((time) => {
      const { answer, seen, status } = asking();
      answer(at({}, 1));
      expect(seen.take()).toEqual(['{}@1']);
      time.advance(1);
      answer();
      expect(status.last.cause).toMatchObject({
        message: 'an answer without a page: an empty one has no entries, and a position',
      });
      expect(seen.take()).toEqual([]);
    }));

  it('unchanged is no answer to the first question', () =>
    virtually((time) => {
      const { asked, answer, seen, status } = asking();
      answer('unchanged');
      expect(status.last.state).toBe('backoff');
      time.advance(100);
      answer(at({ 'a/x': 1 }, 1));
      expect([asked.length, seen.take()]).toEqual([2, ['{a/x:1}@1']]);
    }));

  it('after a break the next snapshot is a resync', () =>
    virtually((time) => {
      const { asked, answer, seen } = asking();
      answer(at({ 'a/x': 1, 'a/y': 1 }, 3));
      time.advance(1);
      asked[1]!.answer.next(at({ 'a/x': 2 }, 4));
      asked[1]!.answer.error(new Error('truncated'));
      time.advance(100);
      expect(asked[2]!.since).toBeUndefined();
      answer(at({ 'a/x': 2 }, 4));
      expect(seen.take()).toEqual(['{a/x:1 a/y:1}@1', '{a/x:1>2 !a/y:1}@2 reconnected']);
    }));

  it('an index that went back is said by ContinuityLost', () =>
    virtually((time) => {
      const { asked, answer, seen } = asking();
      answer(at({ 'a/x': 1 }, 9));
      time.advance(1);
      asked[1]!.answer.error(new ContinuityLost('regressed'));
      time.advance(100);
      answer(at({ 'a/x': 0 }, 2));
      expect(seen.take()[1]).toBe('{a/x:1>0}@2 regressed');
    }));

  it('gives the revision of the store where it is asked to', () =>
    virtually((time) => {
      const { answer, seen } = asking({ capabilities: { revision: 'store' } });
      answer({ ...at({ 'a/x': 1 }, 3), revision: 30 });
      time.advance(1);
      answer({ ...at({ 'a/x': 2 }, 4), revision: 40 });
      expect(seen.take()).toEqual(['{a/x:1}@30', '~a/x:1>2@40']);
    }));

  it('asks once per `every`, counted from the answer', () =>
    virtually((time) => {
      const { asked, answer } = asking({ every: 500 });
      time.advance(1_000);
      answer(at({}, 1));
      time.advance(499);
      expect(asked.length).toBe(1);
      time.advance(1);
      expect(asked.length).toBe(2);
    }));

  it('waits for room before it asks', () =>
    virtually((time) => {
      const claims: Claim[] = [];
      const { asked, answer } = asking({}, { delivery: { inFlight: 1 } }, (event) => claims.push(event.claim()));
      answer(at({ 'a/x': 1 }, 1));
      time.advance(60_000);
      expect(asked.length).toBe(1);
      claims[0]!.done();
      expect(asked.length).toBe(2);
    }));

  it('a store that answers at once, whatever it answers, is not asked in a tight loop', () =>
    virtually((time) => {
      let asked = 0;
      const count = <T>(value: T) => of(value).pipe(tap(() => asked++));
      const lists: DiffedList<number>[] = [
        ({ since }) => count(since === undefined ? at({}, 1) : 'unchanged'),
        () => count(at({ x: asked }, asked)),
        () => count('unchanged'),
      ];
      for (const list of lists) {
        asked = 0;
        const seen = new Seen(fromBackend(diffed(list), { prefixes: [''] }));
        time.advance(1_000);
        seen.unsubscribe();
        expect(asked).toBeLessThanOrEqual(1_001);
      }
    }));

  it('aborts the signal, and asks no more', () =>
    virtually((time) => {
      const { asked, answer, seen } = asking();
      answer(at({}, 1));
      expect(asked[0]!.signal.aborted).toBe(true);
      time.advance(1);
      expect(asked[1]!.signal.aborted).toBe(false);
      seen.unsubscribe();
      expect(asked[1]!.signal.aborted).toBe(true);
      time.advance(1_000);
      expect(asked.length).toBe(2);
    }));

  it('unsubscribed between two questions, no timer is left', () =>
    virtually((time) => {
      const { answer, seen } = asking({ every: 500 });
      answer(at({}, 1));
      seen.unsubscribe();
      expect(time.timers).toBe(0);
    }));

  it.each([
    ['fails', () => throwError(() => new Error('5xx'))],
    ['is empty', () => EMPTY],
    [
      'throws',
      () => {
        throw new Error('thrown');
      },
    ],
  ] as const)('a list that %s is no empty state', (_, list) =>
    virtually((time) => {
      const seen = new Seen(fromBackend(diffed<number>(list), { prefixes: [''] }));
      time.advance(10_000);
      expect([seen.take(), seen.errors]).toEqual([[], []]);
    }),
  );

  it('every subscription has its own position', () =>
    virtually((time) => {
      const asked: (number | undefined)[] = [];
      const list: DiffedList<number> = ({ since }) => {
        asked.push(since);
        return since === undefined ? of(at({}, 1)) : timer(100).pipe(map(() => 'unchanged' as const));
      };
      const source = fromBackend(diffed(list), { prefixes: [''] });
      new Seen(source);
      time.advance(50);
      new Seen(source);
      expect(asked).toEqual([undefined, 1, undefined]);
    }));

  it.each([
    [1, {}, "diffed: the option 'list' must be a function, not 1"],
    [
      () => NEVER,
      { every: -1 },
      "diffed: the option 'every' must be a number of milliseconds, 0 to 2,147,483,647, not -1",
    ],
    [() => NEVER, { evry: 1 }, "diffed: unknown option 'evry'; known are every, name, capabilities, maxSilence"],
    [() => NEVER, { name: '' }, 'diffed: the option \'name\' must be a text that is not empty, not ""'],
  ])('refuses %j with %j', (list, options, message) => {
    expect(() => diffed(list as never, options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: `[rx-datasync] ${message}` }),
    );
  });
});
