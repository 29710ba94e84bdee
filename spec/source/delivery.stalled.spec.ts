import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import type { DeliveryConfig } from '../../lib/source/config.ts';
import { changes, listing } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

/** A consumer whose claims are in the hands of the spec; `stalls()`: what the status said of them. */
function claiming(delivery: DeliveryConfig = {}, claims: Claim[] = []) {
  const parts = subscribed({ delivery }, {}, (event) => claims.push(event.claim()));
  parts.backend.send(...listing({ x: 1 }, 10));
  const stalls = () => parts.status.all.filter(({ cause }) => (cause as { code?: string })?.code === 'STALLED');
  return { ...parts, claims, stalls };
}

describe('a consumer that hangs', () => {
  it('is told by the status with the first change after 10 s, once', () =>
    virtually((time) => {
      const { backend, status, stalls } = claiming();
      time.advance(9_999);
      backend.send(changes({ x: 2 }, 11));
      expect(stalls()).toEqual([]);
      time.advance(1);
      backend.send(changes({ x: 3 }, 12));
      expect(status.last).toMatchObject({ state: 'live', unsettled: 3, oldestUnsettledSince: 0 });
      expect(status.last).not.toHaveProperty('stale');
      expect(status.last.cause).toMatchObject({
        code: 'STALLED',
        message:
          "[rx-datasync] nothing has settled for 10 s, 3 told: the work hangs or is slow, or an ack was forgotten; 'delivery.claimTimeout' ends what hangs",
      });
      time.advance(20_000);
      backend.send(changes({ x: 4 }, 13));
      expect(stalls().length).toBe(1);
    }));

  it('goes on: that is told too, and the next time it hangs', () =>
    virtually((time) => {
      const { backend, claims, status, stalls } = claiming();
      time.advance(15_000);
      backend.send(changes({ x: 2 }, 11));
      claims[0]!.done();
      expect(status.last).toMatchObject({ unsettled: 1, oldestUnsettledSince: 15_000 });
      expect(status.last).not.toHaveProperty('cause');
      const told = status.all.length;
      claims[1]!.done();
      expect(status.all.length).toBe(told);
      backend.send(changes({ x: 3 }, 12));
      time.advance(10_000);
      backend.send(changes({ x: 4 }, 13));
      expect(stalls().map(({ unsettled }) => unsettled)).toEqual([2, 2]);
    }));

  it('is found out by a sign of life of the store, and by a resync', () =>
    virtually((time) => {
      const { backend, claims, stalls } = claiming();
      time.advance(10_000);
      backend.send({ type: 'progress' });
      expect(stalls().length).toBe(1);
      claims[0]!.done();
      backend.send(changes({ x: 2 }, 11));
      time.advance(10_000);
      backend.send(...listing({ x: 3 }, 12, { reason: 'requested' }));
      expect(stalls().length).toBe(2);
    }));

  it('is found out by no timer', () =>
    virtually((time) => {
      const { stalls } = claiming();
      expect(time.timers).toBe(0);
      time.advance(1_000_000);
      expect(stalls()).toEqual([]);
    }));

  it('one slow event among many that settle is no trouble, nor is idle time', () =>
    virtually((time) => {
      const { backend, claims, stalls } = claiming();
      for (let i = 0; i < 10; i++) {
        backend.send(changes({ x: 100 + i }, 11 + i));
        time.advance(9_000);
        claims[1 + i]!.done();
      }
      claims[0]!.done();
      time.advance(50_000);
      backend.send(changes({ x: 2 }, 50), changes({ x: 3 }, 51));
      expect(stalls()).toEqual([]);
    }));

  it('whose status observer unsubscribes is told no more', () =>
    virtually((time) => {
      const claims: Claim[] = [];
      const { backend, seen } = subscribed(
        {
          statusObserver: {
            next: ({ cause }) => {
              if (cause !== undefined) seen.unsubscribe();
            },
          },
        },
        {},
        (event) => claims.push(event.claim()),
      );
      backend.send(...listing({ x: 1 }, 10));
      time.advance(10_000);
      backend.send(changes({ x: 2 }, 11), changes({ x: 3 }, 12));
      expect(backend.settled).toEqual(['cancelled', 'cancelled']);
      expect(seen.take()).toEqual(['{x:1}@10', 'x:1>2@11']);
    }));
});
