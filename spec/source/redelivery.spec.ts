import { describe, expect, it } from 'vitest';
import { deliveryDefaults, type RedeliverConfig } from '../../lib/source/config.ts';
import { Redelivery } from '../../lib/source/redelivery.ts';
import { type VirtualTime, virtually, whenOver } from '../../lib/testing/virtually.ts';

/** A redelivery whose retries are told at once; whether they fail again is said by `outcomes`, then they all do. */
function failing(time: VirtualTime, config: RedeliverConfig = {}, fails: (retry: number) => boolean = () => true) {
  const told: number[] = [];
  const redelivery: Redelivery = new Redelivery(deliveryDefaults({ redeliver: config }).redeliver, () => {
    told.push(time.now);
    redelivery.told();
    if (fails(told.length)) redelivery.failed();
    else redelivery.succeeded(true);
  });
  whenOver(() => redelivery.close());
  return { redelivery, told };
}

describe('Redelivery', () => {
  it('tells again five times, after 1, 2, 4, 8 and 16 seconds', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time);
      redelivery.told();
      redelivery.failed();
      time.advance(10_000_000);
      expect(told).toEqual([1_000, 3_000, 7_000, 15_000, 31_000]);
      expect(redelivery.exhausted).toBe(true);
      expect(time.timers).toBe(0);
    }));

  it('the delay is capped', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, { delay: 10, maxDelay: 25, count: 4 });
      redelivery.failed();
      time.advance(1_000);
      expect(told).toEqual([10, 30, 55, 80]);
    }));

  it('and stays a number for ever', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, { delay: 0, count: Infinity }, (retry) => retry < 2_000);
      redelivery.failed();
      time.advance(1);
      expect(told.length).toBe(2_000);
    }));

  it('count 0 tells again only when something new is known', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, { count: 0 });
      redelivery.told();
      redelivery.failed();
      time.advance(100_000);
      expect(told).toEqual([]);
      redelivery.news();
      time.advance(0);
      expect(told).toEqual([100_000]);
    }));

  it('after that, news tell it again, at most once per maxDelay', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time);
      redelivery.failed();
      time.advance(40_000);
      told.length = 0;
      for (let i = 0; i < 70; i++) {
        redelivery.news();
        redelivery.news();
        time.advance(1_000);
      }
      expect(told).toEqual([61_000, 91_000]);
      // What came after the last one was told is still to be told; then all is said.
      time.advance(1_000_000);
      expect(told).toEqual([61_000, 91_000, 121_000]);
    }));

  it('news that came while it was open count, too', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, { count: 0, maxDelay: 500 });
      redelivery.told();
      redelivery.news();
      time.advance(2_000);
      redelivery.failed();
      time.advance(0);
      expect(told).toEqual([2_000]);
      time.advance(10_000);
      expect(told).toEqual([2_000]);
    }));

  it('before they are used up, news change nothing', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time);
      redelivery.failed();
      redelivery.news();
      time.advance(2_999);
      expect(told).toEqual([1_000]);
    }));

  it('success counts from the beginning again', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, {}, (retry) => retry !== 3);
      redelivery.failed();
      time.advance(100_000);
      expect(told).toEqual([1_000, 3_000, 7_000]);
      redelivery.failed();
      time.advance(3_000);
      expect(told.slice(3)).toEqual([101_000, 103_000]);
    }));

  it('a success that leaves something suspect lets the retry come', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, {}, () => false);
      redelivery.failed();
      redelivery.succeeded(false);
      time.advance(1_000);
      redelivery.failed();
      redelivery.succeeded(true);
      time.advance(10_000);
      expect(told).toEqual([1_000]);
    }));

  it('several failures before the retry are one', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time, {}, () => false);
      for (let i = 0; i < 10; i++) redelivery.failed();
      time.advance(100_000);
      expect(told).toEqual([1_000]);
    }));

  it('any resync that is told is the retry', () =>
    virtually((time) => {
      const { redelivery, told } = failing(time);
      redelivery.failed();
      time.advance(500);
      redelivery.told();
      expect(time.timers).toBe(0);
      redelivery.failed();
      time.advance(1_999);
      expect(told).toEqual([]);
      time.advance(1);
      expect(told).toEqual([2_500]);
    }));

  it('closed, it tells nothing', () =>
    virtually((time) => {
      const { redelivery } = failing(time);
      redelivery.failed();
      redelivery.close();
      expect(time.timers).toBe(0);
    }));
});
