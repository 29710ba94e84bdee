import {
  type AckResult,
  ackWithCallback,
  type ChangeEvent,
  type Outcome,
  type ResyncEvent,
  type Source,
} from 'rx-datasync';
import { forkJoin, type Observable, timer } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<number>;

it('ackWithCallback tells each event with its outcome', () => {
  const results = source.pipe(ackWithCallback({ resync: () => undefined, change: () => undefined }));
  expectTypeOf(results).toEqualTypeOf<Observable<AckResult<number>>>();
  results.subscribe(({ event, outcome }) => {
    expectTypeOf(event).toEqualTypeOf<ResyncEvent<number> | ChangeEvent<number>>();
    expectTypeOf(outcome).toEqualTypeOf<Outcome>();
    if (outcome.type === 'failed') expectTypeOf(outcome.error).toBeUnknown();
    // @ts-expect-error only failed has an error
    if (outcome.type === 'applied') outcome.error;
  });
});

it('each handler gets its kind of event, and a signal', () => {
  source.pipe(
    ackWithCallback({
      resync: (event, { signal }) => {
        expectTypeOf(event).toEqualTypeOf<ResyncEvent<number>>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      },
      change: (event) => expectTypeOf(event).toEqualTypeOf<ChangeEvent<number>>(),
    }),
  );
});

it('the work may be anything', () => {
  source.pipe(ackWithCallback({ resync: async () => 1, change: () => timer(5) }));
  source.pipe(ackWithCallback({ resync: () => Promise.reject(new Error('no')), change: () => 5 }, { timeout: 1_000 }));
});

it('the work must not be an array of what nobody waits for', () => {
  const write = async (key: string): Promise<void> => Promise.reject(new Error(key));
  const resync = () => undefined;
  // @ts-expect-error an array of Promises
  source.pipe(ackWithCallback({ resync, change: (event) => event.changes.map(async ({ key }) => write(key)) }));
  // @ts-expect-error an array of Observables
  source.pipe(ackWithCallback({ resync, change: (event) => event.changes.map(() => timer(1)) }));
  // @ts-expect-error sometimes
  source.pipe(ackWithCallback({ resync, change: (event) => event.changes.map(({ key }) => key && write(key)) }));
  // @ts-expect-error in an array of arrays
  source.pipe(ackWithCallback({ resync, change: (event) => [event.changes.map(({ key }) => write(key))] }));
  source.pipe(ackWithCallback({ resync, change: (event) => Promise.all(event.changes.map(({ key }) => write(key))) }));
  source.pipe(ackWithCallback({ resync, change: (event) => forkJoin(event.changes.map(() => timer(1))) }));
});

it('the work may return whatever else it has at hand', () => {
  const state = new Map<string, number>();
  const resync = () => undefined;
  source.pipe(ackWithCallback({ resync, change: () => state.set('x', 1) }));
  source.pipe(ackWithCallback({ resync, change: (event) => event.changes.map(({ key }) => ({ key })) }));
  source.pipe(ackWithCallback({ resync, change: () => [undefined, null, [Symbol('s'), 1n]] }));
  source.pipe(ackWithCallback({ resync, change: (): void => undefined }));
  source.pipe(ackWithCallback({ resync, change: (event) => event }));
  source.pipe(ackWithCallback({ resync, change: () => () => new Uint8Array() }));
  source.pipe(ackWithCallback({ resync, change: (event) => (event.coalesced ? undefined : timer(1)) }));
});

it('both handlers are required', () => {
  // @ts-expect-error change is missing
  source.pipe(ackWithCallback({ resync: () => undefined }));
  // @ts-expect-error resync is missing
  source.pipe(ackWithCallback({ change: () => undefined }));
});

it('unknown options are refused', () => {
  const handlers = { resync: () => undefined, change: () => undefined };
  source.pipe(ackWithCallback(handlers, { concurrency: 2 }));
  // @ts-expect-error a number
  source.pipe(ackWithCallback(handlers, { concurrency: 'all' }));
  // @ts-expect-error not known
  source.pipe(ackWithCallback(handlers, { parallel: 2 }));
  // @ts-expect-error a number of milliseconds
  source.pipe(ackWithCallback(handlers, { timeout: '5s' }));
  // @ts-expect-error no third handler
  source.pipe(ackWithCallback<number>({ ...handlers, error: () => undefined }));
});
