import { describe, expect, it } from 'vitest';
import { Ack, failure, type Outcome, outcomes, settledWell, worse } from '../../lib/model/ack.ts';
import { recordedAck } from './support.ts';

const a = new Error('a');
const b = new Error('b');
const c = new Error('c');
const { delivered, applied, superseded, cancelled, timedOut } = outcomes;

function errorsOf(outcome: Outcome | undefined): unknown {
  if (outcome?.type !== 'failed') throw new Error('not failed');
  return outcome.error instanceof AggregateError ? outcome.error.errors : outcome.error;
}

describe('six outcomes, the worst wins', () => {
  const worstFirst: Outcome[] = [failure(a), timedOut, cancelled, superseded, applied, delivered];

  it('knows which are good', () => {
    expect(worstFirst.filter(settledWell)).toEqual([applied, delivered]);
  });

  it.each(worstFirst.flatMap((worst, i) => worstFirst.slice(i + 1).map((better) => [worst, better] as const)))(
    '%o is worse than %o, in either order',
    (worst, better) => {
      expect(worse(worst, better)).toBe(worst);
      expect(worse(better, worst)).toBe(worst);
    },
  );

  it.each(worstFirst)('%o, said by one of two claims, is the settlement', (outcome) => {
    const { ack, outcomes: told } = recordedAck();
    ack.retain();
    ack.retain();
    ack.release(outcome);
    ack.release(delivered);
    expect(ack.outcome).toBeUndefined();
    ack.release();
    expect(told).toEqual([outcome]);
    expect(ack.outcome).toBe(outcome);
  });

  it('an event nobody claims nor judges is delivered, never applied (rule 1)', () => {
    const { ack, said } = recordedAck();
    ack.release();
    expect(said).toEqual(['delivered']);
  });
});

describe('one settlement', () => {
  it('the last release settles, once', () => {
    const { ack, said } = recordedAck();
    ack.retain();
    ack.release(applied);
    expect(said).toEqual([]);
    ack.release();
    expect(said).toEqual(['applied']);
  });

  it('the worst can be read before', () => {
    const { ack } = recordedAck();
    expect(ack.worst).toBe(delivered);
    ack.note(applied);
    ack.note(delivered);
    expect(ack.worst).toBe(applied);
    expect(ack.outcome).toBeUndefined();
  });

  it('a note gives no claim back', () => {
    const { ack, said } = recordedAck();
    ack.note(applied);
    ack.note(applied);
    expect(said).toEqual([]);
    ack.release();
    expect(said).toEqual(['applied']);
  });

  it('works without an owner', () => {
    const ack = new Ack();
    ack.release(applied);
    ack.note(failure(a));
    expect(errorsOf(ack.outcome)).toBe(a);
  });
});

describe('several failures', () => {
  it('one stays as it was thrown, also undefined', () => {
    const { ack, outcomes: told } = recordedAck();
    ack.release(failure(undefined));
    expect(told).toEqual([{ type: 'failed', error: undefined }]);
  });

  it('become one AggregateError, in the order they came', () => {
    const { ack } = recordedAck();
    for (const error of [a, b, c]) ack.note(failure(error));
    ack.release();
    expect(errorsOf(ack.outcome)).toEqual([a, b, c]);
    expect((ack.outcome as { error: Error }).error.message).toBe('[rx-datasync] 3 consumers failed');
  });

  it("a consumer's own AggregateError counts as one", () => {
    const own = new AggregateError([a, b]);
    expect(errorsOf(worse(failure(own), failure(c)))).toEqual([own, c]);
  });

  it('name the keys of all, each once', () => {
    const both = worse(failure(a, { keys: ['x', 'y'] }), failure(b, { keys: ['y', 'z'] }));
    expect(both).toMatchObject({ type: 'failed', keys: ['x', 'y', 'z'] });
  });

  it('mean all keys as soon as one names none', () => {
    expect(worse(failure(a, { keys: ['x'] }), failure(b))).not.toHaveProperty('keys');
    expect(worse(failure(a), failure(b, { keys: ['x'] }))).not.toHaveProperty('keys');
  });

  it('keep the keys of a single one', () => {
    expect(worse(applied, failure(a, { keys: ['x'] }))).toEqual({ type: 'failed', error: a, keys: ['x'] });
    expect(failure(a, {})).not.toHaveProperty('keys');
  });
});

describe('settlement listeners run nearest to the consumer first (rule 4)', () => {
  it('in reverse order of registration, the owner last', () => {
    const { ack, said } = recordedAck();
    for (const place of ['source side', 'middle', 'consumer side']) ack.onSettled(() => said.push(place));
    ack.release(applied);
    expect(said).toEqual(['consumer side', 'middle', 'source side', 'applied']);
  });

  it('each is told once, and one that comes too late at once', () => {
    const { ack, said } = recordedAck();
    ack.onSettled(() => said.push('early'));
    ack.release();
    ack.onSettled(({ type }) => said.push(`too late: ${type}`));
    ack.force(failure(a));
    expect(said).toEqual(['early', 'delivered', 'too late: delivered']);
  });

  it('late failures too', () => {
    const { ack, said } = recordedAck();
    for (const place of ['source side', 'consumer side']) ack.onLate(({ type }) => said.push(`${place} ${type}`));
    ack.release(applied);
    ack.note(failure(a));
    expect(said).toEqual(['applied', 'consumer side failed', 'source side failed', 'late failed']);
  });

  it('find the outcome already in force', () => {
    const { ack } = recordedAck();
    const seen: unknown[] = [];
    ack.onSettled(() => seen.push(ack.outcome));
    ack.release(applied);
    expect(seen).toEqual([applied]);
  });
});

describe('force', () => {
  it('settles whatever is still claimed; what the claims say then is late', () => {
    const { ack, said } = recordedAck();
    const claim = ack.claim();
    ack.force(timedOut);
    expect(said).toEqual(['timedOut']);
    claim.done();
    ack.release();
    expect(said).toEqual(['timedOut', 'late word']);
  });

  it('keeps what is worse', () => {
    const { ack, outcomes: told } = recordedAck();
    ack.note(failure(a));
    ack.force(cancelled);
    expect(told).toEqual([failure(a)]);
  });

  it('says nothing after a settlement', () => {
    const { ack, said } = recordedAck();
    ack.release(applied);
    ack.force(cancelled);
    expect(said).toEqual(['applied']);
    expect(ack.outcome).toBe(applied);
  });
});
