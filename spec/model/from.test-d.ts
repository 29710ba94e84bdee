import {
  type AckResult,
  ackWithCallback,
  bufferDuringResync,
  type ChangeEvent,
  type DatasyncEvent,
  filterByRevision,
  type KeyValue,
  type Source,
  toState,
} from 'rx-datasync';
import type { Observable } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

type Names = 'files' | 'memory';
declare const merged: Source<number, Names>;
declare const event: DatasyncEvent<number, Names>;

it('an entry and a change say by name whose they are', () => {
  expectTypeOf<KeyValue<number, Names>['from']>().toEqualTypeOf<Names | undefined>();
  if (event.type === 'resync') {
    expectTypeOf(event.entries.get('x')?.from).toEqualTypeOf<Names | undefined>();
    expectTypeOf(event.entries.under('x')[0]?.from).toEqualTypeOf<Names | undefined>();
    expectTypeOf(event.diff.added[0]?.from).toEqualTypeOf<Names | undefined>();
    expectTypeOf(event.diff.changed[0]?.from).toEqualTypeOf<Names | undefined>();
    expectTypeOf(event.with({ epoch: 1 }).entries.items[0]?.from).toEqualTypeOf<Names | undefined>();
  } else {
    expectTypeOf(event.changes[0]?.from).toEqualTypeOf<Names | undefined>();
    expectTypeOf(event.with({ epoch: 1 }).changes[0]?.from).toEqualTypeOf<Names | undefined>();
  }
});

it('a merged event is an event, to whom names are texts', () => {
  expectTypeOf(event).toExtend<DatasyncEvent<number>>();
  expectTypeOf<DatasyncEvent<number>>().not.toExtend<typeof event>();
  expectTypeOf<Source<number>>().toEqualTypeOf<Source<number, string>>();
  expectTypeOf(merged.pipe(toState())).toEqualTypeOf<Observable<ReadonlyMap<string, number>>>();
});

it('the names go through the operators', () => {
  expectTypeOf(merged.pipe(bufferDuringResync())).toEqualTypeOf<Source<number, Names>>();
  expectTypeOf(merged.pipe(filterByRevision())).toEqualTypeOf<Source<number, Names>>();
  const change = (one: ChangeEvent<number, Names>): void => void one;
  const done = merged.pipe(bufferDuringResync(), ackWithCallback({ resync: () => undefined, change }));
  expectTypeOf(done).toEqualTypeOf<Observable<AckResult<number, Names>>>();
});
