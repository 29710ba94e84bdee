import { type Consumer, consumer, textCodec } from 'rx-datasync';
import { expectTypeOf, it } from 'vitest';

const handlers = { resync: () => undefined, change: () => undefined };

it('consumer keeps its name as a type', () => {
  expectTypeOf(consumer('routes', '/route/', textCodec, handlers)).toEqualTypeOf<Consumer<'routes'>>();
  const name: string = 'routes';
  expectTypeOf(consumer(name, '/route/', textCodec, handlers)).toEqualTypeOf<Consumer>();
});

it('wants both handlers, or a pipeline', () => {
  // @ts-expect-error change is missing
  consumer('a', '', textCodec, { resync: () => undefined });
  // @ts-expect-error a pipeline returns an Observable
  consumer('a', '', textCodec, () => 5);
  // @ts-expect-error the values are texts
  consumer('a', '', textCodec, { ...handlers, resync: ({ entries }) => entries.items[0]?.value.mtu });
});

it('unknown options are refused', () => {
  consumer('a', '', textCodec, handlers, { required: false, timeout: 5, onFailure: 'retry', retry: { count: 2 } });
  // @ts-expect-error a connection is stable, a consumer is not
  consumer('a', '', textCodec, handlers, { retry: { stable: 5 } });
  // @ts-expect-error no such option
  consumer('a', '', textCodec, handlers, { optional: true });
});
