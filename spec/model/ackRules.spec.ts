import { delay, Subject, startWith, tap } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryBroker } from '../../lib/backends/memory/memoryBroker.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Claim } from '../../lib/model/ack.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';
import { ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import type { DeliveryConfig } from '../../lib/source/config.ts';
import { notation } from '../../lib/testing/notation.ts';

// The rules of acks that need a source to be seen.

function world(delivery: DeliveryConfig = {}) {
  const store = memoryStore();
  const put = (key: string, value: number) => store.put(key, new TextEncoder().encode(String(value)));
  put('/a/x', 1);
  put('/b/y', 1);
  const prefixes = new Subject<readonly string[]>();
  const statuses: SourceStatus[] = [];
  const got: string[] = [];
  const claims: Claim[] = [];
  const source = fromMemory(store, {
    prefixes: prefixes.pipe(startWith(['/a/'])),
    codec: jsonCodec<number>(),
    statusObserver: { next: (status) => statuses.push(status) },
    delivery,
  });
  const see = tap((event: DatasyncEvent<number>) => void got.push(notation.format(event)));
  const claim = tap((event: DatasyncEvent<number>) => void claims.push(event.claim()));
  return { store, put, prefixes, statuses, got, claims, source, see, claim };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('rule 4: listeners nearest to the consumer run first', () => {
  it('the buffer lets go of what it holds before the source tells the resync that was waiting', () => {
    const { put, prefixes, got, claims, source, see, claim } = world();
    source.pipe(bufferDuringResync(), see, claim).subscribe();
    put('/a/x', 2);
    prefixes.next(['/a/', '/b/']);
    expect(got).toEqual(['{/a/x:1@1}@2']);
    claims[0]!.done();
    expect(got.slice(1)).toEqual(['/a/x:1>2@3', '{/a/x:2 +/b/y:1@2}@3 prefixes']);
  });

  it('of two buffers the lower one first: order and transactions are kept', () => {
    const { put, got, claims, source, see, claim } = world();
    source.pipe(bufferDuringResync(), bufferDuringResync(), see, claim).subscribe();
    for (const value of [2, 3, 4]) put('/a/x', value);
    claims[0]!.done();
    expect(got.slice(1)).toEqual(['/a/x:1>2@3', '/a/x:2>3@4', '/a/x:3>4@5']);
  });
});

describe('rule 5', () => {
  it('a resync never waits for open changes, but for an open resync: requests merge meanwhile', () => {
    const { put, prefixes, got, claims, source, see, claim } = world();
    source.pipe(see, claim).subscribe();
    claims[0]!.done();
    put('/a/x', 2);
    prefixes.next(['/a/', '/b/']);
    expect(got.slice(1)).toEqual(['/a/x:1>2@3', '{/a/x:2 +/b/y:1@2}@3 prefixes']);
    prefixes.next(['/b/']);
    prefixes.next(['']);
    expect(got).toHaveLength(3);
    claims[2]!.done();
    expect(got.slice(3)).toEqual(['{=/a/x:2 =/b/y:1@2}@3 prefixes']);
  });
});

describe('rule 6: too late', () => {
  it('is reported once per subscription, and counted', async () => {
    const { put, statuses, got, source, see } = world();
    const handlers = { resync: () => undefined, change: () => undefined };
    source.pipe(delay(1), see, ackWithCallback(handlers)).subscribe();
    await vi.advanceTimersByTimeAsync(10);
    for (const value of [2, 3]) put('/a/x', value);
    await vi.advanceTimersByTimeAsync(10);
    expect(got).toHaveLength(3);
    const causes = statuses.map(({ cause }) => (cause as { code?: string } | undefined)?.code);
    expect(causes.filter((code) => code === 'LATE_CLAIM')).toHaveLength(1);
    put('/a/x', 4); // the status is told on transitions only
    expect(statuses.at(-1)!.lateClaims).toBeGreaterThan(0);
  });

  it('a fail that comes late still acts: a resync is told again', async () => {
    const { statuses, got, source, see } = world();
    let failed = false;
    const change = () => undefined;
    const resync = () => {
      if (failed) return;
      failed = true;
      throw new Error('no');
    };
    source.pipe(delay(1), see, ackWithCallback({ resync, change })).subscribe();
    await vi.advanceTimersByTimeAsync(10);
    expect(statuses.at(-1)!.stale?.cause).toMatchObject({ code: 'NACKED', cause: new Error('no') });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(got).toEqual(['{/a/x:1@1}@2', '{/a/x:1@1}@2 nacked']);
    expect(statuses.at(-1)!.stale).toBeUndefined();
  });

  it('a forgotten claim is the only wedge left: the status shows it, claimTimeout ends it', async () => {
    const { put, statuses, source, claim } = world({ inFlight: 1, claimTimeout: 5_000, redeliver: { count: 0 } });
    const since = Date.now();
    source.pipe(claim).subscribe();
    put('/a/x', 2);
    expect(statuses.at(-1)).toMatchObject({ unsettled: 1, oldestUnsettledSince: since, lag: 0 });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(statuses.at(-1)!.stale).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(statuses.find(({ stale }) => stale !== undefined)!.cause).toMatchObject({ code: 'NACKED' });
  });

  it('what the watchdog has settled may still be thrown away by an operator: nobody was late', async () => {
    const { put, statuses, source, see, claim } = world({ claimTimeout: 5_000 });
    source.pipe(bufferDuringResync(), see, claim).subscribe();
    put('/a/x', 2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(statuses.at(-1)!.lateClaims).toBe(0);
  });
});

describe('rule 8', () => {
  it('a failed resync is told again from memory, and names everything', async () => {
    const { got, claims, source, see, claim } = world();
    source.pipe(bufferDuringResync(), see, claim).subscribe();
    claims[0]!.fail(new Error('no'));
    await vi.advanceTimersByTimeAsync(1_000);
    claims[1]!.fail(new Error('no'));
    await vi.advanceTimersByTimeAsync(2_000);
    claims[2]!.done();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(got).toEqual(['{/a/x:1@1}@2', '{/a/x:1@1}@2 nacked', '{/a/x:1@1}@2 nacked']);
  });
});

describe('the end of a source', () => {
  it('what still waits when it fails is cancelled, not delivered: nobody is told it any more', async () => {
    const { put, prefixes, statuses, source, store, claim } = world({ inFlight: 2 });
    const errors: unknown[] = [];
    source.pipe(bufferDuringResync(), claim).subscribe({ error: (error: unknown) => errors.push(error) });
    const broker = memoryBroker(store, { codec: jsonCodec<number>() });
    const commits = [2, 3, 4].map((value) => broker.txn().put('/a/x', value).commit());
    put('/a/x', 5);
    prefixes.error('no access');
    const outcomes = (await Promise.all(commits)).map((commit) => commit.outcomes.map(({ outcome }) => outcome.type));
    expect(errors).toMatchObject([{ code: 'INVALID_CONFIG', cause: 'no access' }]);
    expect(outcomes).toEqual([['cancelled'], ['cancelled'], ['cancelled']]);
    expect(statuses.map(({ cause }) => cause).filter((cause) => cause !== undefined)).toEqual([]); // nobody nacked
  });
});
