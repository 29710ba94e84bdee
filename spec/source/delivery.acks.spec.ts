import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Claim, type Outcome, outcomes } from '../../lib/model/ack.ts';
import { ackOf, type DatasyncEvent } from '../../lib/model/events.ts';
import type { DeliveryConfig } from '../../lib/source/config.ts';
import { ContinuityLost } from '../../lib/source/frames.ts';
import { bad, changes, listing, snapshot } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { subscribed } from '../support/subscribed.ts';

const no = new Error('no');

/** A consumer that fails on the events for which `fails`, and applies all others. */
function judging(fails: (event: DatasyncEvent<number>) => boolean, delivery: DeliveryConfig = {}) {
  const resyncOn = new Subject<void>();
  const parts = subscribed({ delivery, resyncOn }, {}, (event) => (fails(event) ? event.fail(no) : event.done()));
  parts.backend.send(...listing({ x: 1, y: 1 }, 10));
  const told = () => parts.seen.take();
  const relist = (values: Record<string, unknown>, revision: number) =>
    parts.backend.send(...listing(values, revision, { reason: 'requested' }));
  return { ...parts, told, relist, resyncOn };
}

/** A consumer whose claims are in the hands of the spec. */
function claiming(delivery: DeliveryConfig = {}, claims: Claim[] = []) {
  const parts = subscribed({ delivery }, {}, (event) => claims.push(event.claim()));
  parts.backend.send(...listing({ x: 1, y: 1 }, 10));
  return { ...parts, claims };
}

const atRevisions =
  (...revisions: number[]) =>
  ({ type, revision }: DatasyncEvent<number>) =>
    type === 'change' && revisions.includes(revision);

describe('a change that failed', () => {
  it('is reported once, and its keys are named by every resync until one is settled well', () =>
    virtually(() => {
      let failing = true;
      const { backend, told, status, relist } = judging(
        (event) => atRevisions(11)(event) || (failing && event.epoch > 1),
      );
      backend.send(changes({ x: 2 }, 11), changes({ y: 2 }, 12));
      const reported = status.all.filter(({ cause }) => cause !== undefined);
      expect(reported).toMatchObject([
        {
          state: 'live',
          stale: { since: 0 },
          cause: { code: 'NACKED', cause: no, message: '[rx-datasync] the change at revision 11 failed ("x"): no' },
        },
      ]);
      relist({ x: 2, y: 2 }, 13);
      relist({ x: 3, y: 2 }, 14);
      failing = false;
      relist({ x: 3 }, 15);
      expect(status.last).not.toHaveProperty('stale');
      relist({ x: 3 }, 16);
      expect(told()).toEqual([
        '{x:1 y:1}@10',
        'x:1>2@11',
        'y:1>2@12',
        '{x:1>2@11 y:2@12}@13 requested',
        '{x:1>3 y:2@12}@14 requested',
        '{x:1>3@14 !y:2}@15 requested',
        '{=x:3@14}@16 requested',
      ]);
    }));

  it('its keys are those of the failure where it names them; suspect are all', () =>
    virtually(() => {
      const { backend, seen, status } = subscribed({}, {}, (event) => {
        if (event.type === 'change') event.fail(no, { keys: ['b'] });
      });
      backend.send(...listing({ a: 1, b: 1 }, 10), changes({ a: 2, b: 2 }, 11));
      expect(status.last.cause).toMatchObject({ message: '[rx-datasync] the change at revision 11 failed ("b"): no' });
      backend.send(...listing({ a: 2, b: 2 }, 12, { reason: 'requested' }));
      expect(seen.take()[2]).toBe('{a:1>2@11 b:1>2@11}@12 requested');
    }));

  it('many keys are not all in the message', () =>
    virtually(() => {
      const { backend, status } = judging(atRevisions(11));
      backend.send(changes(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`k${i}`, i])), 11));
      expect(String(status.last.cause)).toMatch(/failed \("k0", .*"k9", …\): no$/);
    }));

  it('with onNack resync it is told again from memory, as a resync', () =>
    virtually((time) => {
      let failing = true;
      const { backend, told, status } = judging((event) => failing && event.revision > 10, { onNack: 'resync' });
      backend.send(changes({ x: 2 }, 11));
      time.advance(999);
      failing = false;
      expect(told().slice(2)).toEqual([]);
      time.advance(1);
      expect(told()).toEqual(['{x:1>2 y:1@10}@11 nacked']);
      expect(status.last).not.toHaveProperty('stale');
      expect(backend.connections.length).toBe(1);
    }));

  it('of nothing but rejected keys: reported, nothing is suspect', () =>
    virtually(() => {
      const { backend, status, relist } = judging(atRevisions(11));
      backend.send(changes({ x: bad }, 11));
      expect(status.last).toMatchObject({
        cause: { message: '[rx-datasync] the change at revision 11 failed ("x"): no' },
        stale: {},
      });
      relist({ x: 1, y: 1 }, 12);
      expect(status.last).not.toHaveProperty('stale');
    }));
});

describe('a resync that failed', () => {
  it('is told again from memory: after 1, 2, 4, 8 and 16 seconds, with the same diff', () =>
    virtually((time) => {
      const { backend, seen, told, status } = judging(() => true);
      const at: number[] = [];
      for (let s = 0; s < 60; s++) {
        const before = seen.events.length;
        time.advance(1_000);
        if (seen.events.length > before) at.push(time.now);
      }
      expect(at).toEqual([1_000, 3_000, 7_000, 15_000, 31_000]);
      expect(told()).toEqual(['{x:1 y:1}@10', ...Array(5).fill('{x:1 y:1}@10 nacked')]);
      expect(seen.events.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(status.last.stale).toMatchObject({ since: 0, cause: { code: 'NACKED' } });
      expect(backend.connections.length).toBe(1);
    }));

  it('with the retries used up it is told when something new is known, at most once per maxDelay', () =>
    virtually((time) => {
      const { backend, told } = judging(({ type }) => type === 'resync', { redeliver: { count: 1, maxDelay: 5_000 } });
      time.advance(100_000);
      expect(told().length).toBe(2);
      backend.send(changes({ x: 2 }, 11));
      time.advance(0);
      expect(told()).toEqual(['x:1>2@11', '{x:2 y:1@10}@11 nacked']);
      backend.send(changes({ x: 3 }, 12), changes({ x: 4 }, 13));
      time.advance(4_999);
      expect(told()).toEqual(['x:2>3@12', 'x:3>4@13']);
      time.advance(1);
      expect(told()).toEqual(['{x:4 y:1@10}@13 nacked']);
      time.advance(1_000_000);
      expect(told()).toEqual([]);
    }));

  it('a poll goes on with the retries used up: it is what brings news', () =>
    virtually((time) => {
      const { backend } = judging(() => true, { inFlight: 1, redeliver: { count: 0 } });
      let ready = 0;
      backend.connection.context.ready().subscribe(() => ready++);
      time.advance(0);
      expect(ready).toBe(1);
    }));

  it('any resync that is told cancels the pending timer', () =>
    virtually((time) => {
      let failing = true;
      const { told, relist } = judging(() => failing);
      time.advance(900);
      failing = false;
      relist({ x: 2, y: 1 }, 11);
      expect(time.timers).toBe(0);
      time.advance(100_000);
      expect(told()).toEqual(['{x:1 y:1}@10', '{x:2 y:1@10}@11 requested']);
    }));

  it('a reconnect tells it, too', () =>
    virtually((time) => {
      let failing = true;
      const { backend, told } = judging(() => failing, { redeliver: { count: 0 } });
      failing = false;
      backend.fail(new ContinuityLost('compacted'));
      time.advance(100);
      backend.send(...listing({ y: 1 }, 20));
      expect(told()).toEqual(['{x:1 y:1}@10', '{!x:1 +y:1@10}@20 compacted']);
    }));

  it('one settled well counts from the beginning again', () =>
    virtually((time) => {
      const answers = [false, false, true, false];
      const { told } = judging(() => answers.shift() === false, { onNack: 'resync' });
      time.advance(3_000);
      expect(told().length).toBe(3);
    }));

  it('does not forget its deletions', () =>
    virtually((time) => {
      let failing = false;
      const { backend, told } = judging(() => failing);
      failing = true;
      backend.send(snapshot(11, { reason: 'requested' }));
      failing = false;
      time.advance(1_000);
      expect(told().slice(1)).toEqual(['{!x:1 !y:1}@11 requested', '{!x:1 !y:1}@11 nacked']);
    }));
});

describe('a change that fails while a resync is open', () => {
  it('is told again, also when that resync is settled well', () =>
    virtually((time) => {
      const { backend, seen, claims } = claiming({ onNack: 'resync' });
      backend.send(changes({ x: 2 }, 11));
      claims[1]!.fail(no);
      claims[0]!.done();
      time.advance(1_000);
      expect(seen.take().slice(2)).toEqual(['{x:1>2 y:1@10}@11 nacked']);
      claims[2]!.done();
      expect(time.timers).toBe(0);
    }));
});

describe('an event that was cut off, or replaced, inside the pipeline', () => {
  const saying = (outcome: Outcome, from: number) => {
    const parts = subscribed({}, {}, (event) => {
      if (event.revision === from) ackOf(event)!.note(outcome);
    });
    parts.backend.send(...listing({ x: 1 }, 10), changes({ x: 2 }, 11));
    return parts;
  };
  const again = listing({ x: 2 }, 12, { reason: 'requested' });

  it('a change that was cut off is suspect, and reported', () =>
    virtually(() => {
      const { backend, seen, status } = saying(outcomes.cancelled, 11);
      expect(status.last.cause).toMatchObject({
        message: '[rx-datasync] the change at revision 11 was cut off inside the pipeline ("x")',
      });
      backend.send(...again);
      expect(seen.take().at(-1)).toBe('{x:1>2@11}@12 requested');
    }));

  it('a resync that was cut off is told again', () =>
    virtually((time) => {
      const { seen, backend } = saying(outcomes.cancelled, 10);
      time.advance(1_000);
      expect(seen.take()).toEqual(['{x:1}@10', 'x:1>2@11', '{x:2}@11 nacked']);
      expect(backend.settled).toEqual(['cancelled', 'delivered']);
    }));

  it('a change that was replaced is the business of whoever replaced it', () =>
    virtually(() => {
      const { backend, seen, status } = saying(outcomes.superseded, 11);
      expect(status.last).not.toHaveProperty('stale');
      backend.send(...again);
      expect(seen.take().at(-1)).toBe('{=x:2@11}@12 requested');
    }));

  it('the keys of a resync that was replaced are suspect; it is not told again', () =>
    virtually((time) => {
      const { backend, seen, status } = saying(outcomes.superseded, 10);
      time.advance(100_000);
      expect([status.last.stale, seen.take().length]).toEqual([undefined, 2]);
      backend.send(...again);
      expect(seen.take()).toEqual(['{x:2@11}@12 requested']);
    }));
});

describe('which suspects a resync clears', () => {
  it('those it named, not those of an event that failed after it was told', () =>
    virtually(() => {
      const { backend, seen, claims } = claiming();
      claims[0]!.done();
      backend.send(changes({ x: 2 }, 11), changes({ y: 2 }, 12));
      claims[1]!.fail(no);
      backend.send(...listing({ x: 2, y: 2 }, 13, { reason: 'requested' }));
      claims[2]!.fail(no);
      claims[3]!.done();
      backend.send(...listing({ x: 2, y: 2 }, 14, { reason: 'requested' }));
      claims[4]!.done();
      backend.send(...listing({ x: 2, y: 2 }, 15, { reason: 'requested' }));
      expect(seen.take().slice(3)).toEqual([
        '{x:1>2@11 y:2@12}@13 requested',
        '{x:2@11 y:1>2@12}@14 requested',
        '{=x:2@11 =y:2@12}@15 requested',
      ]);
      claims[5]!.done();
    }));
});
