import {
  ChangeEvent,
  type DatasyncEvent,
  type KeyValue,
  type Outcome,
  ResyncEvent,
  Snapshot,
  type Source,
} from 'rx-datasync';
import type { Observable } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';

declare const event: DatasyncEvent<number>;

describe('events', () => {
  it('are told apart by type, completely', () => {
    expectTypeOf<DatasyncEvent<number>['type']>().toEqualTypeOf<'resync' | 'change'>();
    if (event.type === 'resync') expectTypeOf(event).toEqualTypeOf<ResyncEvent<number>>();
    else expectTypeOf(event).toEqualTypeOf<ChangeEvent<number>>();
  });

  it('a put has a value, a delete has none', () => {
    const [change] = ChangeEvent.put('x', 1, 2).changes;
    if (change?.op === 'put') expectTypeOf(change.value).toEqualTypeOf<number>();
    // @ts-expect-error a delete has no value
    if (change?.op === 'delete') change.value;
    expectTypeOf(change!.prevValue).toEqualTypeOf<number | undefined>();
  });

  it('a source is an Observable of them', () => {
    expectTypeOf<Source<number>>().toEqualTypeOf<Observable<DatasyncEvent<number>>>();
  });

  it('spread does not make one: the ack would be lost', () => {
    const change = ChangeEvent.put('x', 1, 2);
    // @ts-expect-error done, fail, claim and with are missing
    const spread: ChangeEvent<number> = { ...change, revision: 3 };
    void spread;
  });

  it('are read only', () => {
    // @ts-expect-error a field
    event.revision = 3;
    // @ts-expect-error an array
    event.rejected.push();
    // @ts-expect-error a snapshot
    if (event.type === 'resync') event.entries.items.pop();
  });

  it('of a narrower value fit a wider one', () => {
    expectTypeOf<DatasyncEvent<1>>().toExtend<DatasyncEvent<number>>();
    expectTypeOf<ChangeEvent<never>>().toExtend<ChangeEvent<number>>();
    expectTypeOf<DatasyncEvent<number>>().not.toExtend<DatasyncEvent<string>>();
  });
});

describe('with', () => {
  const change = ChangeEvent.put('x', 1, 2);
  const resync = ResyncEvent.of({ x: 1 }, 1);

  it('of the same values takes any fields', () => {
    expectTypeOf(change.with({ revision: 3 })).toEqualTypeOf<ChangeEvent<number>>();
    expectTypeOf(resync.with({ reason: 'nacked', epoch: 2 })).toEqualTypeOf<ResyncEvent<number>>();
    // @ts-expect-error no such reason
    resync.with({ reason: 'because' });
    // @ts-expect-error no such field
    change.with({ key: 'x' });
  });

  it('of other values needs all fields that carry them', () => {
    const texts = change.with<string>({ changes: [], rejected: [] });
    expectTypeOf(texts).toEqualTypeOf<ChangeEvent<string>>();
    // @ts-expect-error `rejected` may hold numbers
    change.with<string>({ changes: [] });
    // @ts-expect-error so may `diff` and `rejected`
    resync.with<string>({ entries: new Snapshot<string>([]) });
  });
});

describe('factories', () => {
  it('infer the values', () => {
    expectTypeOf(ResyncEvent.of({ x: 1 }, 7)).toEqualTypeOf<ResyncEvent<number>>();
    expectTypeOf(ResyncEvent.of(new Map([['x', 'text']]))).toEqualTypeOf<ResyncEvent<string>>();
    expectTypeOf(ChangeEvent.put('x', { n: 1 }, 7)).toEqualTypeOf<ChangeEvent<{ n: number }>>();
    expectTypeOf(ChangeEvent.delete('x', 7)).toEqualTypeOf<ChangeEvent<never>>();
    expectTypeOf(ResyncEvent.of({ x: 1 }).entries.get('x')).toEqualTypeOf<KeyValue<number> | undefined>();
  });
});

describe('outcomes', () => {
  it('only failed has an error', () => {
    expectTypeOf<Outcome['type']>().toEqualTypeOf<
      'failed' | 'timedOut' | 'cancelled' | 'superseded' | 'applied' | 'delivered'
    >();
    expectTypeOf<Extract<Outcome, { type: 'failed' }>['error']>().toBeUnknown();
    const outcome = {} as Outcome;
    // @ts-expect-error nothing was thrown
    if (outcome.type === 'applied') outcome.error;
  });
});
