import { type DatasyncEvent, type Source, shareResync } from 'rx-datasync';
import { type MonoTypeOperatorFunction, type Observable, of, timer } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const source: Source<{ n: number }>;

it('shareResync passes the same events', () => {
  expectTypeOf(source.pipe(shareResync())).toEqualTypeOf<Observable<DatasyncEvent<{ n: number }>>>();
  expectTypeOf(shareResync<number>()).toEqualTypeOf<MonoTypeOperatorFunction<DatasyncEvent<number>>>();
});

it('the reset options are as in rxjs share', () => {
  shareResync({ resetOnRefCountZero: () => timer(1), resetOnComplete: false, resetOnError: () => of(1) });
  // @ts-expect-error no such option
  shareResync({ resetOnRefCount: true });
  // @ts-expect-error no such word
  shareResync({ acks: 'some' });
});

it('wants events', () => {
  // @ts-expect-error a number is none
  of(1).pipe(shareResync());
});
