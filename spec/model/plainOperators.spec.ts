import {
  concatMap,
  debounceTime,
  delay,
  exhaustMap,
  filter,
  map,
  mergeMap,
  type Observable,
  retry,
  Subject,
  type Subscription,
  share,
  switchMap,
  take,
  timer,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { DatasyncEvent, Source } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';
import { ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { toState } from '../../lib/operators/toState.ts';
import type { Backend } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';

// The plain rxjs operators users reach for, above, between and below ours, on a real source: nothing wedges (the stream
// goes on), nothing leaks (every frame is settled once, no timer is left), nothing lies (not `applied` where nobody applied).

type Event = DatasyncEvent<number>;
type Plain = <E>(source: Observable<E>) => Observable<E>;

const later = <E>(value: E): Observable<E> => timer(5).pipe(map(() => value));

/** Fails on its third value, once. */
const failsOnce = (): Plain => (source) => {
  let count = 0;
  return source.pipe(
    map((value) => {
      if (++count === 3) throw new Error('third');
      return value;
    }),
  );
};

const plain: Record<string, () => Plain> = {
  'filter, nothing passes': () => (source) => source.pipe(filter(() => false)),
  // Not of the resyncs: who drops the retry of a failed one waits for the next.
  'filter, every second': () => {
    let count = 0;
    const isResync = (value: unknown) => (value as Partial<Event>).type === 'resync';
    return (source) => source.pipe(filter((value) => isResync(value) || ++count % 2 === 1));
  },
  switchMap: () => (source) => source.pipe(switchMap(later)),
  exhaustMap: () => (source) => source.pipe(exhaustMap(later)),
  'concatMap, naive async': () => (source) => source.pipe(concatMap(async (value) => value)),
  'concatMap, slow': () => (source) => source.pipe(concatMap(later)),
  mergeMap: () => (source) => source.pipe(mergeMap((value) => Promise.resolve(value))),
  share: () => (source) => source.pipe(share()),
  delay: () => (source) => source.pipe(delay(7)),
  debounceTime: () => (source) => source.pipe(debounceTime(5)),
  'take(1)': () => (source) => source.pipe(take(1)),
  retry: () => {
    const fails = failsOnce();
    return (source) => source.pipe(fails, retry());
  },
};

/** A source that writes down how each of its frames ended. */
class World {
  readonly store = memoryStore();
  readonly frames: { revision: number; outcomes: string[] }[] = [];
  readonly requests = new Subject<void>();
  readonly applied: { type: string; revision: number }[] = [];
  readonly source: Source<number>;
  status: SourceStatus | undefined;
  received = 0;
  last: unknown;
  #works = 0;
  #subscriptions: Subscription[] = [];

  constructor() {
    this.put(0);
    this.source = fromBackend(this.#recorded(memoryBackend(this.store)), {
      prefixes: [''],
      codec: jsonCodec<number>(),
      resyncOn: this.requests,
      statusObserver: { next: (status) => (this.status = status) },
    });
  }

  put(value: number): void {
    this.store.put('x', new TextEncoder().encode(String(value)));
  }

  /** Takes 3 ms; its first and its fifth piece of work fail. */
  readonly work = (event: Event): Observable<unknown> => {
    const number = ++this.#works;
    return timer(3).pipe(
      map(() => {
        if (number === 1 || number === 5) throw new Error(`work ${number}`);
        this.applied.push({ type: event.type, revision: event.revision });
      }),
    );
  };

  readonly acked = () => ackWithCallback<number>({ resync: this.work, change: this.work });

  subscribe(pipeline: Observable<unknown>): void {
    const next = (value: unknown): void => {
      this.received++;
      this.last = value;
    };
    this.#subscriptions.push(pipeline.subscribe(next));
  }

  unsubscribe(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  get completed(): boolean {
    return this.#subscriptions.every(({ closed }) => closed);
  }

  #recorded<P>({ open, ...backend }: Backend<P>): Backend<P> {
    return {
      ...backend,
      open: (context) =>
        open(context).pipe(
          map((frame) => {
            if (frame.type !== 'snapshot' && frame.type !== 'changes') return frame;
            const record = { revision: frame.revision!, outcomes: [] as string[] };
            this.frames.push(record);
            return { ...frame, settled: ({ type }) => record.outcomes.push(type) };
          }),
        ),
    };
  }
}

type Build = (world: World, operator: Plain) => Observable<unknown>;

const places: Record<string, Build> = {
  'on the bare source': ({ source }, operator) => source.pipe(operator),
  'above toState': ({ source }, operator) => source.pipe(operator, toState()),
  'above buffer + toState': ({ source }, operator) => source.pipe(operator, bufferDuringResync(), toState()),
  'below buffer + toState': ({ source }, operator) => source.pipe(bufferDuringResync(), toState(), operator),
  'above buffer + ack': ({ source, acked }, operator) => source.pipe(operator, bufferDuringResync(), acked()),
  'between buffer and ack': ({ source, acked }, operator) => source.pipe(bufferDuringResync(), operator, acked()),
  'below buffer + ack': ({ source, acked }, operator) => source.pipe(bufferDuringResync(), acked(), operator),
};
/** They lose nothing, so what is below them ends where the store is. */
const lossless = ['concatMap, naive async', 'concatMap, slow', 'mergeMap', 'share', 'delay', 'retry'];
const nobodyApplies = Object.keys(places).slice(0, 4);

const quiet = 120_000;
const wait = (milliseconds: number) => async () => void (await vi.advanceTimersByTimeAsync(milliseconds));

const steps: ((world: World) => unknown)[] = [
  (world) => world.put(1),
  wait(1),
  (world) => {
    for (let i = 2; i < 8; i++) world.put(i);
  },
  wait(2),
  (world) => world.put(8),
  wait(6),
  (world) => world.requests.next(),
  (world) => world.put(9),
  wait(4),
  (world) => world.requests.next(),
  wait(150),
  (world) => world.put(10),
  wait(quiet),
  (world) => world.put(11),
  wait(quiet),
];

function expectHonest({ frames, applied }: World): void {
  for (const { revision, outcomes } of frames.filter((frame) => frame.outcomes.includes('applied'))) {
    const by = applied.find((work) =>
      work.type === 'resync' ? work.revision >= revision : work.revision === revision,
    );
    expect(by, `the frame at ${revision} is ${outcomes.join()}, but nobody applied it`).toBeDefined();
  }
}

function expectClean(world: World): void {
  expect(world.frames.filter(({ outcomes }) => outcomes.length !== 1)).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  expect(world.requests.observed).toBe(false);
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const combinations = Object.entries(places).flatMap(([place, build]) =>
  Object.entries(plain).map(([name, operator]) => [name, place, operator, build] as const),
);

describe('rxjs operators around ours', () => {
  it.each(combinations)(
    '%s %s: goes on, leaves nothing behind, says nothing untrue',
    async (name, place, operator, build) => {
      const world = new World();
      world.subscribe(build(world, operator()));
      for (const step of steps) await step(world);
      expectHonest(world);

      const { received } = world;
      if (name !== 'take(1)') {
        // Twice, for who takes every second.
        for (const value of [20, 21]) {
          world.put(value);
          await wait(quiet)();
        }
        expect([world.completed, world.status!.state]).toEqual([false, 'live']);
        if (name !== 'filter, nothing passes') expect(world.received).toBeGreaterThan(received);
        expect([world.status!.unsettled, world.status!.lag]).toEqual([0, 0]);
        if (place.endsWith('toState') && lossless.includes(name))
          expect([...(world.last as Map<string, number>)]).toEqual([['x', 21]]);
      } else {
        expect([world.completed, received]).toEqual([true, 1]);
      }
      if (nobodyApplies.includes(place))
        expect(world.frames.flatMap(({ outcomes }) => outcomes)).not.toContain('applied');
      world.unsubscribe();
      expectClean(world);
      expectHonest(world);
    },
  );

  it.each(combinations)('%s %s: may be unsubscribed at any step', async (_name, _place, operator, build) => {
    for (let end = 0; end < steps.length; end++) {
      const world = new World();
      world.subscribe(build(world, operator()));
      for (const step of steps.slice(0, end)) await step(world);
      world.unsubscribe();
      expectClean(world);
      const { received } = world;
      world.put(99);
      await wait(quiet)();
      expect(world.received).toBe(received);
      expectClean(world);
      expectHonest(world);
    }
  });
});

describe('share', () => {
  it('one ack for all who listen: the worst of them, once the last is done', async () => {
    const world = new World();
    const shared = world.source.pipe(share());
    let fail = false;
    const good = ackWithCallback<number>({ resync: () => timer(2), change: () => timer(2) });
    const bad = ackWithCallback<number>({
      resync: () => timer(9),
      change: () =>
        timer(9).pipe(
          map(() => {
            if (fail) throw new Error('no');
          }),
        ),
    });
    world.subscribe(shared.pipe(bufferDuringResync(), good));
    await wait(50)();
    world.subscribe(shared.pipe(bad)); // late: it gets changes only
    world.put(1);
    await wait(5)();
    expect(world.frames.at(-1)!.outcomes).toEqual([]);
    await wait(5)();
    expect(world.frames.at(-1)!.outcomes).toEqual(['applied']);
    fail = true;
    world.put(2);
    await wait(50)();
    expect(world.frames.at(-1)!.outcomes).toEqual(['failed']);
    expect(world.status!.stale?.cause).toMatchObject({ code: 'NACKED' });
    world.unsubscribe();
    expectClean(world);
  });
});

describe('take(1) above running work', () => {
  it('cancels it: the source does not call it applied', async () => {
    const world = new World();
    world.subscribe(world.source.pipe(take(1), ackWithCallback({ resync: () => timer(5), change: () => timer(5) })));
    await wait(50)();
    expect([world.received, world.frames.map(({ outcomes }) => outcomes)]).toEqual([1, [['cancelled']]]);
    expectClean(world);
  });
});
