import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { DeliveryConfig } from '../../lib/source/config.ts';
import { changes, listing } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

const no = new Error('no');

/** A consumer whose claims are in the hands of the spec. */
function claiming(delivery: DeliveryConfig = {}, claims: Claim[] = []) {
  const parts = subscribed({ delivery }, {}, (event) => claims.push(event.claim()));
  parts.backend.send(...listing({ x: 1, y: 1 }, 10));
  return { ...parts, claims };
}

describe('an outcome that comes late', () => {
  it('a fail after settlement counts: the keys are suspect, a resync is told again', () =>
    virtually((time) => {
      const late: (() => void)[] = [];
      const { backend, seen, status } = subscribed({}, {}, (event) => {
        event.done();
        late.push(() => event.fail(no));
      });
      backend.send(...listing({ x: 1 }, 10), changes({ x: 2 }, 11));
      late[1]!();
      expect(status.last.cause).toMatchObject({ code: 'NACKED' });
      backend.send(...listing({ x: 2 }, 12, { reason: 'requested' }));
      late[2]!();
      time.advance(1_000);
      expect(seen.take().slice(2)).toEqual(['{x:1>2@11}@12 requested', '{x:1>2@11}@12 nacked']);
      expect(backend.settled).toEqual(['applied', 'applied', 'applied']);
    }));

  it('a done, and a claim, count as late and are reported once', () =>
    virtually(() => {
      const events: DatasyncEvent<number>[] = [];
      const { backend, status } = subscribed({}, {}, (event) => events.push(event));
      backend.send(...listing({ x: 1 }, 10), changes({ x: 2 }, 11));
      for (const event of events) {
        event.done();
        event.claim().done();
      }
      const reports = status.all.filter(({ cause }) => cause !== undefined);
      expect(reports).toMatchObject([{ cause: { code: 'LATE_CLAIM' }, lateClaims: 1 }]);
      backend.complete();
      expect(status.last.lateClaims).toBeGreaterThan(2);
      expect(backend.settled).toEqual(['delivered', 'delivered']);
    }));

  it('nothing counts after the subscription is over', () =>
    virtually((time) => {
      const { backend, seen, claims, status } = claiming();
      seen.unsubscribe();
      claims[0]!.fail(no);
      claims[0]!.done();
      expect([backend.settled, status.last.state, time.timers]).toEqual([['cancelled'], 'closed', 0]);
      expect(status.last.lateClaims).toBe(0);
    }));
});

describe('claimTimeout', () => {
  it('is a watchdog on progress: with none, the oldest open event is timed out', () =>
    virtually((time) => {
      const { backend, claims, status } = claiming({ claimTimeout: 1_000 });
      claims[0]!.done();
      backend.send(changes({ x: 2 }, 11), changes({ x: 3 }, 12), changes({ x: 4 }, 13));
      time.advance(999);
      expect(backend.settled).toEqual(['applied', 'open', 'open', 'open']);
      time.advance(1);
      expect(backend.settled).toEqual(['applied', 'timedOut', 'open', 'open']);
      expect(status.last.cause).toMatchObject({
        code: 'NACKED',
        message: '[rx-datasync] the change at revision 11 timed out ("x")',
      });
      time.advance(1_000);
      expect(backend.settled).toEqual(['applied', 'timedOut', 'timedOut', 'open']);
      claims[3]!.done();
      time.advance(10_000);
      expect(time.timers).toBe(0);
    }));

  it('one slow event among many that settle is no trouble', () =>
    virtually((time) => {
      const { backend, claims } = claiming({ claimTimeout: 1_000 });
      claims[0]!.done();
      backend.send(changes({ y: 2 }, 11));
      for (let i = 0; i < 100; i++) {
        backend.send(changes({ x: 100 + i }, 12 + i));
        time.advance(900);
        claims[2 + i]!.done();
      }
      expect(backend.settled[1]).toBe('open');
      claims[1]!.done();
    }));

  it('idle time does not count', () =>
    virtually((time) => {
      const { backend, claims } = claiming({ claimTimeout: 1_000 });
      claims[0]!.done();
      time.advance(50_000);
      backend.send(changes({ x: 2 }, 11));
      time.advance(999);
      expect(backend.settled[1]).toBe('open');
      claims[1]!.done();
    }));

  it('a resync that timed out is told again', () =>
    virtually((time) => {
      const { seen, claims } = claiming({ claimTimeout: 500 });
      time.advance(1_499);
      expect(seen.take()).toEqual(['{x:1 y:1}@10']);
      time.advance(1);
      expect(seen.take()).toEqual(['{x:1 y:1}@10 nacked']);
      claims[1]!.done();
    }));

  it('what is said after the time-out still counts: a fail; not a done', () =>
    virtually((time) => {
      const { backend, seen, claims, status } = claiming({ claimTimeout: 500, redeliver: { count: 0 } });
      time.advance(500);
      claims[0]!.done();
      expect(status.last.stale).toBeDefined();
      expect(backend.settled).toEqual(['timedOut']);
      time.advance(10_000);
      expect(seen.events.length).toBe(1);
    }));
});
