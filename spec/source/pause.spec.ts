import { concat, concatMap, defer, EMPTY, expand, Observable, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { ackWithCallback, memoryStore } from '../../lib/index.ts';
import type { Backend, Frame } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { changes, snapshot } from '../../lib/testing/frames.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { failureOf } from '../support/failureOf.ts';
import { Seen } from '../support/seen.ts';

/** Many states of one key, each read only where there is room; `read` counts them. */
function log(count: number): Backend<number> & { read: number; exact: boolean | undefined } {
  const backend: ReturnType<typeof log> = {
    name: 'log',
    capabilities: memoryBackend(memoryStore()).capabilities,
    canPause: true,
    read: 0,
    exact: undefined,
    open: ({ from = 0, exact, ready }) => {
      backend.exact = exact;
      const first: Observable<Frame<number>> = from === 0 ? of({ ...snapshot(0), position: 0 }) : EMPTY;
      const next = (revision: number): Observable<Frame<number>> =>
        revision > count
          ? EMPTY
          : defer(ready).pipe(
              concatMap(() => {
                backend.read = Math.max(backend.read, revision);
                return of({ ...changes({ x: revision }, revision), position: revision });
              }),
            );
      const rest = next(from + 1).pipe(expand((frame) => next((frame as { revision: number }).revision + 1)));
      // It stays open.
      return concat(first, rest, new Observable<never>());
    },
  };
  return backend;
}

const codec = jsonCodec<number>();

describe("overflow: 'pause'", () => {
  it('reads no further than there is room, and tells every state', () =>
    virtually(({ advance }) => {
      const backend = log(500);
      const steps = new Subject<void>();
      const config = { prefixes: [''], codec, delivery: { inFlight: 3, queue: 0, overflow: 'pause' as const } };
      const work = (): Observable<unknown> =>
        new Observable((subscriber) => steps.subscribe(() => subscriber.complete()));
      const source = fromBackend(backend, config);
      const seen: string[] = [];
      const subscription = source
        .pipe(ackWithCallback({ resync: () => undefined, change: work }))
        .subscribe(({ event }) => {
          if (event.type === 'change') seen.push(`${event.revision}${event.coalesced ? '~' : ''}`);
        });
      expect(backend.exact).toBe(true);
      for (let told = 0; told < 500; told++) {
        advance(1);
        expect(backend.read - told).toBeLessThanOrEqual(3);
        steps.next();
      }
      expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => `${index + 1}`));
      subscription.unsubscribe();
    }));

  it('holds what comes while an event is told one by one, however little the queue is', () =>
    virtually(() => {
      const store = memoryStore();
      const backend = { ...memoryBackend(store), canPause: true };
      const config = { prefixes: [''], codec, delivery: { inFlight: 9, queue: 0, overflow: 'pause' as const } };
      const seen = new Seen(fromBackend(backend, config), (event) => {
        // The store is written to inside `next`, and tells it at once.
        if (event.revision === 1) for (const value of [2, 3, 4]) store.put('x', codec.encode(value, 'x'));
      });
      store.put('x', codec.encode(1, 'x'));
      expect(seen.take()).toEqual(['{}@0', 'x:1@1', 'x:1>2@2', 'x:2>3@3', 'x:3>4@4']);
    }));

  it('is not asked of a backend where it is not configured', () =>
    virtually(() => {
      const backend = log(1);
      new Seen(fromBackend(backend, { prefixes: [''], codec }));
      expect(backend.exact).toBe(false);
    }));

  it('is refused where the backend cannot wait', () => {
    const config = { prefixes: [''], delivery: { overflow: 'pause' as const } };
    expect(failureOf(() => fromBackend(memoryBackend(memoryStore()), config))).toMatchObject({
      code: 'INVALID_CONFIG',
      message: "[rx-datasync] fromBackend: 'delivery.overflow' must not be 'pause': the backend 'memory' cannot wait",
    });
  });
});
