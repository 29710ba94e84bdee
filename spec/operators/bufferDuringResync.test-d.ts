import { bufferDuringResync, type ChangeEvent, type DatasyncEvent, type ResyncEvent, type Source } from 'rx-datasync';
import { EMPTY, type MonoTypeOperatorFunction, type Observable, of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<number>;
declare const changes: Observable<ChangeEvent<number>>;

it('bufferDuringResync keeps the type of the values', () => {
  expectTypeOf(source.pipe(bufferDuringResync())).toEqualTypeOf<Source<number>>();
  expectTypeOf(bufferDuringResync<number>()).toEqualTypeOf<MonoTypeOperatorFunction<DatasyncEvent<number>>>();
});

it('takes a half of a source', () => {
  expectTypeOf(changes.pipe(bufferDuringResync())).toExtend<Source<number>>();
});

it('until is given the resync, and returns anything rxjs takes', () => {
  source.pipe(
    bufferDuringResync((resync) => {
      expectTypeOf(resync).toEqualTypeOf<ResyncEvent<number>>();
      return of(1);
    }),
  );
  source.pipe(bufferDuringResync(() => Promise.resolve()));
  source.pipe(bufferDuringResync(() => EMPTY));
  // @ts-expect-error a number of milliseconds is no notifier
  source.pipe(bufferDuringResync(() => 5));
  // @ts-expect-error nor are options
  source.pipe(bufferDuringResync({ until: () => EMPTY }));
});

it('wants events', () => {
  // @ts-expect-error numbers are none
  of(1).pipe(bufferDuringResync());
});
