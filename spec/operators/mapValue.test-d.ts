import { type DatasyncEvent, mapValue, type Source } from 'rx-datasync';
import { type OperatorFunction, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;

it('mapValue infers both types', () => {
  const mapped = source.pipe(
    mapValue((value, key) => {
      expectTypeOf(value).toEqualTypeOf<{ n: number }>();
      expectTypeOf(key).toBeString();
      return [value.n];
    }),
  );
  expectTypeOf(mapped).toEqualTypeOf<Source<number[]>>();
  expectTypeOf(mapValue((value: string) => value.length)).toEqualTypeOf<
    OperatorFunction<DatasyncEvent<string>, DatasyncEvent<number>>
  >();
});

it('wants a function of the value', () => {
  // @ts-expect-error the values are objects
  source.pipe(mapValue((value: number) => value));
  // @ts-expect-error a name of a field is none
  source.pipe(mapValue('n'));
});

it('wants events', () => {
  // @ts-expect-error a number is none
  of(1).pipe(mapValue((value: number) => value));
});
