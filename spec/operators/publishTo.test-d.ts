import { type AckResult, type Broker, type DatasyncEvent, publishTo, type Source } from 'rx-datasync';
import type { Observable, OperatorFunction } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;
declare const broker: Broker<{ n: number }>;

it('publishTo tells each event with its outcome', () => {
  expectTypeOf(source.pipe(publishTo(broker))).toEqualTypeOf<Observable<AckResult<{ n: number }>>>();
  expectTypeOf(publishTo<number>({})).toEqualTypeOf<OperatorFunction<DatasyncEvent<number>, AckResult<number>>>();
});

it('takes one broker, an array, or several by name', () => {
  source.pipe(publishTo([broker, broker]));
  source.pipe(publishTo({ etcd: broker, copy: broker }, { timeout: 1_000, concurrency: 4 }));
});

it('wrong use does not compile', () => {
  const texts = undefined as unknown as Broker<string>;
  // @ts-expect-error values of another type
  source.pipe(publishTo(texts));
  // @ts-expect-error one of them has values of another type
  source.pipe(publishTo({ etcd: broker, copy: texts }));
  // @ts-expect-error no broker
  source.pipe(publishTo());
  // @ts-expect-error not known
  source.pipe(publishTo(broker, { retry: 3 }));
});
