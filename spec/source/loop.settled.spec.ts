import fc from 'fast-check';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { DeliveryConfig } from '../../lib/source/config.ts';
import { bad, changes, listing, page, progress, snapshot } from '../../lib/testing/frames.ts';
import { type VirtualTime, virtually } from '../../lib/testing/virtually.ts';
import { type Subscribed, subscribed } from '../support/subscribed.ts';

describe('settled tells the frame how the event ended that carries its effect', () => {
  it('of a frame that waits: once it has been told', () =>
    virtually(() => {
      const claims: Claim[] = [];
      const { backend } = subscribed({ delivery: { inFlight: 1 } }, {}, (event) => claims.push(event.claim()));
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8), changes({ x: 3 }, 9));
      expect(backend.settled).toEqual(['open', 'open', 'open']);
      claims[0]!.done();
      claims[1]!.fail(new Error('no'));
      expect(backend.settled).toEqual(['applied', 'failed', 'open']);
      claims[2]!.release();
      expect(backend.settled).toEqual(['applied', 'failed', 'delivered']);
    }));

  it('of frames that were told together: all with its outcome', () =>
    virtually(() => {
      const claims: Claim[] = [];
      const delivery: DeliveryConfig = { inFlight: 1, queue: 0 };
      const { backend, seen } = subscribed({ delivery }, {}, (event) => claims.push(event.claim()));
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8), changes({ y: 1 }, 9), changes({ y: undefined }, 10));
      claims[0]!.done();
      claims[1]!.fail(new Error('no'));
      expect(seen.take()).toEqual(['{x:1}@7', '~x:1>2@8@10']);
      expect(backend.settled).toEqual(['applied', 'failed', 'failed', 'failed']);
    }));

  it('of changes that come to nothing while they wait: superseded', () =>
    virtually(() => {
      const claims: Claim[] = [];
      const delivery: DeliveryConfig = { inFlight: 1, queue: 0 };
      const { backend, seen } = subscribed({ delivery }, {}, (event) => claims.push(event.claim()));
      backend.send(...listing({ x: 1 }, 7), changes({ y: 1 }, 9), changes({ y: undefined }, 10));
      claims[0]!.done();
      expect(seen.take()).toEqual(['{x:1}@7']);
      expect(backend.settled).toEqual(['applied', 'superseded', 'superseded']);
    }));

  it('of changes that a resync has overtaken: with the resync', () =>
    virtually(() => {
      const claims: Claim[] = [];
      const { backend, seen } = subscribed({ delivery: { inFlight: 1 } }, {}, (event) => claims.push(event.claim()));
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8));
      backend.send(...listing({ x: 3 }, 9, { reason: 'requested' }));
      claims[0]!.done();
      claims[1]!.done();
      expect(seen.take()).toEqual(['{x:1}@7', '{x:1>3}@9 requested']);
      expect(backend.settled).toEqual(['applied', 'applied', 'applied']);
    }));

  it('of a change held by a consumer that unsubscribes: cancelled', () =>
    virtually(() => {
      const { backend, seen } = subscribed({ delivery: { inFlight: 2 } }, {}, (event) => event.claim());
      backend.send(...listing({ x: 1 }, 7), changes({ x: 2 }, 8), changes({ x: 3 }, 9), changes({ x: 4 }, 10));
      seen.unsubscribe();
      expect(backend.settled).toEqual(['cancelled', 'cancelled', 'cancelled', 'cancelled']);
    }));

  it('its exceptions are reported, and break nothing', () =>
    virtually((time) => {
      const error = new Error('in settled');
      const settled = () => {
        throw error;
      };
      const { backend, seen } = subscribed();
      backend.send(
        ...listing({ x: 1 }, 7, { settled }),
        changes({ x: 2 }, 8, { settled }),
        changes({ x: 2 }, 8, { settled }),
      );
      expect(seen.take()).toEqual(['{x:1}@7', 'x:1>2@8']);
      expect(time.takeUnhandled()).toEqual([error, error, error]);
    }));
});

type Move = (parts: Subscribed & Inputs) => void;
interface Inputs {
  readonly time: VirtualTime;
  readonly claims: Claim[];
  readonly resyncOn: Subject<void>;
  readonly prefixes: Subject<string[]>;
}

const values = fc.dictionary(
  fc.constantFrom('a/x', 'a/y', 'b/x', 'c'),
  fc.constantFrom(1, 2, undefined, bad as unknown),
  { noNullPrototype: true },
);
const revision = fc.option(fc.nat({ max: 30 }), { nil: undefined });
const defined = (all: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));

/** What a backend may send, sane or not, and what else may happen. */
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(values, revision).map(
      ([v, r]): Move =>
        ({ backend }) =>
          backend.send(...listing(defined(v), r)),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(values, revision).map(
      ([v, r]): Move =>
        ({ backend }) =>
          backend.send(changes(v, r)),
    ),
  },
  {
    weight: 4,
    arbitrary: values.map(
      (v): Move =>
        ({ backend, seen }) => {
          const last = (seen.events.at(-1)?.revision ?? 0) + 1;
          backend.send(...(seen.events.length === 0 ? listing(defined(v), last) : [changes(v, last)]));
        },
    ),
  },
  fc.tuple(values, revision).map(
    ([v, r]): Move =>
      ({ backend }) =>
        backend.send(page(defined(v), r)),
  ),
  revision.map(
    (r): Move =>
      ({ backend }) =>
        backend.send(snapshot(r, { reason: 'requested' })),
  ),
  revision.map(
    (r): Move =>
      ({ backend }) =>
        backend.send(progress(r)),
  ),
  fc.constant<Move>(({ backend }) => backend.fail()),
  fc.constant<Move>(({ backend }) => backend.complete()),
  fc.constant<Move>(({ resyncOn }) => resyncOn.next()),
  fc.subarray(['a/', 'b/', 'a/x', '']).map(
    (list): Move =>
      ({ prefixes }) =>
        prefixes.next(list),
  ),
  {
    weight: 3,
    arbitrary: fc.nat({ max: 400 }).map(
      (ms): Move =>
        ({ time }) =>
          time.advance(ms),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.nat().map(
      (n): Move =>
        ({ claims }) =>
          claims.splice(n % (claims.length + 1), 1)[0]?.done(),
    ),
  },
  fc.nat().map(
    (n): Move =>
      ({ claims }) =>
        claims.splice(n % (claims.length + 1), 1)[0]?.fail(new Error('no')),
  ),
);

const reaction = fc.constantFrom('nothing', 'done', 'fail', 'claim', 'claim', 'unsubscribe');
const delivery = fc.record({
  inFlight: fc.constantFrom(1, 2, 128),
  queue: fc.constantFrom(0, 2, 1_000),
  overflow: fc.constantFrom('conflate' as const, 'conflate' as const, 'error' as const),
  onNack: fc.constantFrom('report' as const, 'resync' as const),
  claimTimeout: fc.constantFrom(undefined as never, 200),
  redeliver: fc.constant({ delay: 100 }),
});

it('every frame of every history is settled exactly once, and nothing is left', () => {
  fc.assert(
    fc.property(
      fc.array(move, { maxLength: 25 }),
      fc.infiniteStream(reaction),
      delivery,
      fc.constantFrom('store' as const, 'subscription' as const),
      (moves, reactions, config, counted) =>
        virtually((time) => {
          const claims: Claim[] = [];
          const resyncOn = new Subject<void>();
          const prefixes = new Subject<string[]>();
          const react = (event: DatasyncEvent<number>, seen: Subscribed['seen']) => {
            const how = reactions.next().value;
            if (how === 'done') event.done();
            if (how === 'fail') event.fail(new Error('no'));
            if (how === 'claim') claims.push(event.claim());
            if (how === 'unsubscribe' && seen.events.length > 5) seen.unsubscribe();
          };
          const parts = subscribed({ prefixes, resyncOn, delivery: config }, { revision: counted }, react);
          prefixes.next(['a/']);
          for (const each of moves) each({ ...parts, time, claims, resyncOn, prefixes });
          parts.seen.unsubscribe();
          // `virtually` now counts frames, connections and timers.
          expect(time.timers).toBe(0);
        }),
    ),
    { numRuns: 1_500, seed: 3 },
  );
});
