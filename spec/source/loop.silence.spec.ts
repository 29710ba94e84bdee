import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import { changes, listing, page, progress } from '../../lib/testing/frames.ts';
import type { ScriptedOptions } from '../../lib/testing/scriptedBackend.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

const options: ScriptedOptions<number> = { maxSilence: 1_000 };

describe('a dead stream', () => {
  it('is given up after maxSilence, and its position kept', () =>
    virtually((time) => {
      const { backend, seen, status } = subscribed({}, options);
      backend.send(...listing({ x: 1 }, 7));
      time.advance(999);
      expect(backend.live).toBe(1);
      time.advance(1);
      expect(backend.live).toBe(0);
      expect(status.last).toMatchObject({
        state: 'backoff',
        stale: { since: 1_000 },
        cause: {
          code: 'DEAD_STREAM',
          message: '[rx-datasync/scripted] nothing came for 1000 ms, not even a sign of life',
        },
      });
      time.advance(100);
      expect(backend.connection.context.from).toBe(7);
      backend.send(changes({ x: 2 }, 8));
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1>2@8']);
    }));

  it('also one that never said anything, or fell silent within its listing', () =>
    virtually((time) => {
      const { backend, seen } = subscribed({}, options);
      time.advance(1_000);
      expect(backend.live).toBe(0);
      time.advance(100);
      time.advance(900);
      backend.send(page({ x: 1 }, 7));
      time.advance(999);
      expect(backend.live).toBe(1);
      time.advance(1);
      expect(backend.live).toBe(0);
      time.advance(200);
      backend.send(...listing({ y: 1 }, 7));
      expect(seen.take()).toEqual(['{y:1}@7']);
    }));

  it('what comes too late is not taken', () =>
    virtually((time) => {
      const { backend, seen } = subscribed({}, options);
      backend.send(...listing({ x: 1 }, 7));
      const old = backend.connection;
      time.advance(1_000);
      old.send(changes({ x: 2 }, 8));
      expect(seen.take()).toEqual(['{x:1}@7']);
      expect(old.closed).toBe(true);
    }));

  it('idle but alive is not dead: any frame counts, also one that tells nothing', () =>
    virtually((time) => {
      const { backend, seen } = subscribed({}, options);
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8));
      for (let i = 0; i < 50; i++) {
        time.advance(900);
        backend.send(i % 2 === 0 ? progress() : changes({ x: 2 }, 8));
      }
      expect(backend.log).toEqual(['open 1']);
      expect(seen.events.length).toBe(2);
    }));

  it('without maxSilence silence is golden', () =>
    virtually((time) => {
      const { backend } = subscribed();
      backend.send(...listing({ x: 1 }, 7));
      expect(time.timers).toBe(0);
      time.advance(1e9);
      expect(backend.live).toBe(1);
    }));

  it('one that waits in ready() is not dead, and has its time again afterwards', () =>
    virtually((time) => {
      const claims: Claim[] = [];
      const { backend } = subscribed({ delivery: { inFlight: 1 } }, options, (event) => claims.push(event.claim()));
      backend.send(...listing({ x: 1 }, 7));
      time.advance(500);
      let ready = 0;
      const waiting = backend.connection.context.ready().subscribe(() => ready++);
      time.advance(10_000);
      expect([backend.live, ready]).toEqual([1, 0]);
      claims[0]!.done();
      expect(ready).toBe(1);
      time.advance(999);
      expect(backend.live).toBe(1);
      time.advance(1);
      expect(backend.live).toBe(0);
      expect(waiting.closed).toBe(true);
    }));

  it('one that gives up waiting has its time again too', () =>
    virtually((time) => {
      const { backend } = subscribed({ delivery: { inFlight: 1 } }, options, (event) => event.claim());
      backend.send(...listing({ x: 1 }, 7));
      const waiting = backend.connection.context.ready().subscribe();
      time.advance(5_000);
      waiting.unsubscribe();
      time.advance(999);
      expect(backend.live).toBe(1);
      time.advance(1);
      expect(backend.live).toBe(0);
    }));

  it('room that was there all along is no sign of life', () =>
    virtually((time) => {
      const { backend } = subscribed({}, options);
      backend.send(...listing({ x: 1 }, 7));
      time.advance(900);
      backend.connection.context.ready().subscribe();
      time.advance(100);
      expect(backend.live).toBe(0);
    }));

  it('unsubscribed, nobody listens to the silence', () =>
    virtually((time) => {
      const { seen } = subscribed({}, options);
      seen.unsubscribe();
      expect(time.timers).toBe(0);
    }));
});
