import { NEVER, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { ordered, quick, Worker } from './ordered.ts';

const no = new Error('no');

/** Fails on the first so many events. */
function failing(times: number) {
  let left = times;
  return () => {
    if (left-- > 0) throw no;
  };
}

describe('a required consumer that fails', () => {
  it("continue, the default: the rest runs, and the event has failed with the consumer's name", () => {
    const log: string[] = [];
    const { producer, got, results } = ordered([quick('a', log, {}, failing(1)), quick('b', log)]);
    producer.tell('{a:1 b:1}@1');
    expect([log, got]).toEqual([['a {a:1}@1', 'b {b:1}@1'], ['resync@1 a failed, b applied']]);
    expect(results[0]!.outcomes['a']).toEqual({ type: 'failed', error: no });
    const [outcome] = producer.outcomes;
    expect(outcome).toMatchObject({ type: 'failed', error: { message: '[rx-datasync] consumers failed: a' } });
    const { error } = outcome as { error: AggregateError };
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.errors).toMatchObject([
      { code: 'NACKED', message: "[rx-datasync] consumer 'a' failed: no", cause: no },
    ]);
  });

  it('several: all are named', () => {
    const { producer } = ordered(['a', 'b', 'c'].map((name) => quick(name, [], {}, failing(name === 'b' ? 0 : 1))));
    producer.tell('{a:1}@1');
    expect(producer.outcomes).toMatchObject([{ error: { message: '[rx-datasync] consumers failed: a, c' } }]);
  });

  it('stop: the rest is not started; and gets all it has missed with the next resync', () => {
    const log: string[] = [];
    const consumers = [quick('a', log), quick('b', log, {}, failing(1)), quick('c', log)];
    const { producer, got } = ordered(consumers, { onFailure: 'stop' });
    producer.tell('{a:1 b:1 c:1}@1', '{=a:1@1 b:1>2 =c:1@1}@2 nacked');
    expect(got).toEqual(['resync@1 a applied, b failed, c notStarted', 'resync@2 a applied, b applied, c applied']);
    expect(log.slice(2)).toEqual(['a {=a:1@1}@2 nacked', 'b {b:2}@2 nacked', 'c {c:1@1}@2']);
  });

  it('stop, said for all, does not hold for who is not required: it stops nobody', () => {
    const consumers = [quick('a', [], { required: false }, failing(1)), quick('b', [])];
    const { producer, got } = ordered(consumers, { onFailure: 'stop' });
    producer.tell('{a:1 b:1}@1');
    expect(got).toEqual(['resync@1 a failed, b applied']);
    expect(producer.outcomes).toMatchObject([{ type: 'applied' }]);
  });

  it('stop: a change goes to all the same', () => {
    const { producer, got } = ordered(
      [quick('a', [], {}, ({ type }) => type === 'change' && failing(1)()), quick('b', [])],
      {
        onFailure: 'stop',
      },
    );
    producer.tell('{}@1', 'a:1,b:1@2');
    expect(got[1]).toBe('change@2 a failed, b applied');
  });

  it('after a failed resync nobody gets a change until a good one', () => {
    const log: string[] = [];
    const { producer, got } = ordered([quick('a', log, {}, failing(1)), quick('b', log)]);
    producer.tell('{a:1}@1', 'b:1@2');
    expect(got).toEqual(['resync@1 a failed, b applied']);
    producer.tell('{a:1 b:1}@2 nacked', 'b:1>2@3');
    expect(got.slice(1)).toEqual(['resync@2 a applied, b applied', 'change@3 a delivered, b applied']);
    expect(log.filter((line) => line.startsWith('b'))).toEqual(['b {}@1', 'b {b:1}@2 nacked', 'b b:1>2@3']);
  });

  it('a failed change is reported with its keys, and the next one follows', () => {
    const act = ({ revision }: DatasyncEvent<number>) => {
      if (revision === 2) throw no;
    };
    const { producer, got } = ordered([quick('a', [], {}, act), quick('b', [])]);
    producer.tell('{}@1', 'a1:1,b1:1,a2:1@2', 'a:2@3');
    expect(got.slice(1)).toEqual(['change@2 a failed, b applied', 'change@3 a applied, b delivered']);
    expect(producer.outcomes[1]).toMatchObject({ type: 'failed', keys: ['a1', 'a2'] });
  });

  it('one that was fine is not told again what it has: its diff is its own', () => {
    const log: string[] = [];
    const { producer } = ordered([quick('a', log), quick('b', log, {}, failing(1))]);
    producer.tell('{a:1 b:1}@1', '{+a:1@1 +b:1@1}@1 nacked');
    expect(log.slice(2)).toEqual(['a {=a:1}@1 nacked', 'b {b:1}@1 nacked']);
  });

  it('a late failure reaches the source, with the name', () => {
    const events: DatasyncEvent<number>[] = [];
    const { producer } = ordered([quick('a', [], {}, (one) => events.push(one)), quick('b', [])]);
    producer.tell('{a:1}@1');
    events[0]!.fail(no);
    expect(producer.settled).toEqual(['{a:1}@1 applied', '{a:1}@1 late failed']);
    expect(producer.outcomes[1]).toMatchObject({ error: { message: '[rx-datasync] consumers failed: a' } });
  });

  it('a failure said while others are still at work counts for the round', () => {
    const events: DatasyncEvent<number>[] = [];
    const b = new Worker('b');
    const { producer, got } = ordered([quick('a', [], {}, (one) => events.push(one)), b.consumer()]);
    producer.tell('{a:1}@1');
    events[0]!.fail(no);
    b.current.complete();
    expect([got, producer.settled]).toEqual([['resync@1 a failed, b applied'], ['{a:1}@1 failed']]);
  });

  it('a second done, or one that comes too late, is counted', () => {
    const events: DatasyncEvent<number>[] = [];
    const { producer } = ordered([quick('a', [], {}, (one) => events.push(one))]);
    producer.tell('{a:1}@1');
    events[0]!.done();
    expect(producer.settled).toEqual(['{a:1}@1 applied', '{a:1}@1 late word']);
  });
});

describe('retry', () => {
  it('repeats a resync in the same round, then goes on', () =>
    virtually((time) => {
      const log: string[] = [];
      const retry = { count: 3, delay: 10, random: () => 1 };
      const a = quick('a', log, { onFailure: 'retry', retry }, failing(2));
      const { producer, got, unsubscribe } = ordered([a, quick('b', log)]);
      producer.tell('{a:1 b:1}@1');
      time.advance(9);
      expect(log).toEqual(['a {a:1}@1']);
      time.advance(1);
      expect(log.slice(1)).toEqual(['a {a:1}@1 nacked']);
      time.advance(20);
      expect(log.slice(2)).toEqual(['a {a:1}@1 nacked', 'b {b:1}@1']);
      expect([got, producer.settled]).toEqual([['resync@1 a applied, b applied'], ['{a:1 b:1}@1 applied']]);
      unsubscribe();
    }));

  it('repeats a change as it is', () =>
    virtually((time) => {
      const log: string[] = [];
      const fail = failing(1);
      const a = quick('a', log, { onFailure: 'retry', retry: { delay: 10, random: () => 1 } }, ({ type }) => {
        if (type === 'change') fail();
      });
      const { producer, got, unsubscribe } = ordered([a]);
      producer.tell('{a:1}@1', 'a:1>2@2', 'a:2>3@3');
      time.advance(10);
      expect(log).toEqual(['a {a:1}@1', 'a a:1>2@2', 'a a:1>2@2', 'a a:2>3@3']);
      expect(got.slice(1)).toEqual(['change@2 a applied', 'change@3 a applied']);
      unsubscribe();
    }));

  it('used up, or given up by its notifier: then as continue', () =>
    virtually((time) => {
      const retry = { count: 1, delay: () => timer(5) };
      const a = quick('a', [], { retry }, failing(9));
      const b = quick('b', [], { retry: { delay: () => [] } }, failing(9));
      const { producer, got, unsubscribe } = ordered([a, b], { onFailure: 'retry' });
      producer.tell('{}@1');
      time.advance(5);
      expect(got).toEqual(['resync@1 a failed, b failed']);
      unsubscribe();
    }));

  it('unsubscribed while it waits: nothing more', () =>
    virtually((time) => {
      const log: string[] = [];
      const { producer, got, unsubscribe } = ordered([quick('a', log, {}, failing(9))], { onFailure: 'retry' });
      producer.tell('{}@1');
      unsubscribe();
      time.advance(60_000);
      expect([log.length, got, producer.settled]).toEqual([1, [], ['{}@1 cancelled']]);
    }));
});

describe('timeout', () => {
  it('stops the work of handlers, and is an outcome of its own; upstream the event has failed', () =>
    virtually((time) => {
      const a = new Worker('a');
      const { producer, got, unsubscribe } = ordered([a.consumer({ timeout: 5 }), quick('b', [])]);
      producer.tell('{a:1}@1');
      time.advance(5);
      expect([got, a.current.observed]).toEqual([['resync@1 a timedOut, b applied'], false]);
      const { error } = producer.outcomes[0] as { error: AggregateError };
      expect(error.errors).toMatchObject([{ code: 'NACKED', message: "[rx-datasync] consumer 'a' timed out" }]);
      unsubscribe();
    }));

  it('never-ending work without one: the round goes on for ever', () => {
    const { producer, got } = ordered([quick('a', [], {}, () => NEVER), quick('b', [])]);
    producer.tell('{a:1}@1');
    expect([got, producer.open]).toEqual([[], 1]);
  });

  it('leaves no timer behind', () =>
    virtually((time) => {
      const { producer, unsubscribe } = ordered([
        quick('a', [], { timeout: 5 }, () => timer(2)),
        quick('b', [], { timeout: 5 }),
      ]);
      producer.tell('{a:1}@1');
      time.advance(2);
      expect(time.timers).toBe(0);
      unsubscribe();
    }));
});

describe('a group of three (S14): the second nacks, the third never acks, a resync becomes due meanwhile', () => {
  it.each(['continue', 'stop'] as const)('%s: the next round follows, and never interleaves', (onFailure) =>
    virtually((time) => {
      const log: string[] = [];
      const c = new Worker('c', log);
      const consumers = [quick('a', log), quick('b', log, {}, failing(1)), c.consumer({ timeout: 50 })];
      const { producer, got, unsubscribe } = ordered(consumers, { onFailure });
      producer.tell('{a:1}@1', '{a:2}@2 requested', 'a:2>3@3');
      expect(log.length).toBe(onFailure === 'stop' ? 5 : 3);
      time.advance(50);
      expect(got[0]).toBe(`resync@1 a applied, b failed, c ${onFailure === 'stop' ? 'notStarted' : 'timedOut'}`);
      if (onFailure === 'continue') c.current.complete();
      const second = onFailure === 'stop' ? 2 : 3;
      expect(log.slice(second, second + 3).map((line) => line[0])).toEqual(['a', 'b', 'c']);
      expect(got.slice(1)).toEqual([
        `resync@2 a applied, b applied, c ${onFailure === 'stop' ? 'timedOut' : 'applied'}`,
        ...(onFailure === 'stop' ? [] : ['change@3 a applied, b delivered, c delivered']),
      ]);
      unsubscribe();
    }),
  );
});

it('a resync that was stopped before somebody is told to it with its reason, also by the next one', () => {
  const log: string[] = [];
  const { producer } = ordered([quick('a', log, {}, failing(1)), quick('b', log)], { onFailure: 'stop' });
  producer.tell('{b:1}@9', '{b:1}@9 nacked', '{b:2}@3 regressed');
  expect(log.filter((line) => line.startsWith('b'))).toEqual(['b {b:1}@9', 'b {b:1>2}@3 regressed']);
  const again: string[] = [];
  let left = 0;
  const a = quick('a', [], {}, () => {
    if (left-- === 1) throw no;
  });
  const group = ordered([a, quick('b', again)], { onFailure: 'stop' });
  group.producer.tell('{b:1}@9');
  left = 1;
  group.producer.tell('{b:2}@3 regressed', '{b:2}@3 nacked');
  expect(again).toEqual(['b {b:1}@9', 'b {b:1>2}@3 regressed']);
});
