import { Observable, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { outcomes, settledWell } from '../../lib/model/ack.ts';
import { ackOf, ChangeEvent, type DatasyncEvent, own, ResyncEvent, release, retained } from '../../lib/model/events.ts';
import { ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { trackPrevious } from '../../lib/operators/trackPrevious.ts';
import { recordedAck } from './support.ts';

const a = new Error('a');

/** An event of a source, while it is being told. */
function told<E extends DatasyncEvent<number>>(event: E) {
  const recorded = recordedAck();
  return { event: own(event, recorded.ack), ...recorded };
}

describe('done, fail and claim of an event', () => {
  it('are words of its ack, inside next', () => {
    const one = told(ChangeEvent.put('x', 1, 2));
    one.event.done();
    one.ack.release();
    expect(one.said).toEqual(['applied']);

    const two = told(ResyncEvent.of({ x: 1 }, 1));
    two.event.fail(a, { keys: ['x'] });
    two.ack.release();
    expect(two.outcomes).toEqual([{ type: 'failed', error: a, keys: ['x'] }]);
  });

  it('a claim taken inside next is used later', () => {
    const { event, ack, said } = told(ChangeEvent.put('x', 1, 2));
    const claim = event.claim();
    ack.release();
    expect(said).toEqual([]);
    claim.done();
    expect(said).toEqual(['applied']);
  });

  it('a fail from two consumers names both errors', () => {
    const { event, ack, outcomes: heard } = told(ChangeEvent.put('x', 1, 2));
    event.fail(a, { keys: ['x'] });
    event.fail('b', { keys: ['y'] });
    ack.release();
    expect(heard).toMatchObject([{ type: 'failed', error: { errors: [a, 'b'] }, keys: ['x', 'y'] }]);
  });
});

describe('with', () => {
  it('shares the ack, in both directions', () => {
    const { event, ack, outcomes: heard } = told(ResyncEvent.of({ x: 1 }, 1));
    const derived = event.with({ reason: 'nacked' }).with({ revision: 2 });
    expect(ackOf(derived)).toBe(ack);
    derived.fail(a);
    event.done();
    ack.release();
    expect(heard).toEqual([{ type: 'failed', error: a }]);
  });

  it('of a hand-made event makes a hand-made event', () => {
    expect(ackOf(ChangeEvent.put('x', 1, 2).with({ revision: 3 }))).toBeUndefined();
  });
});

describe('a hand-made event has no ack (rule 2)', () => {
  it.each([ResyncEvent.of({ x: 1 }, 1), ChangeEvent.put('x', 1, 2)])(
    '$type: done, fail and claim do nothing',
    (event) => {
      event.done();
      event.fail(a);
      const claim = event.claim();
      claim.done();
      claim.fail(a);
      claim.release();
      expect(ackOf(event)).toBeUndefined();
      expect(() => release(event)).not.toThrow();
    },
  );

  it('the first operator gives a fresh one, on a copy, and holds it', () => {
    const event = ChangeEvent.put('x', 1, 2);
    const copy = retained(event);
    expect(copy).not.toBe(event);
    expect(copy).toStrictEqual(event);
    expect(ackOf(event)).toBeUndefined();
    expect(ackOf(copy)?.outcome).toBeUndefined();
    release(copy, outcomes.applied);
    expect(ackOf(copy)?.outcome).toBe(outcomes.applied);
  });

  it('an event with an ack keeps it, with one more claim', () => {
    const { event, ack, said } = told(ChangeEvent.put('x', 1, 2));
    expect(retained(event)).toBe(event);
    ack.release();
    expect(said).toEqual([]);
    release(event);
    expect(said).toEqual(['delivered']);
  });

  it('an event that has settled gets a successor: below all works as usual, above a failure is late', () => {
    const { event, ack, said } = told(ChangeEvent.put('x', 1, 2));
    ack.release();
    const copy = retained(event);
    expect(ackOf(copy)).not.toBe(ack);
    copy.fail(a);
    release(copy);
    expect(ackOf(copy)?.outcome).toEqual({ type: 'failed', error: a });
    expect(said).toEqual(['delivered', 'late word', 'late failed']);
  });

  it('one object may be emitted to any number of subscribers: each has its own settlement', () => {
    const resync = ResyncEvent.of({ x: 1 }, 1);
    const change = ChangeEvent.put('x', 2, 2);
    const source = new Observable<DatasyncEvent<number>>((subscriber) => {
      subscriber.next(resync);
      subscriber.next(change);
    });
    const works = [new Subject<void>(), new Subject<void>()];
    const results = works.map((work) => {
      const seen: string[] = [];
      const handlers = { resync: () => work, change: () => undefined };
      source
        .pipe(bufferDuringResync(), ackWithCallback(handlers))
        .subscribe(({ event, outcome }) => seen.push(`${event.type} ${outcome.type}`));
      return seen;
    });
    works[0]!.error(a);
    works[1]!.complete();
    expect(results).toEqual([['resync failed'], ['resync applied', 'change applied']]);
  });

  it('the same object twice in one stream are two events', () => {
    const change = ChangeEvent.put('x', 2, 2);
    const source = new Subject<DatasyncEvent<number>>();
    const settled: unknown[] = [];
    source.pipe(trackPrevious()).subscribe((event) => {
      ackOf(event)?.onSettled((outcome) => settled.push(outcome.type));
      if (settled.length === 0) event.done();
    });
    source.next(change);
    source.next(change);
    expect(settled).toEqual(['applied', 'delivered']);
  });

  it('its outcome is known to the operators, not to the object', () => {
    const event = ResyncEvent.of({ x: 1 }, 1);
    const source = new Subject<DatasyncEvent<number>>();
    const told: DatasyncEvent<number>[] = [];
    source.pipe(bufferDuringResync()).subscribe((one) => {
      told.push(one);
      if (one.type === 'resync' && told.length === 1) one.fail(a);
    });
    source.next(event);
    source.next(ChangeEvent.put('x', 2, 2));
    expect(told).toHaveLength(1); // it failed: the change waits
    source.next(event);
    expect(told.map(({ type }) => type)).toEqual(['resync', 'resync', 'change']);
    expect(settledWell(ackOf(told[1]!)!.outcome!)).toBe(true);
    expect(ackOf(event)).toBeUndefined();
  });
});
