import { BehaviorSubject, EMPTY, NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { SourceConfig } from '../../lib/source/config.ts';
import { type ChangesFrame, ContinuityLost, type ProgressFrame } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { type PinnedPage, type PinnedStore, pinned } from '../../lib/source/pinned.ts';
import { changes, entries, progress } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { Seen, StatusLog } from '../support/seen.ts';

type Listed = Parameters<PinnedStore<number>['list']>[0] & { readonly answer: Subject<PinnedPage<number>> };
type Watched = Parameters<PinnedStore<number>['watch']>[0] & {
  readonly frames: Subject<ChangesFrame<number> | ProgressFrame<number>>;
};

/** A store whose listings and watches are answered by hand. */
function scriptedStore() {
  const lists: Listed[] = [];
  const watches: Watched[] = [];
  const store: PinnedStore<number> = {
    list: (request) => {
      const answer = new Subject<PinnedPage<number>>();
      lists.push({ ...request, answer });
      return answer;
    },
    watch: (request) => {
      const frames = new Subject<ChangesFrame<number> | ProgressFrame<number>>();
      watches.push({ ...request, frames });
      return frames;
    },
  };
  return { lists, watches, store };
}

const at = (values: Record<string, number>, position: number): PinnedPage<number> => ({
  entries: entries(values),
  position,
  revision: position,
});

function connected(config: Partial<SourceConfig<number>> = {}) {
  const parts = scriptedStore();
  const status = new StatusLog();
  const seen = new Seen(
    fromBackend(pinned(parts.store), {
      prefixes: ['a/'],
      codec: jsonCodec<number>(),
      statusObserver: status,
      retry: { random: () => 1 },
      ...config,
    }),
  );
  return { ...parts, seen, status };
}

describe('pinned', () => {
  it('lists pages at one position, and watches from there', () =>
    virtually(() => {
      const { lists, watches, seen } = connected();
      expect(lists).toMatchObject([{ prefixes: ['a/'], at: undefined }]);
      lists[0]!.answer.next(at({ 'a/x': 1 }, 7));
      lists[0]!.answer.next(at({ 'a/y': 2 }, 7));
      expect([seen.take(), watches.length]).toEqual([[], 0]);
      lists[0]!.answer.complete();
      expect(seen.take()).toEqual(['{a/x:1 a/y:2}@7']);
      expect(watches).toMatchObject([{ prefixes: ['a/'], from: 7 }]);
      watches[0]!.frames.next(changes({ 'a/x': 3 }, 8));
      expect(seen.take()).toEqual(['a/x:1>3@8']);
    }));

  it('pages that stand at different revisions are no listing: what changed between them would be lost', () =>
    virtually((time) => {
      const { lists, watches, seen, status } = connected();
      lists[0]!.answer.next(at({ 'a/x': 1 }, 7));
      lists[0]!.answer.next(at({ 'a/y': 2 }, 8));
      expect([seen.take(), watches.length, status.last.state]).toEqual([[], 0, 'backoff']);
      expect(String(status.last.cause)).toContain('different revisions: 7, 8');
      time.advance(100);
      lists[1]!.answer.next(at({ 'a/x': 1, 'a/y': 2 }, 8));
      lists[1]!.answer.complete();
      expect(seen.take()).toEqual(['{a/x:1 a/y:2}@8']);
    }));

  it('nothing to list is one page without entries', () =>
    virtually(() => {
      const { lists, watches, seen } = connected();
      lists[0]!.answer.next(at({}, 3));
      lists[0]!.answer.complete();
      expect(seen.take()).toEqual(['{}@3']);
      expect(watches[0]!.from).toBe(3);
    }));

  it('goes on where it stood after a break, without a listing', () =>
    virtually((time) => {
      const { lists, watches, seen } = connected();
      lists[0]!.answer.next(at({ 'a/x': 1 }, 7));
      lists[0]!.answer.complete();
      watches[0]!.frames.next(changes({ 'a/x': 2 }, 8));
      watches[0]!.frames.complete();
      time.advance(100);
      expect(watches[1]).toMatchObject({ from: 8 });
      watches[1]!.frames.next(changes({ 'a/x': 3 }, 9));
      expect(seen.take()).toEqual(['{a/x:1}@7', 'a/x:1>2@8', 'a/x:2>3@9']);
      expect(lists.length).toBe(1);
    }));

  it('lists an added prefix at the position where it stands, and watches all from there', () =>
    virtually(() => {
      const prefixes = new BehaviorSubject(['a/']);
      const { lists, watches, seen } = connected({ prefixes });
      lists[0]!.answer.next(at({ 'a/x': 1 }, 7));
      lists[0]!.answer.complete();
      watches[0]!.frames.next(progress(9));
      prefixes.next(['a/', 'b/']);
      expect(watches[0]!.signal.aborted).toBe(true);
      expect(lists[1]).toMatchObject({ prefixes: ['b/'], at: 9 });
      lists[1]!.answer.next(at({ 'b/y': 1 }, 9));
      lists[1]!.answer.complete();
      expect(seen.take()).toEqual(['{a/x:1}@7', '{a/x:1@7 +b/y:1}@9 prefixes']);
      expect(watches[1]).toMatchObject({ prefixes: ['a/', 'b/'], from: 9 });
    }));

  it.each(['list', 'watch'] as const)('ContinuityLost of %s lists everything again', (where) =>
    virtually((time) => {
      const prefixes = new BehaviorSubject(['a/']);
      const { lists, watches, seen } = connected({ prefixes });
      lists[0]!.answer.next(at({ 'a/x': 1 }, 7));
      lists[0]!.answer.complete();
      prefixes.next(['a/', 'b/']);
      if (where === 'watch') {
        lists[1]!.answer.next(at({}, 7));
        lists[1]!.answer.complete();
      }
      (where === 'list' ? lists[1]!.answer : watches[1]!.frames).error(new ContinuityLost('compacted'));
      time.advance(100);
      expect(lists.at(-1)).toMatchObject({ prefixes: ['a/', 'b/'], at: undefined });
      lists.at(-1)!.answer.next(at({ 'a/x': 2 }, 20));
      lists.at(-1)!.answer.complete();
      expect(seen.take().at(-1)).toBe('{a/x:1>2}@20 compacted');
    }),
  );

  it('a listing without a page has no position: it is tried again', () =>
    virtually((time) => {
      const { lists, watches, seen, status } = connected();
      lists[0]!.answer.complete();
      expect(status.last.cause).toMatchObject({
        message: 'the listing ended without a page, so without a position',
      });
      time.advance(100);
      expect([lists.length, watches.length, seen.take()]).toEqual([2, 0, []]);
    }));

  it('a listing that fails on a later page leaves nothing', () =>
    virtually((time) => {
      const { lists, seen } = connected();
      lists[0]!.answer.next(at({ 'a/x': 1, 'a/gone': 1 }, 7));
      lists[0]!.answer.error(new Error('page 2'));
      time.advance(100);
      lists[1]!.answer.next(at({ 'a/x': 1 }, 9));
      lists[1]!.answer.complete();
      expect(seen.take()).toEqual(['{a/x:1}@9']);
    }));

  it('aborts the signal when it is unsubscribed, or has ended', () =>
    virtually(() => {
      const { lists, watches, seen } = connected();
      expect(lists[0]!.signal.aborted).toBe(false);
      lists[0]!.answer.next(at({}, 1));
      lists[0]!.answer.complete();
      expect([lists[0]!.signal.aborted, watches[0]!.signal.aborted]).toEqual([true, false]);
      seen.unsubscribe();
      expect(watches[0]!.signal.aborted).toBe(true);
      const other = connected();
      other.seen.unsubscribe();
      expect(other.lists[0]!.signal.aborted).toBe(true);
      expect(other.lists[0]!.answer.observed).toBe(false);
    }));

  it.each([
    ['throws in list', { list: thrown, watch: () => NEVER }],
    ['throws in watch', { list: () => of(at({}, 1)), watch: thrown }],
    ['fails at once', { list: () => throwError(() => new Error('no')), watch: () => NEVER }],
    ['ends at once', { list: () => of(at({}, 1)), watch: () => EMPTY }],
  ] as [string, PinnedStore<number>][])('a store that %s is tried again, ever slower', (_, store) =>
    virtually((time) => {
      let tries = 0;
      const list: PinnedStore<number>['list'] = (request) => {
        tries++;
        return store.list(request);
      };
      const seen = new Seen(
        fromBackend(pinned<number>({ ...store, list }), {
          prefixes: [''],
          retry: { random: () => 1 },
          resyncAfterReconnect: true,
        }),
      );
      time.advance(1_500);
      expect([tries, seen.errors]).toEqual([5, []]);
    }),
  );

  it('has capabilities, which a store may change', () => {
    const { store } = scriptedStore();
    expect(pinned(store)).toMatchObject({ name: 'custom', capabilities: { handOver: 'pinned', resume: 'log' } });
    const named = pinned({
      ...store,
      name: 'mine',
      maxSilence: 5,
      capabilities: { order: 'none', reasons: { order: 'two' } },
    });
    expect(named).toMatchObject({
      name: 'mine',
      maxSilence: 5,
      capabilities: { order: 'none', atomic: 'revision', reasons: { order: 'two' } },
    });
    expect(pinned(store)).not.toHaveProperty('maxSilence');
  });

  it.each([
    [{ list: 1, watch: () => NEVER }, "pinned: the option 'list' must be a function, not 1"],
    [{ list: () => NEVER }, "pinned: the option 'watch' is missing"],
    [
      { list: () => NEVER, watch: () => NEVER, wacth: 1 },
      "pinned: unknown option 'wacth'; known are list, watch, name, capabilities, maxSilence",
    ],
    [
      { list: () => NEVER, watch: () => NEVER, maxSilence: -1 },
      "pinned: the option 'maxSilence' must be a number of milliseconds, 0 to 2,147,483,647, not -1",
    ],
    [undefined, 'pinned: the options must be an object, not undefined'],
  ])('refuses %j', (store, message) => {
    expect(() => pinned(store as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: `[rx-datasync] ${message}` }),
    );
  });
});

function thrown(): never {
  throw new Error('thrown');
}
