import { type DatasyncEvent, distinctValue, type Source } from 'rx-datasync';
import { type MonoTypeOperatorFunction, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;

it('distinctValue keeps the type of the values', () => {
  expectTypeOf(source.pipe(distinctValue())).toEqualTypeOf<Source<{ n: number }>>();
  expectTypeOf(distinctValue<number>()).toEqualTypeOf<MonoTypeOperatorFunction<DatasyncEvent<number>>>();
});

it('the comparator is given two values', () => {
  const compared = source.pipe(
    distinctValue((told, value) => {
      expectTypeOf(told).toEqualTypeOf<{ n: number }>();
      expectTypeOf(value).toEqualTypeOf<{ n: number }>();
      return told.n === value.n;
    }),
  );
  expectTypeOf(compared).toEqualTypeOf<Source<{ n: number }>>();
});

it('wrong use does not compile', () => {
  // @ts-expect-error values of another type
  source.pipe(distinctValue((told: string, value: string) => told === value));
  // @ts-expect-error a comparator says true or false
  source.pipe(distinctValue(() => 'equal'));
  // @ts-expect-error no options
  source.pipe(distinctValue({ comparator: () => true }));
  // @ts-expect-error a revision is not enough
  of({ revision: 1 }).pipe(distinctValue());
});
