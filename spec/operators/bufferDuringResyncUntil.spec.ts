import { EMPTY, NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import { claiming, collect, Producer } from './support.ts';

const values = { R: '{x:1}@7', S: '{x:3}@9 requested', a: 'x:2@8', b: '!x@9', c: 'x:4@10', d: 'x:5@11' };
const noRoute = new Error('no route');

function expectUntil(given: string, signal: string, expected: string, error?: unknown): void {
  runMarbles(({ cold, hot, expectEvents }) => {
    const applied = hot(signal, undefined, error);
    expectEvents(cold(given, values, error).pipe(bufferDuringResync(() => applied))).toBe(expected, values, error);
  });
}

/** A producer, and one notifier per resync. */
function notified() {
  const producer = new Producer();
  const notifiers: Subject<void>[] = [];
  const until = () => {
    const notifier = new Subject<void>();
    notifiers.push(notifier);
    return notifier;
  };
  return { producer, notifiers, ...claiming(producer.source.pipe(bufferDuringResync(until))) };
}

describe('bufferDuringResync(until)', () => {
  it('passes changes when the notifier first emits', () => {
    expectUntil('-R-a-b-----c-|', '-------1-1---', '-R-----(ab)c-|');
  });

  it('or completes', () => {
    expectUntil('-R-a-b-----c-|', '-------|', '-R-----(ab)c-|');
  });

  it('is refused at once where it is no function', () => {
    for (const until of [NEVER, 5, null]) {
      expect(() => bufferDuringResync(until as never)).toThrow(
        expect.objectContaining({
          code: 'INVALID_CONFIG',
          message: expect.stringContaining("'until' must be a function"),
        }),
      );
    }
    expect(() => bufferDuringResync(undefined)).not.toThrow();
  });

  it('is given the resync', () => {
    const got: unknown[] = [];
    const producer = new Producer();
    collect(producer.source.pipe(bufferDuringResync((resync) => of(got.push([resync.type, resync.revision])))));
    producer.tell('{x:1}@7', '{=x:1}@8 requested');
    expect(got).toEqual([
      ['resync', 7],
      ['resync', 8],
    ]);
  });

  it('replaces the settlement: neither a good nor a bad one counts', () => {
    const { producer, notifiers, got, claims } = notified();
    producer.tell('{x:1}@1', 'x:1>2@2');
    claims[0]!.done();
    expect(got).toEqual(['{x:1}@1']);
    notifiers[0]!.next();
    expect(got.slice(1)).toEqual(['x:1>2@2']);

    producer.tell('{=x:2}@3 requested', 'x:2>3@4');
    claims[1]!.fail('no');
    expect(got).toHaveLength(3);
    notifiers[1]!.next();
    expect(got.slice(3)).toEqual(['x:2>3@4']);
  });

  it('a late failure closes nothing', () => {
    const { producer, notifiers, got, claims } = notified();
    const ack = producer.tell('{x:1}@1');
    claims[0]!.done();
    notifiers[0]!.next();
    ack.note({ type: 'failed', error: 'no' });
    producer.tell('x:1>2@2');
    expect(got.slice(1)).toEqual(['x:1>2@2']);
  });

  it('diffs still follow the settlement', () => {
    const { producer, claims, got } = notified();
    producer.tell('{x:1}@1', 'x:1>2@2', '{=x:2}@2 nacked', '{=x:2}@3 nacked');
    claims[2]!.done();
    producer.tell('{=x:2}@4 requested');
    expect(got.slice(1)).toEqual(['{x:1>2}@2 nacked', '{x:1>2}@3 nacked', '{=x:2}@4 requested']);
  });

  it('is subscribed after the resync was delivered, once per resync', () => {
    const log: string[] = [];
    const producer = new Producer();
    producer.source.pipe(bufferDuringResync(() => of(log.push('until')))).subscribe(({ type }) => log.push(type));
    producer.tell('{x:1}@1', 'x:1>2@2', '{=x:2}@3 requested');
    expect(log).toEqual(['resync', 'until', 'change', 'resync', 'until']);
  });

  it('is unsubscribed when it has emitted, when the next resync comes, and when all is over', () => {
    runMarbles(({ cold, hot, expectEvents, expectSubscriptions }) => {
      const notifiers = [hot('---1-----'), hot('---------'), hot('---------')];
      const [one, two, three] = notifiers;
      const source = cold('-R-----S---S----', values);
      expectEvents(source.pipe(bufferDuringResync(() => notifiers.shift()!)), '^-------------!').toBe(
        '-R-----S---S',
        values,
      );
      expectSubscriptions(one!.subscriptions).toBe('-^-!');
      expectSubscriptions(two!.subscriptions).toBe('-------^---!');
      expectSubscriptions(three!.subscriptions).toBe('-----------^--!');
    });
  });

  it('may be anything rxjs takes, also synchronous', async () => {
    for (const until of [() => of(1), () => EMPTY, () => [1, 2], () => []]) {
      const producer = new Producer();
      const { got } = collect(producer.source.pipe(bufferDuringResync(until)));
      producer.tell('{x:1}@1', 'x:1>2@2');
      expect(got).toHaveLength(2);
    }
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(bufferDuringResync(() => Promise.resolve())));
    producer.tell('{x:1}@1', 'x:1>2@2');
    expect(got).toHaveLength(1);
    await Promise.resolve();
    expect(got).toHaveLength(2);
  });

  it('never', () => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(bufferDuringResync(() => NEVER)));
    producer.tell('{x:1}@1', 'x:1>2@2');
    expect([got, producer.settled]).toEqual([['{x:1}@1'], ['{x:1}@1 delivered']]);
  });

  it('source error: passed on at once, the notifier is unsubscribed', () => {
    runMarbles(({ cold, hot, expectEvents, expectSubscriptions }) => {
      const applied = hot('---------1');
      expectEvents(cold('-R-a#', values, noRoute).pipe(bufferDuringResync(() => applied))).toBe(
        '-R--#',
        values,
        noRoute,
      );
      expectSubscriptions(applied.subscriptions).toBe('-^--!');
    });
  });

  it("the notifier's error: passed on, what is held is cancelled as by an unsubscription", () => {
    expectUntil('-R-a---', '----#', '-R--#', noRoute);

    const { producer, notifiers, got, claims } = notified();
    producer.tell('{x:1}@1', 'x:1>2@2');
    notifiers[0]!.error(noRoute);
    expect(got).toEqual(['{x:1}@1', '# no route']);
    expect([producer.subscribed, producer.open]).toEqual([false, 0]);
    // The source goes first: what is open when it learns that it is over was not cut off inside the pipeline.
    expect(producer.settled).toEqual(['{x:1}@1 cancelled', 'x:1>2@2 cancelled']);
    claims[0]!.done();
  });

  it.each([
    [
      'throws',
      () => {
        throw noRoute;
      },
    ],
    ['fails at once', () => throwError(() => noRoute)],
  ])('one that %s: passed on', (_, until) => {
    const producer = new Producer();
    const { got } = collect(producer.source.pipe(bufferDuringResync(until)));
    producer.tell('{x:1}@1');
    expect([got, producer.subscribed]).toEqual([['{x:1}@1', '# no route'], false]);
  });

  it('early unsubscribe', () => {
    const { producer, notifiers, got, unsubscribe } = notified();
    producer.tell('{x:1}@1', 'x:1>2@2');
    unsubscribe();
    notifiers[0]!.next();
    expect([notifiers[0]!.observed, producer.open, got]).toEqual([false, 0, ['{x:1}@1']]);
  });

  it('second resync while the first is open: only the later notifier counts', () => {
    const { producer, notifiers, got } = notified();
    producer.tell('{x:1}@1', '{=x:1}@2 requested', 'x:1>3@3');
    expect(notifiers[0]!.observed).toBe(false);
    notifiers[1]!.next();
    expect(got.slice(2)).toEqual(['x:1>3@3']);
  });

  it('completion waits for the notifier', () => {
    expectUntil('-R-a-|', '--------1', '-R------(a|)');
    expectUntil('-R-|', '--------|', '-R------|');
  });

  it('memory released', () => {
    const { producer, notifiers } = notified();
    producer.tell('{x:1}@1', 'x:1>2@2');
    notifiers[0]!.next();
    expect(producer.settled).toEqual(['x:1>2@2 delivered']);
  });
});
