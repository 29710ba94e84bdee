import { BehaviorSubject, concatMap, delay, of, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromMemory } from '../../../lib/backends/memory/fromMemory.ts';
import { memoryBroker } from '../../../lib/backends/memory/memoryBroker.ts';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Claim } from '../../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../../lib/model/events.ts';
import { ackWithCallback } from '../../../lib/operators/ackWithCallback.ts';

const nothing = (): void => undefined;

describe('commit of a memory transaction', () => {
  const store = memoryStore({ history: 3 });
  const broker = memoryBroker(store, { codec: textCodec });
  const over = new Subject<void>();

  /** A named subscriber that does this with every change. */
  function subscriber(name: string | undefined, onChange: (event: DatasyncEvent<string>) => void, prefix = 'a/') {
    const named = name === undefined ? {} : { name };
    const source = fromMemory(store, { prefixes: [prefix], codec: textCodec, ...named });
    const subscription = source.subscribe((event) => event.type === 'change' && onChange(event));
    over.subscribe(() => subscription.unsubscribe());
    return subscription;
  }

  const commit = (options?: { timeout?: number }) => broker.txn().put('a/x', '1').put('b/x', '1').commit(options);

  afterEach(() => {
    over.next();
    store.wipe();
  });

  it('resolves at once where nobody watches', async () => {
    subscriber('elsewhere', (event) => void event.claim(), 'c/');
    expect(await commit()).toEqual({ revision: 1, outcomes: [] });
  });

  it('resolves with the revision of the store where it changes nothing', async () => {
    await broker.put('z', '1');
    subscriber('a', (event) => void event.claim());
    expect(await broker.txn().delete('a/nothing').commit()).toEqual({ revision: 1, outcomes: [] });
  });

  it('tells what each subscriber says of it, in the order they came', async () => {
    subscriber('applies', (event) => event.done());
    subscriber('looks', nothing);
    subscriber('fails', (event) => event.fail('no', { keys: ['a/x'] }));
    subscriber('b', (event) => event.done(), 'b/');
    expect(await commit()).toEqual({
      revision: 1,
      outcomes: [
        { subscriber: 'applies', outcome: { type: 'applied' } },
        { subscriber: 'looks', outcome: { type: 'delivered' } },
        { subscriber: 'fails', outcome: { type: 'failed', error: 'no', keys: ['a/x'] } },
        { subscriber: 'b', outcome: { type: 'applied' } },
      ],
    });
  });

  it('returns every error, not the first or the last (F12)', async () => {
    const claims: Claim[] = [];
    subscriber('A', (event) => {
      event.done();
      event.done();
    });
    subscriber('B', (event) => claims.push(event.claim()));
    subscriber('C', (event) => event.fail('C failed'));
    const result = commit();
    claims[0]?.fail('B failed');
    claims[0]?.done(); // single shot
    expect((await result).outcomes).toEqual([
      { subscriber: 'A', outcome: { type: 'applied' } },
      { subscriber: 'B', outcome: { type: 'failed', error: 'B failed' } },
      { subscriber: 'C', outcome: { type: 'failed', error: 'C failed' } },
    ]);
  });

  it('numbers those without a name', async () => {
    const own = memoryStore();
    const subscriptions = [1, 2].map(() => fromMemory(own, { prefixes: [''] }).subscribe());
    const { outcomes } = await memoryBroker(own, { codec: textCodec }).txn().put('x', '1').commit();
    expect(outcomes.map((outcome) => outcome.subscriber)).toEqual(['subscriber-1', 'subscriber-2']);
    for (const subscription of subscriptions) subscription.unsubscribe();
  });

  it('waits for one transaction, not for the others', async () => {
    const claims: Claim[] = [];
    subscriber('slow', (event) => claims.push(event.claim()));
    const first = commit();
    const second = commit();
    claims[1]?.done();
    expect(await second).toMatchObject({ revision: 2, outcomes: [{ outcome: { type: 'applied' } }] });
    claims[0]?.fail('late');
    expect(await first).toMatchObject({ revision: 1, outcomes: [{ outcome: { type: 'failed' } }] });
  });

  it('says cancelled for one who leaves', async () => {
    const subscription = subscriber('leaves', (event) => void event.claim());
    const result = commit();
    subscription.unsubscribe();
    expect((await result).outcomes).toEqual([{ subscriber: 'leaves', outcome: { type: 'cancelled' } }]);
    expect((await commit()).outcomes).toEqual([]);
  });

  it('hears what becomes of it behind a buffer of changes', async () => {
    const claims: Claim[] = [];
    const source = fromMemory(store, {
      prefixes: [''],
      codec: textCodec,
      name: 'one at a time',
      delivery: { inFlight: 1 },
    });
    const subscription = source.subscribe((event) => event.type === 'change' && claims.push(event.claim()));
    const [first, second] = [commit(), commit()];
    claims[0]?.done();
    await first;
    claims[1]?.fail('second');
    expect((await second).outcomes).toMatchObject([{ outcome: { type: 'failed', error: 'second' } }]);
    subscription.unsubscribe();
  });

  it('hears what becomes of the resync that carries its effect', async () => {
    const resyncOn = new Subject<void>();
    const source = fromMemory(store, { prefixes: [''], resyncOn, delivery: { inFlight: 1 } });
    const subscription = source.subscribe((event) => {
      if (event.type === 'change') event.claim();
      else if (event.reason === 'requested') event.fail('no room');
    });
    void broker.put('a/0', '1'); // keeps the subscriber occupied
    const result = commit();
    resyncOn.next(); // a resync does not wait for open changes
    expect((await result).outcomes).toMatchObject([{ outcome: { type: 'failed', error: 'no room' } }]);
    subscription.unsubscribe();
  });

  it('asks only those whose prefixes cover a key now', async () => {
    const prefixes = new BehaviorSubject<string[]>(['a/']);
    const source = fromMemory(store, { prefixes, name: 'moves' });
    const subscription = source.subscribe((event) => event.type === 'change' && event.done());
    const names = async (key: string) =>
      (await broker.txn().put(key, '1').commit()).outcomes.map((outcome) => outcome.subscriber);
    expect([await names('a/x'), await names('b/x')]).toEqual([['moves'], []]);
    prefixes.next(['b/']);
    expect([await names('a/x'), await names('b/x')]).toEqual([[], ['moves']]);
    prefixes.next([]);
    expect([await names('a/x'), await names('b/x')]).toEqual([[], []]);
    subscription.unsubscribe();
  });

  describe('in time', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('never takes silence for success: who says nothing in time has timed out (F03)', async () => {
      subscriber('quick', (event) => event.done());
      subscriber('silent', (event) => void event.claim());
      const result = commit({ timeout: 50 });
      await vi.advanceTimersByTimeAsync(49);
      expect(await Promise.race([result, 'waits'])).toBe('waits');
      await vi.advanceTimersByTimeAsync(1);
      expect((await result).outcomes).toEqual([
        { subscriber: 'quick', outcome: { type: 'applied' } },
        { subscriber: 'silent', outcome: { type: 'timedOut' } },
      ]);
      expect(store.get('a/x')?.revision).toBe(1); // what was written stays written
    });

    it('waits for ever without a timeout, and leaves no timer behind with one', async () => {
      const claims: Claim[] = [];
      subscriber('slow', (event) => claims.push(event.claim()));
      const patient = commit();
      const bounded = commit({ timeout: 5_000 });
      claims[1]?.done();
      await bounded;
      expect(vi.getTimerCount()).toBe(0);
      await vi.advanceTimersByTimeAsync(3_600_000);
      claims[0]?.done();
      expect((await patient).outcomes).toMatchObject([{ outcome: { type: 'applied' } }]);
    });

    it('knows the work behind ackWithCallback', async () => {
      const work = (event: DatasyncEvent<string>) =>
        of(event).pipe(
          delay(100),
          concatMap(() => (event.revision === 2 ? Promise.reject(new Error('disk full')) : of(1))),
        );
      const pipeline = fromMemory(store, { prefixes: ['a/'], codec: textCodec, name: 'disk' });
      const subscription = pipeline.pipe(ackWithCallback({ resync: nothing, change: work })).subscribe();
      const results = [commit(), commit({ timeout: 150 }), commit()];
      await vi.advanceTimersByTimeAsync(400);
      const outcomes = (await Promise.all(results)).flatMap((result) =>
        result.outcomes.map(({ outcome }) => outcome.type),
      );
      expect(outcomes).toEqual(['applied', 'timedOut', 'applied']);
      subscription.unsubscribe();
    });

    it('waits for one who is reconnecting', async () => {
      subscriber('comes back', (event) => event.done());
      store.wipe();
      const result = commit();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await result).toEqual({
        revision: 1,
        outcomes: [{ subscriber: 'comes back', outcome: { type: 'superseded' } }],
      });
    });
  });
});
