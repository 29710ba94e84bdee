import {
  type ChangeEvent,
  type ConsumerOutcome,
  consumer,
  type DatasyncEvent,
  jsonCodec,
  type OrderedResult,
  orderedResync,
  type ResyncEvent,
  type Source,
  textCodec,
} from 'rx-datasync';
import type { Observable } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

interface Interface {
  readonly mtu: number;
}
interface Route {
  readonly via: string;
}

declare const source: Source<Uint8Array>;
declare const numbers: Source<number>;

it('infers each value type from its codec, and the names of the results', () => {
  const results = source.pipe(
    orderedResync([
      consumer('interfaces', '/if/', jsonCodec<Interface>(), {
        resync: (event, { signal }) => {
          expectTypeOf(event).toEqualTypeOf<ResyncEvent<Interface>>();
          expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        },
        change: (event) => expectTypeOf(event).toEqualTypeOf<ChangeEvent<Interface>>(),
      }),
      consumer('routes', '/route/', jsonCodec<Route>(), (routes) => {
        expectTypeOf(routes).toEqualTypeOf<Source<Route>>();
        return routes;
      }),
      consumer('notes', '/note/', textCodec, (notes) => {
        expectTypeOf(notes).toEqualTypeOf<Source<string>>();
        return notes;
      }),
    ]),
  );
  expectTypeOf(results).toEqualTypeOf<Observable<OrderedResult<'interfaces' | 'routes' | 'notes'>>>();
  results.subscribe(({ event, outcomes, again }) => {
    expectTypeOf(event).toEqualTypeOf<DatasyncEvent<Uint8Array>>();
    expectTypeOf(outcomes.routes).toEqualTypeOf<ConsumerOutcome>();
    expectTypeOf(again).toEqualTypeOf<'interfaces' | 'routes' | 'notes' | undefined>();
    // @ts-expect-error nobody has this name
    outcomes.rules;
  });
});

it('wants a source of bytes, and consumers', () => {
  const one = consumer('a', '', textCodec, (texts) => texts);
  // @ts-expect-error these values are decoded already
  numbers.pipe(orderedResync([one]));
  // @ts-expect-error handlers alone are no consumer
  orderedResync([{ resync: () => undefined, change: () => undefined }]);
  // @ts-expect-error no such policy
  orderedResync([one], { onFailure: 'ignore' });
});
