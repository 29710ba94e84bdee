import {
  type AckResult,
  ackWithCallback,
  type ChangeEvent,
  type Outcome,
  type ResyncEvent,
  type Source,
} from 'rx-datasync';
import { type Observable, timer } from 'rxjs';
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

it('both handlers are required', () => {
  // @ts-expect-error change is missing
  source.pipe(ackWithCallback({ resync: () => undefined }));
  // @ts-expect-error resync is missing
  source.pipe(ackWithCallback({ change: () => undefined }));
});

it('unknown options are refused', () => {
  const handlers = { resync: () => undefined, change: () => undefined };
  // @ts-expect-error not there yet
  source.pipe(ackWithCallback(handlers, { concurrency: 2 }));
  // @ts-expect-error a number of milliseconds
  source.pipe(ackWithCallback(handlers, { timeout: '5s' }));
  // @ts-expect-error no third handler
  source.pipe(ackWithCallback<number>({ ...handlers, error: () => undefined }));
});
