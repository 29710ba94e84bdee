import { type DatasyncEvent, filterByRevision, type Source } from 'rx-datasync';
import { type MonoTypeOperatorFunction, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;

it('filterByRevision keeps the type of the values', () => {
  expectTypeOf(source.pipe(filterByRevision())).toEqualTypeOf<Source<{ n: number }>>();
  expectTypeOf(filterByRevision<number>()).toEqualTypeOf<MonoTypeOperatorFunction<DatasyncEvent<number>>>();
});

it('takes nothing', () => {
  // @ts-expect-error no options
  source.pipe(filterByRevision({ base: 1 }));
});

it('wants events', () => {
  // @ts-expect-error a revision is not enough
  of({ revision: 1 }).pipe(filterByRevision());
});
