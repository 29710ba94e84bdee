import { BehaviorSubject, Subject, timer } from 'rxjs';
import { expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import { ContinuityLost } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { bad, changes, listing, page, progress } from '../../lib/testing/frames.ts';
import { ScriptedBackend } from '../../lib/testing/scriptedBackend.ts';
import { type VirtualTime, virtually } from '../../lib/testing/virtually.ts';
import { Seen } from '../support/seen.ts';

/**
 * A life with everything in it, counted in steps: each thing that is done to the source, and each thing that it does.
 * At step number `last` it is unsubscribed, from within.
 *
 * @returns how many steps there were
 */
function live(time: VirtualTime, last: number): number {
  let steps = 0;
  let over = false;
  const after: string[] = [];
  const step = (what: string): void => {
    if (over) after.push(what);
    else if (++steps === last) {
      over = true;
      seen.unsubscribe();
      // A TestScheduler has the timer that is just firing on its list, too.
      const firing = time.advancing ? 1 : 0;
      expect(time.timers, `timers left when unsubscribed in step ${last}, ${what}`).toBeLessThanOrEqual(firing);
    }
  };

  const prefixes = new BehaviorSubject(['a/']);
  const resyncOn = new Subject<void>();
  const claims: Claim[] = [];
  const backend = new ScriptedBackend({
    maxSilence: 5_000,
    opened: (connection, nth) => {
      step('open');
      if (nth % 3 === 0) connection.fail(new Error('refused'));
      if (nth % 3 === 1) connection.send(page({ 'a/x': nth }, nth * 10));
    },
  });
  let seen!: Seen<number>;
  const source = fromBackend(backend, {
    prefixes,
    resyncOn,
    codec: jsonCodec<number>(),
    statusObserver: { next: ({ state }) => state !== 'closed' && step(state) },
    retry: {
      delay: (_, attempt) => {
        step('notifier');
        return timer(attempt * 10);
      },
    },
    delivery: { inFlight: 2, queue: 2, onNack: 'resync', claimTimeout: 300, redeliver: { delay: 50 } },
  });
  new Seen(
    source,
    (event) => {
      step('event before');
      const claim = event.claim();
      if (event.revision % 3 === 0) claim.fail(new Error('no'));
      else if (event.revision % 3 === 1) claims.push(claim);
      else claim.done();
      step('event after');
    },
    (early) => {
      seen = early;
    },
  );

  const script: (() => unknown)[] = [
    () => backend.send(...listing({ 'a/y': 1 }, 11), changes({ 'a/x': 2 }, 12), changes({ 'a/x': bad, 'a/z': 1 }, 13)),
    () => backend.send(changes({ 'a/x': 3 }, 14), changes({ 'a/x': 4 }, 16), changes({ 'a/y': undefined }, 17)),
    () => backend.send(changes({ 'a/x': 5 }, 17), changes({ 'a/x': 5 }, 15), progress(19)),
    () => backend.live > 0 && backend.connection.context.ready().subscribe(() => step('ready')),
    () => claims.shift()?.done(),
    () => backend.fail(),
    () => time.advance(10),
    () => backend.send(changes({ 'a/n': 1 }, 20)),
    () => prefixes.next(['a/', 'b/']),
    () => time.advance(100),
    () => backend.send(...listing({ 'b/x': 1 }, 40, { scope: ['b/'] }), changes({ 'a/x': 6 }, 41)),
    () => resyncOn.next(),
    () => time.advance(400),
    () => backend.send(...listing({ 'a/x': 7, 'b/x': bad }, 45)),
    () => claims.shift()?.fail(new Error('late')),
    () => backend.send(changes({ 'a/x': 8 }, 44), changes({ 'a/x': 8 }, 46)),
    () => prefixes.next([]),
    () => resyncOn.next(),
    () => time.advance(200),
    () => prefixes.next(['b/']),
    () => backend.fail(new ContinuityLost('compacted')),
    () => time.advance(500),
    () => backend.send(...listing({ 'b/x': 2 }, 70), changes({ 'b/x': 3 }, 70)),
    () => time.advance(6_000),
    () => backend.send(...listing({ 'b/x': 2 }, 71)),
    () => time.advance(6_000),
    () => backend.send(progress()),
  ];
  for (const action of script) {
    step('action');
    action();
    if (over) expect(time.timers).toBe(0);
  }
  expect(after.filter((what) => what !== 'event after' && what !== 'action')).toEqual([]);
  // Of the event within which it was unsubscribed.
  expect(after.filter((what) => what === 'event after').length).toBeLessThanOrEqual(1);
  const told = seen.events.length;
  time.advance(100_000);
  if (over) expect(seen.events.length).toBe(told);
  return steps;
}

it('S15: unsubscribed at any step, no timer, no connection and no frame is left, and nothing is told', () => {
  let all = 0;
  virtually((time) => {
    all = live(time, Infinity);
  });
  expect(all).toBeGreaterThan(100);
  for (let last = 1; last <= all; last++) {
    virtually((time) => {
      live(time, last);
    });
  }
});

it('a source that was unsubscribed can be subscribed again', () =>
  virtually((time) => {
    const backend = new ScriptedBackend({ opened: (connection) => connection.send(...listing({ x: 1 }, 7)) });
    const source = fromBackend(backend, { prefixes: [''], codec: jsonCodec<number>() });
    for (let i = 0; i < 3; i++) {
      const seen = new Seen(source, (event, self) => {
        event.claim();
        self.unsubscribe();
      });
      expect(seen.take()).toEqual(['{x:1}@7']);
      expect([time.timers, backend.live]).toEqual([0, 0]);
    }
    expect(backend.settled).toEqual(['cancelled', 'cancelled', 'cancelled']);
  }));
