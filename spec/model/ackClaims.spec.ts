import { describe, expect, it } from 'vitest';
import { failure, outcomes } from '../../lib/model/ack.ts';
import { recordedAck } from './support.ts';

const a = new Error('a');
const b = new Error('b');

describe('claims (rule 1)', () => {
  it('keep the event from settling', () => {
    const { ack, said } = recordedAck();
    const claim = ack.claim();
    ack.release();
    expect(said).toEqual([]);
    claim.done();
    expect(said).toEqual(['applied']);
  });

  it.each([
    ['done', 'applied'],
    ['fail', 'failed'],
    ['release', 'delivered'],
  ] as const)('%s means %s', (word, outcome) => {
    const { ack, said } = recordedAck();
    const claim = ack.claim();
    ack.release();
    claim[word](a);
    expect(said).toEqual([outcome]);
  });

  it('of several consumers all are waited for, and the worst counts: share() aggregates', () => {
    const { ack, outcomes: told } = recordedAck();
    const [one, two, three] = [ack.claim(), ack.claim(), ack.claim()];
    ack.release();
    one.done();
    two.fail(a, { keys: ['x'] });
    expect(told).toEqual([]);
    three.release();
    expect(told).toEqual([{ type: 'failed', error: a, keys: ['x'] }]);
  });

  it('are closures, and may be handed on', () => {
    const { ack, said } = recordedAck();
    const { done } = ack.claim();
    ack.release();
    done();
    expect(said).toEqual(['applied']);
  });

  it('are single shot: the first word wins, each further one is counted', () => {
    const { ack, said } = recordedAck();
    const claim = ack.claim();
    const other = ack.claim();
    ack.release();
    claim.done();
    claim.done();
    claim.release();
    claim.fail(a);
    expect(said).toEqual(['late word', 'late word', 'late word']);
    other.release();
    expect(said.slice(3)).toEqual(['applied']);
  });
});

describe('too late (rule 6)', () => {
  it('a done is counted', () => {
    const { ack, said } = recordedAck();
    ack.release();
    ack.note(outcomes.applied);
    expect(said).toEqual(['delivered', 'late word']);
    expect(ack.outcome).toBe(outcomes.delivered);
  });

  it('a claim is counted once, whether it is used well or not at all', () => {
    const { ack, said } = recordedAck();
    ack.release();
    ack.claim();
    ack.claim().done();
    ack.claim().release();
    expect(said).toEqual(['delivered', 'late word', 'late word', 'late word']);
  });

  it('the fail of a late claim counts', () => {
    const { ack, said } = recordedAck();
    ack.release();
    ack.claim().fail(a);
    expect(said).toEqual(['delivered', 'late word', 'late failed']);
    expect(ack.outcome).toEqual(failure(a));
  });

  it.each(['delivered', 'applied', 'timedOut'] as const)('a fail after %s counts', (type) => {
    const { ack, said } = recordedAck();
    ack.release(outcomes[type]);
    ack.note(failure(a));
    expect(said).toEqual([type, 'late failed']);
    expect(ack.outcome).toEqual(failure(a));
  });

  it('each fail counts, and is told by itself', () => {
    const { ack, outcomes: told } = recordedAck();
    ack.release(failure(a));
    ack.note(failure(b));
    expect(told).toEqual([failure(a), failure(b)]);
    expect(ack.outcome).toMatchObject({ type: 'failed', error: { errors: [a, b] } });
  });

  it.each(['cancelled', 'superseded'] as const)('a fail after %s is only counted', (type) => {
    const { ack, said } = recordedAck();
    ack.onLate(() => said.push('listener'));
    ack.release(outcomes[type]);
    ack.note(failure(a));
    ack.claim().fail(b);
    expect(said).toEqual([type, 'late word', 'late word', 'late word']);
    expect(ack.outcome).toBe(outcomes[type]);
  });

  it('a claim that outlives a forced settlement: done is counted, fail counts', () => {
    const { ack, said } = recordedAck();
    const [one, two] = [ack.claim(), ack.claim()];
    ack.force(outcomes.timedOut);
    one.done();
    two.fail(a);
    ack.release();
    expect(said).toEqual(['timedOut', 'late word', 'late failed']);
  });

  it.each(['cancelled', 'superseded', 'delivered'] as const)(
    '%s is said by operators, of what they still held: not counted',
    (type) => {
      const { ack, said } = recordedAck();
      ack.retain();
      ack.force(outcomes.timedOut); // the watchdog lost patience
      ack.release(outcomes[type]);
      expect(said).toEqual(['timedOut']);
      expect(ack.outcome).toBe(outcomes.timedOut);
    },
  );

  it('releasing is no word: nothing is counted', () => {
    const { ack, said } = recordedAck();
    const claim = ack.claim();
    ack.force(outcomes.cancelled);
    claim.release();
    ack.release();
    expect(said).toEqual(['cancelled']);
  });
});

describe('children (rule 2)', () => {
  it('the parent settles after all of them, with the worst outcome', () => {
    const { ack, said } = recordedAck();
    const [one, two] = [ack.child(), ack.child()];
    ack.release();
    one.release(outcomes.applied);
    expect([one.outcome, ack.outcome]).toEqual([outcomes.applied, undefined]);
    two.release(outcomes.timedOut);
    expect(said).toEqual(['timedOut']);
  });

  it('one that nobody judged leaves the parent delivered', () => {
    const { ack, said } = recordedAck();
    const child = ack.child();
    ack.release();
    child.release();
    expect(said).toEqual(['delivered']);
  });

  it('react before their parent', () => {
    const { ack, said } = recordedAck();
    ack.onSettled(() => said.push('parent'));
    const child = ack.child();
    child.onSettled(() => said.push('child'));
    ack.release();
    child.release();
    expect(said).toEqual(['child', 'parent', 'delivered']);
  });

  it('a late fail reaches the owner of the settled parent', () => {
    const { ack, said } = recordedAck();
    ack.onLate(() => said.push('parent'));
    const child = ack.child();
    child.onLate(() => said.push('child'));
    ack.release();
    child.release(outcomes.applied);
    child.note(failure(a));
    expect(said).toEqual(['applied', 'child', 'parent', 'late failed']);
    expect(ack.outcome).toEqual(failure(a));
  });

  it('a late fail of one, while the parent is still open, is told once: with its settlement', () => {
    const { ack, said, outcomes: told } = recordedAck();
    const [one, two] = [ack.child(), ack.child()];
    ack.release();
    one.release(outcomes.applied);
    one.note(failure(a));
    expect(said).toEqual([]);
    two.release(outcomes.applied);
    expect(told).toEqual([failure(a)]);
  });

  it('late words are counted by the owner', () => {
    const { ack, said } = recordedAck();
    const child = ack.child();
    child.release();
    child.note(outcomes.applied);
    expect(said).toEqual(['late word']);
  });
});

describe('successors: for an operator that gets an event after it has settled', () => {
  it('the owner counts one late use, and hears of failures only', () => {
    const { ack, said } = recordedAck();
    ack.release();
    const good = ack.successor();
    good.release(outcomes.applied);
    const replaced = ack.successor();
    replaced.release(outcomes.superseded);
    expect(said).toEqual(['delivered', 'late word', 'late word']);

    ack.successor().release(failure(a));
    expect(said.slice(3)).toEqual(['late word', 'late failed']);
  });

  it('a late fail of theirs goes up too', () => {
    const { ack, said } = recordedAck();
    ack.release();
    const next = ack.successor();
    next.release(outcomes.applied);
    next.note(failure(a));
    next.note(outcomes.applied);
    expect(said).toEqual(['delivered', 'late word', 'late failed', 'late word']);
  });
});
