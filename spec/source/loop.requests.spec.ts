import { BehaviorSubject, NEVER, Subject, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { changes, listing, page } from '../../lib/testing/frames.ts';
import type { ScriptedOptions } from '../../lib/testing/scriptedBackend.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

/** Each connection lists at once. */
const answering: ScriptedOptions<number> = { opened: (connection) => connection.send(...listing({ x: 1 }, 7)) };

describe('resyncOn', () => {
  it('reads everything again', () =>
    virtually(() => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      backend.send(...listing({ x: 1, y: 1 }, 7), changes({ x: 2 }, 8));
      resyncOn.next();
      expect(backend.log).toEqual(['open 1', 'close 1', 'open 2']);
      expect(backend.connection.context).toMatchObject({ added: [''], from: undefined });
      backend.send(...listing({ x: 2, z: 1 }, 9), changes({ x: 3 }, 10));
      expect(seen.take()).toEqual(['{x:1 y:1}@7', 'x:1>2@8', '{x:2@8 !y:1 +z:1}@9 requested', 'x:2>3@10']);
    }));

  it('what asks while a listing runs makes one more, after a pause', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      resyncOn.next();
      backend.send(page({ x: 1 }, 7));
      resyncOn.next();
      backend.send(...listing({}, 7));
      resyncOn.next();
      expect(backend.connections.length).toBe(1);
      time.advance(99);
      expect(backend.connections.length).toBe(1);
      time.advance(1);
      expect(backend.connections.length).toBe(2);
      backend.send(...listing({ x: 1 }, 7));
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@7', '{=x:1}@7 requested']);
    }));

  it('what asks while a resync is open waits for its settlement', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const claims: Claim[] = [];
      const { backend, seen } = subscribed({ resyncOn }, answering, (event) => claims.push(event.claim()));
      for (let i = 0; i < 1_000; i++) {
        resyncOn.next();
        time.advance(10);
      }
      expect(seen.take()).toEqual(['{x:1}@7']);
      claims[0]!.done();
      time.advance(100);
      expect(seen.take()).toEqual(['{=x:1}@7 requested']);
      claims[1]!.done();
      time.advance(1_000);
      expect(backend.connections.length).toBe(2);
    }));

  const always = (event: DatasyncEvent<number>, resyncOn: Subject<void>) => {
    if (event.type === 'resync') resyncOn.next();
  };

  it('a handler that always asks does not spin', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { seen } = subscribed({ resyncOn }, answering, (event) => always(event, resyncOn));
      time.advance(1_000);
      expect(seen.events.length).toBe(11);
    }));

  it('nor one that asks when its work is done', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { seen } = subscribed({ resyncOn }, answering, (event) => {
        const claim = event.claim();
        timer(0).subscribe(() => {
          claim.done();
          if (event.epoch < 100) always(event, resyncOn);
        });
      });
      time.advance(1_000);
      // The first time it is answered at once.
      expect(seen.events.length).toBeLessThanOrEqual(12);
      expect(seen.take()[1]).toBe('{=x:1}@7 requested');
    }));

  it('two that have nothing to do with each other are both answered', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { seen } = subscribed({ resyncOn }, answering);
      resyncOn.next();
      expect(seen.take()).toEqual(['{x:1}@7', '{=x:1}@7 requested']);
      time.advance(50);
      resyncOn.next();
      resyncOn.next();
      time.advance(100);
      expect(seen.take()).toEqual(['{=x:1}@7 requested']);
      time.advance(1_000);
      expect(seen.take()).toEqual([]);
    }));

  it('nor one that watches nothing', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn, prefixes: new BehaviorSubject([]) }, answering, (event) => {
        if (event.epoch < 100) always(event, resyncOn);
      });
      time.advance(1_000);
      expect(seen.events.length).toBe(11);
      expect(seen.take()[1]).toBe('{}@0 requested');
      expect(backend.log).toEqual([]);
    }));

  it('a request that waits is answered by the listing that starts for another reason', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const prefixes = new BehaviorSubject(['']);
      const { backend, seen } = subscribed({ resyncOn, prefixes });
      resyncOn.next();
      backend.send(...listing({ x: 1 }, 7));
      prefixes.next([]);
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@7', '{!x:1}@7 prefixes']);
      expect(backend.log).toEqual(['open 1', 'close 1']);
    }));

  it('during back-off the next connection reads everything', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      backend.send(...listing({ x: 1 }, 7));
      backend.fail();
      resyncOn.next();
      resyncOn.next();
      expect(backend.connections.length).toBe(1);
      time.advance(100);
      expect(backend.connection.context.from).toBeUndefined();
      backend.send(...listing({ x: 1 }, 7));
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@7', '{=x:1}@7 requested']);
    }));

  it('also when it was waiting for its turn as the connection broke', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      resyncOn.next();
      backend.send(...listing({ x: 1 }, 7));
      time.advance(50);
      backend.fail();
      time.advance(100);
      expect(backend.connection.context.from).toBeUndefined();
      backend.send(...listing({ x: 1 }, 7));
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@7', '{=x:1}@7 requested']);
    }));

  it('a listing that was asked for and breaks is tried again', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      backend.send(...listing({ x: 1 }, 7));
      resyncOn.next();
      backend.send(page({ x: 2 }, 8));
      backend.fail();
      time.advance(100);
      backend.send(...listing({ x: 2 }, 8));
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@7', '{x:1>2}@8 reconnected']);
    }));

  it('on a connection that resumes but has said nothing yet', () =>
    virtually((time) => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      backend.send(...listing({ x: 1 }, 7));
      backend.fail();
      time.advance(100);
      resyncOn.next();
      expect(backend.log.slice(-2)).toEqual(['close 2', 'open 3']);
      backend.send(...listing({ x: 2 }, 8));
      expect(seen.take()[1]).toBe('{x:1>2}@8 requested');
    }));

  it('a request while a live listing is on its way starts a new one', () =>
    virtually(() => {
      const resyncOn = new Subject<void>();
      const { backend, seen } = subscribed({ resyncOn });
      backend.send(...listing({ x: 1 }, 7), page({ x: 2, gone: 1 }, 8));
      resyncOn.next();
      backend.send(...listing({ x: 2 }, 8));
      expect(seen.take()).toEqual(['{x:1}@7', '{x:1>2}@8 requested']);
    }));

  it.each([
    ['never', NEVER],
    ['fails', throwError(() => new Error('ignored'))],
    ['emits before there is anything', new BehaviorSubject(1)],
  ])('may be one that %s', (_, resyncOn) =>
    virtually((time) => {
      const { backend, seen } = subscribed({ resyncOn }, answering);
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@7']);
      expect(backend.live).toBe(1);
    }),
  );

  it('goes on after the consumer asked once per second', () =>
    virtually((time) => {
      const { seen } = subscribed({ resyncOn: timer(500, 1_000) }, answering);
      time.advance(10_000);
      expect(seen.events.length).toBe(11);
    }));
});
