import { EMPTY, NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceConfig } from '../../lib/source/config.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { type WindowedStore, windowed } from '../../lib/source/windowed.ts';
import { entries } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { HandStore } from '../support/handStore.ts';
import { Seen, StatusLog } from '../support/seen.ts';

function connected(
  more: Partial<WindowedStore> = {},
  config: Partial<SourceConfig<number>> = {},
  next?: (event: DatasyncEvent<number>) => void,
) {
  const hand = new HandStore();
  const status = new StatusLog();
  const common = { prefixes: [''], codec: jsonCodec<number>(), statusObserver: status, retry: { random: () => 1 } };
  const source = fromBackend(windowed({ ...hand.store, ...more }), { ...common, ...config });
  const seen = new Seen(source, next);
  return { hand, seen, status };
}

describe('windowed', () => {
  it('is armed first, then lists', () =>
    virtually(() => {
      const { hand, seen } = connected({}, { prefixes: ['x', 'y'] });
      expect(hand.log).toEqual(['watch x,y']);
      hand.values['x'] = 1;
      hand.start();
      expect(hand.log).toEqual(['watch x,y', 'list x,y']);
      expect(seen.take()).toEqual(['{x:1}@1']);
    }));

  it('reads again what was touched while it listed', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.announcements.next('armed');
      hand.listing.next(entries({ x: 1, y: 1 }));
      hand.write({ x: 2, n: 1 });
      hand.write({ y: undefined });
      expect(hand.log.length).toBe(2);
      hand.listing.next(entries({ z: 1 }));
      hand.listing.complete();
      expect(seen.take()).toEqual(['{x:1 y:1 z:1}@1']);
      expect(hand.log[2]).toBe('read x,n,y');
      hand.answer();
      expect(seen.take()).toEqual(['~n:1,x:1>2,!y:1@2']);
    }));

  it('a write between the list and the re-read is not lost, and nothing goes back in time', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.announcements.next('armed');
      hand.write({ x: 1 });
      hand.values['x'] = 2;
      hand.listing.next(entries(hand.values));
      hand.write({ x: 3 });
      hand.listing.complete();
      hand.write({ x: 4 });
      hand.answer();
      expect(hand.log.at(-1)).toBe('read x');
      hand.answer();
      expect(seen.take()).toEqual(['{x:2}@1', '~x:2>4@2']);
    }));

  it('has one read in flight; what is touched meanwhile is read again', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.start();
      hand.write({ x: 1 });
      const stale = entries({ x: 1 });
      hand.write({ x: 2, y: 1 });
      hand.write({ y: 2 });
      expect(hand.log.slice(2)).toEqual(['read x']);
      hand.reading.next(stale);
      hand.reading.complete();
      expect(hand.log.slice(2)).toEqual(['read x', 'read x,y']);
      hand.answer();
      expect(seen.take()).toEqual(['{}@1', '~x:1@2', '~x:1>2,y:2@3']);
      expect(hand.log.length).toBe(4);
    }));

  it('reads at most `batch` keys at once, in pages if it likes', () =>
    virtually(() => {
      const { hand, seen } = connected({ batch: 2 });
      hand.start();
      hand.write({ busy: 1 });
      hand.write({ a: 1, b: 1, c: 1, d: 1, e: 1 });
      hand.answer();
      expect(hand.log.at(-1)).toBe('read a,b');
      hand.reading.next(entries({ a: 1 }));
      hand.reading.next([]);
      hand.reading.next(entries({ b: 1 }));
      hand.reading.complete();
      hand.answer();
      hand.answer();
      expect(hand.log.slice(-3)).toEqual(['read a,b', 'read c,d', 'read e']);
      expect(seen.take().slice(2)).toEqual(['~a:1,b:1@3', '~c:1,d:1@4', '~e:1@5']);
    }));

  it('what is missing in an answer is deleted; what nobody asked for is not looked at', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.values['x'] = 1;
      hand.start();
      hand.write({ x: undefined, never: undefined });
      hand.reading.next(entries({ other: 1 }));
      hand.reading.complete();
      expect(seen.take()).toEqual(['{x:1}@1', '~!x:1@2']);
    }));

  it('touched without a change tells nothing', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.values['x'] = 1;
      hand.start();
      hand.write({ x: 1 });
      hand.answer();
      hand.announcements.next({ touched: [] });
      expect(seen.take()).toEqual(['{x:1}@1']);
      expect(hand.log.length).toBe(3);
    }));

  it('an error in an answer is a rejected value', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.values['x'] = 1;
      hand.start();
      hand.write({ x: 2 });
      hand.reading.next([{ key: 'x', error: new DatasyncError('DECODE_FAILED', 'a list, not a text') }]);
      hand.reading.complete();
      expect(seen.take()).toEqual(['{x:1}@1', '~x:1?@2']);
    }));

  it('waits for room before it reads', () =>
    virtually((time) => {
      const claims: Claim[] = [];
      const { hand } = connected({}, { delivery: { inFlight: 1 } }, (event) => claims.push(event.claim()));
      hand.start();
      for (let i = 0; i < 1_000; i++) {
        hand.write({ x: i });
        time.advance(10);
      }
      expect(hand.log.length).toBe(2);
      claims[0]!.done();
      expect(hand.log.slice(2)).toEqual(['read x']);
    }));

  it('armed twice means that something may have been lost', () =>
    virtually((time) => {
      const { hand, seen, status } = connected();
      hand.values['x'] = 1;
      hand.start();
      hand.announcements.next('armed');
      expect(status.last.cause).toMatchObject({ message: 'armed twice: announcements between the two may be lost' });
      time.advance(100);
      hand.values['x'] = 2;
      hand.start();
      expect(seen.take()).toEqual(['{x:1}@1', '{x:1>2}@2 reconnected']);
    }));

  it.each(['watch', 'list', 'read'] as const)('when %s breaks, the next connection starts afresh', (part) =>
    virtually((time) => {
      const { hand, seen } = connected();
      hand.values['x'] = 1;
      if (part === 'list') {
        hand.announcements.next('armed');
        hand.listing.next(entries({ x: 1, gone: 1 }));
        hand.listing.error(new Error('cut'));
      } else {
        hand.start();
        hand.write({ x: 2, y: 2 });
        if (part === 'watch') hand.announcements.complete();
        else hand.reading.error(new Error('cut'));
        expect(hand.reading.observed).toBe(false);
      }
      expect(hand.announcements.observed).toBe(false);
      time.advance(100);
      expect(hand.log.at(-1)).toBe('watch ');
      hand.start();
      expect(seen.take().at(-1)).toBe(part === 'list' ? '{x:1}@1' : '{x:1>2 +y:2}@2 reconnected');
    }),
  );

  const thrown = (): never => {
    throw new Error('thrown');
  };
  it.each([
    ['watch', { watch: thrown }],
    ['list', { watch: () => of('armed' as const), list: thrown }],
    ['read', { watch: () => of('armed' as const, { touched: ['x'] }), list: () => EMPTY, read: thrown }],
  ] as [string, Partial<WindowedStore>][])('when %s throws, it is tried again, ever slower', (_, broken) =>
    virtually((time) => {
      let tries = 0;
      const store = { watch: () => NEVER, list: () => EMPTY, read: () => EMPTY, ...broken };
      const watch: WindowedStore['watch'] = (request) => {
        tries++;
        return store.watch(request);
      };
      new Seen(fromBackend(windowed({ ...store, watch }), { prefixes: [''], retry: { random: () => 1 } }));
      time.advance(1_500);
      expect(tries).toBe(5);
    }),
  );

  it('a store that answers at once may be read in any number of batches', () =>
    virtually(() => {
      const keys = Array.from({ length: 20_000 }, (_, i) => `k${i}`);
      const announcements = new Subject<'armed' | { touched: string[] }>();
      const store: WindowedStore = {
        watch: () => announcements,
        list: () => EMPTY,
        read: (some) => of(entries(Object.fromEntries(some.map((key) => [key, 1])))),
        batch: 1,
      };
      const seen = new Seen(fromBackend(windowed(store), { prefixes: [''], codec: jsonCodec<number>() }));
      announcements.next('armed');
      announcements.next({ touched: keys });
      expect(seen.events.length).toBe(20_001);
    }));

  it('unsubscribed within a listing or a read, nothing goes on', () =>
    virtually(() => {
      const first = connected();
      first.hand.announcements.next('armed');
      first.seen.unsubscribe();
      expect([first.hand.announcements.observed, first.hand.listing.observed]).toEqual([false, false]);
      const second = connected();
      second.hand.start();
      second.hand.write({ x: 1 });
      second.seen.unsubscribe();
      expect([second.hand.announcements.observed, second.hand.reading.observed]).toEqual([false, false]);
    }));

  it('unsubscribed by what a read tells: nobody waits for the next batch, and it is not told', () =>
    virtually(() => {
      const parts = connected({ batch: 1 }, {}, ({ type }) => type === 'change' && parts.seen.unsubscribe());
      parts.hand.start();
      parts.hand.write({ x: 1 });
      parts.hand.write({ y: 1 });
      parts.hand.write({ z: 1 });
      parts.hand.answer();
      expect(parts.hand.log.slice(2)).toEqual(['read x', 'read y']);
      expect(parts.hand.reading.observed).toBe(false);
      expect(parts.seen.take()).toEqual(['{}@1', '~x:1@2']);
    }));

  const parts = { watch: () => NEVER, list: () => EMPTY, read: () => EMPTY };
  it.each([
    [{ ...parts, read: undefined }, "the option 'read' is missing"],
    [{ ...parts, batch: 0 }, "the option 'batch' must be a whole number, 1 or more, not 0"],
    [{ ...parts, batch: 0.5 }, "the option 'batch' must be a whole number, 1 or more, not 0.5"],
    [{ ...parts, capabilities: 'all' }, 'the option \'capabilities\' must be an object, not "all"'],
  ])('refuses what makes no sense: %#', (store, message) => {
    expect(() => windowed(store as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: `[rx-datasync] windowed: ${message}` }),
    );
  });

  it('a throw that is no Error is passed on as it is', () =>
    virtually(() => {
      const { hand, status } = connected({ list: () => throwError(() => 'just a text') });
      hand.announcements.next('armed');
      expect(status.last.cause).toBe('just a text');
    }));
});
