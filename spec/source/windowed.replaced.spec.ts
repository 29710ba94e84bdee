import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceConfig } from '../../lib/source/config.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { windowed } from '../../lib/source/windowed.ts';
import { entries } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { HandStore } from '../support/handStore.ts';
import { Seen } from '../support/seen.ts';

function connected(config: Partial<SourceConfig<number>> = {}, next?: (event: DatasyncEvent<number>) => void) {
  const hand = new HandStore();
  const source = fromBackend(windowed(hand.store), { prefixes: [''], codec: jsonCodec<number>(), ...config });
  return { hand, seen: new Seen(source, next) };
}

describe('windowed, when the data is replaced', () => {
  it('lists again on the same connection, and says that the store went back', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.values['x'] = 1;
      hand.values['y'] = 1;
      hand.start();
      delete hand.values['y'];
      hand.announcements.next('replaced');
      expect(hand.log.at(-1)).toBe('list ');
      hand.listing.next(entries(hand.values));
      hand.listing.complete();
      expect(hand.log.filter((line) => line.startsWith('watch'))).toHaveLength(1);
      expect(seen.take()).toEqual(['{x:1 y:1}@1', '{x:1@1 !y:1}@2 regressed']);
      hand.write({ x: 2 });
      hand.answer();
      expect(seen.take()).toEqual(['~x:1>2@3']);
    }));

  it('a read that is under way is told first: it may be older than the listing', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.start();
      hand.write({ x: 1 });
      hand.announcements.next('replaced');
      expect(hand.log.at(-1)).toBe('read x');
      hand.answer();
      delete hand.values['x'];
      hand.listing.complete();
      expect(seen.take()).toEqual(['{}@1', '~x:1@2', '{!x:1}@3 regressed']);
    }));

  it('while it lists, it lists once more; what was touched before needs no reading, what is touched after does', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.announcements.next('armed');
      hand.listing.next(entries({ x: 1 }));
      hand.write({ x: 2 });
      hand.announcements.next('replaced');
      hand.announcements.next('replaced');
      hand.listing.complete();
      expect(hand.log).toEqual(['watch ', 'list ', 'list ']);
      hand.write({ y: 1 });
      hand.listing.next(entries({ z: 1 }));
      hand.listing.complete();
      expect(hand.log.at(-1)).toBe('read y');
      hand.answer();
      expect(seen.take()).toEqual(['{x:1}@1', '{!x:1 +z:1}@2 regressed', '~y:1@3']);
    }));

  it('a batch that waits for room is not read any more: everything is listed', () =>
    virtually(() => {
      const claims: Claim[] = [];
      const { hand, seen } = connected({ delivery: { inFlight: 1 } }, (event) => claims.push(event.claim()));
      hand.start();
      hand.write({ x: 1 });
      hand.announcements.next('replaced');
      expect(hand.log).toEqual(['watch ', 'list ']);
      claims[0]!.done();
      expect(hand.log).toEqual(['watch ', 'list ', 'list ']);
      hand.listing.next(entries(hand.values));
      hand.listing.complete();
      expect(seen.take()).toEqual(['{}@1', '{x:1}@2 regressed']);
      claims[1]!.done();
      hand.write({ x: 2 });
      hand.answer();
      expect(seen.take()).toEqual(['~x:1>2@3']);
    }));

  it('before it is armed there is nothing to replace', () =>
    virtually(() => {
      const { hand, seen } = connected();
      hand.announcements.next('replaced');
      expect(hand.log).toEqual(['watch ']);
      hand.start();
      expect(hand.log).toEqual(['watch ', 'list ']);
      expect(seen.take()).toEqual(['{}@1']);
    }));

  it('a store that is replaced all the time under a consumer that is stuck is listed once it has room', () =>
    virtually((time) => {
      const claims: Claim[] = [];
      const { hand } = connected({ delivery: { inFlight: 1 } }, (event) => claims.push(event.claim()));
      hand.start();
      for (let i = 0; i < 1_000; i++) {
        hand.announcements.next('replaced');
        time.advance(10);
      }
      expect(hand.log).toEqual(['watch ', 'list ']);
      claims[0]!.done();
      expect(hand.log).toEqual(['watch ', 'list ', 'list ']);
    }));
});

describe('windowed, when more keys are touched than are worth remembering', () => {
  const some = (count: number) => Array.from({ length: count }, (_, i) => `short-lived-${i}`);
  const reads = ({ log }: HandStore) => log.filter((line) => line.startsWith('read')).length;

  it('lists again once there is room, and tells the difference', () =>
    virtually(() => {
      const claims: Claim[] = [];
      const { hand, seen } = connected({ delivery: { inFlight: 1 } }, (event) => claims.push(event.claim()));
      hand.values['x'] = 1;
      hand.values['y'] = 1;
      hand.start();
      hand.announcements.next({ touched: some(100_001) });
      hand.write({ x: 2, y: undefined, z: 1 });
      expect(reads(hand)).toBe(0);
      claims[0]!.done();
      expect(hand.log.slice(2)).toEqual(['list ']);
      hand.listing.next(entries(hand.values));
      hand.write({ late: 1 });
      hand.listing.complete();
      claims[1]!.done();
      hand.answer();
      expect(seen.take()).toEqual(['{x:1 y:1}@1', '~x:1>2,!y:1,z:1@2', '~late:1@3']);
    }));

  it('reads them where the store holds as many', () =>
    virtually(() => {
      const hand = new HandStore();
      const source = fromBackend(windowed(hand.store), { prefixes: [''] });
      const subscription = source.subscribe();
      const value = new Uint8Array();
      hand.announcements.next('armed');
      hand.listing.next(some(100_001).map((key) => ({ key, value })));
      hand.listing.complete();
      hand.announcements.next({ touched: some(100_001) });
      expect(hand.log.at(-1)).toContain('read short-lived-0,');
      subscription.unsubscribe();
    }));
});
