import { type MonoTypeOperatorFunction, type Observable, type OperatorFunction, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  ackWithCallback,
  bufferDuringResync,
  consumer,
  type DatasyncEvent,
  distinctValue,
  filterByRevision,
  jsonCodec,
  mapValue,
  memoryBroker,
  memoryStore,
  mergeSources,
  orderedResync,
  publishTo,
  ResyncEvent,
  shareResync,
  toState,
  trackPrevious,
  withPrefix,
} from '../../lib/index.ts';

type Event = DatasyncEvent<number>;

const operators: Readonly<Record<string, OperatorFunction<Event, unknown> | MonoTypeOperatorFunction<Event>>> = {
  bufferDuringResync: bufferDuringResync<number>(),
  filterByRevision: filterByRevision<number>(),
  toState: toState<number>(),
  trackPrevious: trackPrevious<number>(),
  shareResync: shareResync<number>(),
  mergeSources: (source) => mergeSources({ source }),
  distinctValue: distinctValue<number>(),
  'ackWithCallback, concurrently': ackWithCallback<number>(
    { resync: () => undefined, change: () => undefined },
    { concurrency: 2 },
  ),
  orderedResync: (source) =>
    orderedResync([consumer('a', '', jsonCodec<number>(), { resync: () => undefined, change: () => undefined })])(
      source as never,
    ),
  publishTo: publishTo<number>(memoryBroker(memoryStore(), { codec: jsonCodec<number>() })),
  withPrefix: withPrefix<number>('a'),
  mapValue: mapValue<number, number>((value) => value),
  ackWithCallback: ackWithCallback<number>({ resync: () => undefined, change: () => undefined }),
};
const event = ResyncEvent.of({ x: 1 }, 1);
const impostors: Readonly<Record<string, unknown>> = { 'a spread event': { ...event }, null: null, 'a text': 'resync' };

describe.each(Object.keys(operators))('%s', (name) => {
  it.each(Object.keys(impostors))('%s is an error of the stream that says what to do, and no crash', (what) => {
    const seen: unknown[] = [];
    (of(impostors[what]) as Observable<Event>).pipe(operators[name] as OperatorFunction<Event, unknown>).subscribe({
      next: (value) => seen.push(value),
      error: (error: unknown) => seen.push(error),
    });
    expect(seen).toMatchObject([
      { code: 'INVALID_EVENT', message: expect.stringContaining('event.with()') as unknown },
    ]);
    // It also says where: not which operator that one is made of.
    expect((seen[0] as Error).message).toContain(`${name.split(',')[0]} was given`);
  });
});
