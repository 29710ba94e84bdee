import { type DatasyncEvent, type Source, toState } from 'rx-datasync';
import { type Observable, type OperatorFunction, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;

it('toState makes a Map to read', () => {
  expectTypeOf(source.pipe(toState())).toEqualTypeOf<Observable<ReadonlyMap<string, { n: number }>>>();
  expectTypeOf(toState<number>()).toEqualTypeOf<OperatorFunction<DatasyncEvent<number>, ReadonlyMap<string, number>>>();
});

it('that nobody writes to', () => {
  // @ts-expect-error no set
  source.pipe(toState()).subscribe((state) => state.set('x', { n: 1 }));
});

it('wants events', () => {
  // @ts-expect-error a Map is none
  of(new Map()).pipe(toState());
});
