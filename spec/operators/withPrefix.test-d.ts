import { type DatasyncEvent, type Source, withPrefix } from 'rx-datasync';
import { type MonoTypeOperatorFunction, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;

it('withPrefix keeps the type of the values', () => {
  expectTypeOf(source.pipe(withPrefix('/a/'))).toEqualTypeOf<Source<{ n: number }>>();
  expectTypeOf(withPrefix<number>('')).toEqualTypeOf<MonoTypeOperatorFunction<DatasyncEvent<number>>>();
});

it('takes one prefix', () => {
  // @ts-expect-error a list of them is for sources
  source.pipe(withPrefix(['/a/', '/b/']));
  // @ts-expect-error it is required
  source.pipe(withPrefix());
});

it('wants events', () => {
  // @ts-expect-error a text is none
  of('x').pipe(withPrefix('/a/'));
});
