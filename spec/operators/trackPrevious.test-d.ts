import {
  bufferDuringResync,
  type ChangeEvent,
  type DatasyncEvent,
  filterByRevision,
  type ResyncEvent,
  type Source,
  trackPrevious,
} from 'rx-datasync';
import { type MonoTypeOperatorFunction, merge, type Observable, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<string>;
declare const list: Observable<ResyncEvent<string>>;
declare const watch: Observable<ChangeEvent<string>>;

it('trackPrevious keeps the type of the values', () => {
  expectTypeOf(source.pipe(trackPrevious())).toEqualTypeOf<Source<string>>();
  expectTypeOf(trackPrevious<number>()).toEqualTypeOf<MonoTypeOperatorFunction<DatasyncEvent<number>>>();
});

it('composes list and watch into a source', () => {
  const composed = merge(watch, list).pipe(bufferDuringResync(), filterByRevision(), trackPrevious());
  expectTypeOf(composed).toEqualTypeOf<Source<string>>();
});

it('wants events', () => {
  // @ts-expect-error texts are none
  of('x').pipe(trackPrevious());
});
