import { describe, expect, it } from 'vitest';
import { ContinuityLost } from '../../lib/source/frames.ts';
import { changes, listing, page, progress } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

describe('after a break', () => {
  it('goes on at the position without a resync', () =>
    virtually((time) => {
      const { backend, seen, status } = subscribed();
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8, { position: 80 }));
      seen.take();
      status.take();
      backend.fail();
      time.advance(100);
      expect(backend.connection.context).toMatchObject({ prefixes: [''], added: [], from: 80 });
      backend.send(changes({ x: undefined }, 9));
      expect(seen.take()).toEqual(['!x:2@9']);
      expect(status.take()).toEqual(['backoff!', 'connecting!', 'live']);
    }));

  it('a sign of life moves the position and makes it live', () =>
    virtually((time) => {
      const { backend, status } = subscribed();
      backend.send(...listing({ x: 1 }, 7), progress(9));
      backend.fail();
      time.advance(100);
      expect(backend.connection.context.from).toBe(9);
      backend.send(progress());
      expect(status.last.state).toBe('live');
      backend.complete();
      time.advance(200);
      expect(backend.connection.context.from).toBe(9);
    }));

  it('a listing that breaks leaves no trace', () =>
    virtually((time) => {
      const { backend, seen } = subscribed();
      backend.send(page({ x: 1, y: 1 }, 7));
      backend.fail();
      time.advance(100);
      backend.send(page({ x: 2 }, 8));
      backend.fail();
      time.advance(200);
      backend.send(...listing({ x: 1, z: 1 }, 7));
      expect(seen.take()).toEqual(['{x:1 z:1}@7']);
    }));

  it('resyncs where there is no position', () =>
    virtually((time) => {
      const { backend, seen, status } = subscribed();
      backend.send(...listing({ x: 1 }, 7, { position: undefined as never }));
      backend.fail();
      expect(status.last).toMatchObject({ state: 'backoff', stale: { since: 0 }, attempt: 1, until: 100 });
      time.advance(100);
      expect(backend.connection.context.from).toBeUndefined();
      backend.send(...listing({ x: 2, y: 1 }, 9));
      expect(seen.take()).toEqual(['{x:1}@7', '{x:1>2 +y:1}@9 reconnected']);
    }));

  it('resyncs always with resyncAfterReconnect', () =>
    virtually((time) => {
      const { backend, seen } = subscribed({ resyncAfterReconnect: true });
      backend.send(...listing({ x: 1 }, 7));
      backend.complete();
      time.advance(100);
      expect(backend.connection.context).toMatchObject({ from: undefined, added: [''] });
      backend.send(...listing({ x: 1 }, 7));
      expect(seen.take()).toEqual(['{x:1}@7', '{=x:1}@7 reconnected']);
    }));

  it('a backend that cannot resume after all sends a snapshot: a resync', () =>
    virtually((time) => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1, y: 1 }, 7));
      backend.fail();
      time.advance(100);
      backend.send(...listing({ x: 2 }, 9));
      expect(seen.take()).toEqual(['{x:1 y:1}@7', '{x:1>2 !y:1}@9 reconnected']);
    }));

  it('and that again, when this snapshot breaks off: its position was never reached', () =>
    virtually((time) => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1 }, 7));
      backend.fail();
      time.advance(100);
      backend.send(page({ x: 2, y: 1 }, 9), progress(9));
      backend.fail();
      time.advance(200);
      expect(backend.connection.context.from).toBe(7);
      backend.send(changes({ x: 2, y: 1 }, 9));
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1>2,y:1@9']);
    }));

  it('the strongest reason is told, and the highest position forgotten', () =>
    virtually((time) => {
      const { backend, seen } = subscribed();
      backend.send(...listing({ x: 1 }, 7));
      backend.fail(new ContinuityLost('compacted'));
      time.advance(100);
      backend.fail();
      time.advance(200);
      backend.send(...listing({ x: 1 }, 9));
      expect(seen.take()[1]).toBe('{=x:1@7}@9 compacted');
    }));

  it('a reason is told once', () =>
    virtually((time) => {
      const { backend, seen } = subscribed({ resyncAfterReconnect: true });
      backend.send(...listing({ x: 1 }, 7));
      for (const error of [new ContinuityLost('compacted'), new Error('cut')]) {
        backend.fail(error);
        time.advance(1_000);
        backend.send(...listing({ x: 1 }, 7));
      }
      expect(seen.take().slice(1)).toEqual(['{=x:1}@7 compacted', '{=x:1}@7 reconnected']);
    }));

  it('S21: flapping a thousand times loses nothing and tells nothing twice', () =>
    virtually((time) => {
      const { backend, seen } = subscribed({ retry: { maxDelay: 1_000 } });
      backend.send(...listing({ x: 0 }, 1));
      for (let i = 1; i <= 1_000; i++) {
        backend.send(changes({ x: i }, i + 1));
        backend.complete();
        time.advance(1_000);
      }
      expect(backend.connections.length).toBe(1_001);
      expect(seen.events.length).toBe(1_001);
      expect(seen.take().at(-1)).toBe('x:999>1000@1001');
      expect(time.timers).toBe(0);
    }));
});
