import { describe, expect, it } from 'vitest';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { DeliveryConfig } from '../../lib/source/config.ts';
import { changes, listing } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

/** A consumer that claims every event for which `holds`, and gives the claims back when the spec says so. */
function holding(delivery: DeliveryConfig, holds: (event: DatasyncEvent<number>) => boolean = () => true) {
  const claims: Claim[] = [];
  const parts = subscribed({ delivery }, {}, (event) => {
    if (holds(event)) claims.push(event.claim());
  });
  parts.backend.send(...listing({ x: 0 }, 10));
  parts.seen.take();
  let revision = 10;
  const write = (count: number) => {
    for (let i = 0; i < count; i++) parts.backend.send(changes({ x: ++revision - 10 }, revision));
  };
  return { ...parts, claims, write };
}

const onlyChanges = (event: DatasyncEvent<number>) => event.type === 'change';

describe('inFlight', () => {
  it('bounds the events that are open; what comes meanwhile waits, exactly', () =>
    virtually(() => {
      const { seen, claims, write } = holding({ inFlight: 3 }, onlyChanges);
      write(10);
      expect(seen.take()).toEqual(['x:0>1@11', 'x:1>2@12', 'x:2>3@13']);
      claims[1]!.done();
      expect(seen.take()).toEqual(['x:3>4@14']);
      claims[0]!.done();
      claims[2]!.release();
      expect(seen.take()).toEqual(['x:4>5@15', 'x:5>6@16']);
    }));

  it('a consumer that claims nothing is told at once', () =>
    virtually(() => {
      const { seen, write } = holding({ inFlight: 1 }, () => false);
      write(1_000);
      expect(seen.events.length).toBe(1_001);
    }));

  it('60,000 writes against a slow consumer keep a few events open, and no previous value is wrong', () =>
    virtually((time) => {
      const state = new Map<string, number>();
      const { backend, seen } = subscribed({ delivery: { inFlight: 9, queue: 100 } }, {}, (event) => {
        if (event.type === 'resync') return;
        for (const change of event.changes) {
          expect(change.prevValue).toBe(state.get(change.key));
          if (change.op === 'put') state.set(change.key, change.value);
          else state.delete(change.key);
        }
        claims.push(event.claim());
      });
      const claims: Claim[] = [];
      backend.send(...listing({}, 1));
      for (let i = 2; i <= 60_000; i++) {
        backend.send(changes({ [`k${i % 7}`]: i % 11 === 0 ? undefined : i }, i));
        if (i % 5_000 === 0) claims.shift()!.done();
      }
      expect(seen.events.length).toBeLessThan(30);
      while (claims.length > 0) claims.shift()!.done();
      time.advance(0);
      const last = Array.from({ length: 7 }, (_, k) => 60_000 - ((60_000 - k) % 7));
      const alive = last.filter((i) => i % 11 !== 0).map((i) => [`k${i % 7}`, i]);
      expect([...state].sort()).toEqual(alive.sort());
    }));
});

describe('overflow', () => {
  it('conflate: beyond `queue` it is kept per key', () =>
    virtually(() => {
      const { backend, seen, claims, write } = holding({ inFlight: 1, queue: 2 }, onlyChanges);
      write(5);
      backend.send(changes({ y: 1 }, 20), changes({ y: undefined }, 21), changes({ z: 1 }, 22));
      for (let i = 0; i < 4; i++) claims[i]!.done();
      expect(seen.take()).toEqual(['x:0>1@11', 'x:1>2@12', 'x:2>3@13', '~x:3>5@15,z:1@22']);
    }));

  it('error: the subscription ends, and everything that is open is cancelled', () =>
    virtually((time) => {
      const { backend, seen, status, write } = holding({ inFlight: 1, queue: 2, overflow: 'error' }, onlyChanges);
      write(3);
      expect(seen.errors).toEqual([]);
      write(1);
      expect(seen.errors).toMatchObject([
        {
          code: 'OVERFLOW',
          message:
            "[rx-datasync] more than 2 changes wait for a consumer that has 1 events open; settle them sooner, raise delivery.queue, or use overflow: 'conflate'",
        },
      ]);
      expect(backend.settled).toEqual(['delivered', 'cancelled', 'cancelled', 'cancelled', 'cancelled']);
      expect([backend.live, time.timers, status.last.state]).toEqual([0, 0, 'closed']);
    }));
});

describe('a resync', () => {
  it('does not wait for open changes', () =>
    virtually(() => {
      const { backend, seen, write } = holding({ inFlight: 1 }, onlyChanges);
      write(3);
      backend.send(...listing({ x: 9 }, 20, { reason: 'requested' }));
      expect(seen.take()).toEqual(['x:0>1@11', '{x:1>9}@20 requested']);
    }));

  it('waits for an open resync; what comes meanwhile is one more', () =>
    virtually(() => {
      const { backend, seen, claims } = holding({});
      for (let i = 0; i < 1_000; i++) backend.send(...listing({ x: i }, 20 + i, { reason: 'requested' }));
      expect(seen.take()).toEqual([]);
      claims[0]!.done();
      expect(seen.take()).toEqual(['{x:0>999}@1019 requested']);
      claims[1]!.done();
      expect(seen.take()).toEqual([]);
      expect(backend.settled.filter((outcome) => outcome === 'applied').length).toBe(1_001);
    }));

  it('of several that merge, the strongest reason is told', () =>
    virtually(() => {
      const { backend, seen, claims } = holding({});
      backend.send(...listing({ x: 1 }, 20, { reason: 'compacted' }));
      backend.send(...listing({ x: 2 }, 21, { reason: 'requested' }));
      claims[0]!.done();
      expect(seen.take()).toEqual(['{x:0>2}@21 compacted']);
    }));

  it('changes behind one that waits are told by it', () =>
    virtually(() => {
      const { backend, seen, claims } = holding({});
      backend.send(...listing({ x: 1 }, 20, { reason: 'requested' }), changes({ x: 2, y: 1 }, 21));
      claims[0]!.done();
      expect(seen.take()).toEqual(['{x:0>2 +y:1}@21 requested']);
      expect(backend.settled).toEqual(['applied', 'open', 'open']);
    }));

  it('changes are told while one is open: holding them is the word of the pipeline', () =>
    virtually(() => {
      const { seen, write } = holding({}, ({ type }) => type === 'resync');
      write(2);
      expect(seen.take()).toEqual(['x:0>1@11', 'x:1>2@12']);
    }));

  it.each(['resync', 'change'])('a consumer that writes inside next gets its write after the %s it was in', (first) =>
    virtually(() => {
      const log: string[] = [];
      const { backend } = subscribed({}, {}, ({ type, revision }) => {
        log.push(`in ${revision}`);
        if (revision < 5 && (type === 'change' || first === 'resync'))
          backend.send(changes({ x: revision }, revision + 1));
        log.push(`out ${revision}`);
      });
      backend.send(...listing({}, 1));
      if (first === 'change') backend.send(changes({ x: 1 }, 2));
      expect(log).toEqual([1, 2, 3, 4, 5].flatMap((revision) => [`in ${revision}`, `out ${revision}`]));
    }),
  );

  it('unsubscribed inside next: nothing else is told', () =>
    virtually(() => {
      const { backend, seen } = subscribed({ delivery: { inFlight: 1 } }, {}, (event, self) => {
        event.claim();
        if (event.type === 'change') self.unsubscribe();
      });
      backend.send(...listing({}, 1));
      backend.send(changes({ x: 1 }, 2), changes({ x: 2 }, 3));
      seen.unsubscribe();
      expect(backend.settled).toEqual(['cancelled', 'cancelled', 'cancelled']);
    }));
});

describe('ready()', () => {
  /** What the backend waits for in each of its connections. */
  function waiting(parts: ReturnType<typeof holding>) {
    let emitted = 0;
    let completed = false;
    const subscription = parts.backend.connection.context.ready().subscribe({
      next: () => emitted++,
      complete: () => {
        completed = true;
      },
    });
    return { subscription, said: () => [emitted, completed] };
  }

  it('emits once and completes, at once where there is room', () =>
    virtually(() => {
      expect(waiting(holding({ inFlight: 1 })).said()).toEqual([0, false]);
      expect(waiting(holding({}, () => false)).said()).toEqual([1, true]);
    }));

  it('waits until there is room and nothing waits to be told', () =>
    virtually(() => {
      const parts = holding({ inFlight: 1 }, onlyChanges);
      parts.write(3);
      const { said } = waiting(parts);
      parts.claims[0]!.done();
      parts.claims[1]!.done();
      expect(said()).toEqual([0, false]);
      parts.claims[2]!.done();
      expect(said()).toEqual([1, true]);
    }));

  it('waits for a resync that is due', () =>
    virtually(() => {
      const parts = holding({});
      parts.backend.send(...listing({ x: 1 }, 20, { reason: 'requested' }));
      const { said } = waiting(parts);
      parts.claims[0]!.done();
      expect(said()).toEqual([1, true]);
    }));

  it('several wait; each is let in only while there is room', () =>
    virtually(() => {
      const parts = holding({ inFlight: 1 }, onlyChanges);
      parts.write(1);
      const said: string[] = [];
      const ready = parts.backend.connection.context.ready();
      ready.subscribe(() => {
        said.push('first');
        parts.write(1);
      });
      ready.subscribe(() => said.push('second'));
      parts.claims[0]!.done();
      expect(said).toEqual(['first']);
      parts.claims[1]!.done();
      expect(said).toEqual(['first', 'second']);
    }));

  it('who gives up waiting is not called; nor is anybody after the end', () =>
    virtually(() => {
      const parts = holding({ inFlight: 1 }, onlyChanges);
      parts.write(1);
      const first = waiting(parts);
      const second = waiting(parts);
      first.subscription.unsubscribe();
      parts.seen.unsubscribe();
      parts.claims[0]!.done();
      expect([first.said(), second.said()]).toEqual([
        [0, false],
        [0, false],
      ]);
    }));
});
