import { deepStrictEqual, notDeepStrictEqual } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, type DatasyncEvent, own, ResyncEvent } from '../../lib/model/events.ts';
import { Snapshot } from '../../lib/model/snapshot.ts';
import { recordedAck } from './support.ts';

describe('ResyncEvent.of', () => {
  it('is counted by nobody, and tells everything as new', () => {
    const event = ResyncEvent.of({ x: 1, y: 2 }, 7);
    const items = [
      { key: 'x', value: 1, revision: 7 },
      { key: 'y', value: 2, revision: 7 },
    ];
    expect({ ...event }).toStrictEqual({
      type: 'resync',
      epoch: 0,
      revision: 7,
      reason: 'initial',
      prefixes: [''],
      entries: new Snapshot(items),
      diff: { added: items, changed: [], removed: [] },
      rejected: [],
    });
  });

  it('takes pairs too, for keys that objects put in another order', () => {
    const pairs = [
      ['b', 1],
      ['10', 2],
      ['9', 3],
    ] as const;
    expect(ResyncEvent.of(pairs, 1).entries.items.map(({ key }) => key)).toEqual(['b', '10', '9']);
    expect(ResyncEvent.of(new Map(pairs), 1)).toStrictEqual(ResyncEvent.of(pairs, 1));
  });

  it('may be empty, and at revision 0', () => {
    const event = ResyncEvent.of({});
    expect([event.revision, event.entries.size, event.diff.added]).toEqual([0, 0, []]);
  });

  it('says what differs', () => {
    const error = new DatasyncError('DECODE_FAILED', 'bad');
    const rejected = [{ key: 'x', raw: undefined, error }];
    const event = ResyncEvent.of({}, 3, { epoch: 2, reason: 'regressed', prefixes: ['/a/'], rejected });
    expect(event).toMatchObject({ epoch: 2, reason: 'regressed', prefixes: ['/a/'], rejected });
  });
});

describe('ChangeEvent factories', () => {
  it('one put, one delete, a transaction', () => {
    const put = { op: 'put', key: 'x', value: 1, prevValue: undefined, revision: 8 } as const;
    const gone = { op: 'delete', key: 'y', prevValue: undefined, revision: 8 } as const;
    const rest = { type: 'change', epoch: 0, revision: 8, rejected: [], coalesced: false };
    expect({ ...ChangeEvent.put('x', 1, 8) }).toStrictEqual({ ...rest, changes: [put] });
    expect({ ...ChangeEvent.delete('y', 8) }).toStrictEqual({ ...rest, changes: [gone] });
    const both = ChangeEvent.of<number>([put, gone], 8, { epoch: 3, coalesced: true });
    expect({ ...both }).toStrictEqual({ ...rest, changes: [put, gone], epoch: 3, coalesced: true });
  });
});

describe('what no store could tell is not made by hand either', () => {
  const put = { op: 'put', key: 'x', value: 1, prevValue: undefined, revision: 1 } as const;
  const rejected = [{ key: 'x', raw: undefined, error: new DatasyncError('DECODE_FAILED', 'no') }];

  it.each<[string, () => unknown]>([
    ['nothing', () => ChangeEvent.of([], 1)],
    ['a key that stands there twice', () => ChangeEvent.of([put, { ...put, value: 2 }], 1)],
    ['a key that stands there twice', () => ResyncEvent.of([['x', 1] as const, ['x', 2] as const], 1)],
  ])('%s', (what, make) => {
    expect(make).toThrow(`[rx-datasync] an event cannot be made of ${what}`);
  });

  it('but of what is only rejected', () => {
    expect(ChangeEvent.of([], 1, { rejected })).toMatchObject({ changes: [], rejected });
    expect(ResyncEvent.of({ x: 1 }, 1, { rejected }).entries.size).toBe(1);
  });
});

describe('with', () => {
  const resync = ResyncEvent.of({ x: 1 }, 1);
  const change = ChangeEvent.put('x', 2, 2);

  it('replaces some fields, and leaves the event as it was', () => {
    expect(resync.with({ reason: 'nacked', epoch: 2 })).toMatchObject({
      type: 'resync',
      reason: 'nacked',
      epoch: 2,
      revision: 1,
    });
    expect(change.with({ coalesced: true })).toMatchObject({ type: 'change', coalesced: true, revision: 2 });
    expect([resync.reason, change.coalesced]).toEqual(['initial', false]);
  });

  it('of nothing is an equal event', () => {
    expect(resync.with({})).toStrictEqual(resync);
    expect(change.with({})).toStrictEqual(change);
    expect(resync.with({})).toBeInstanceOf(ResyncEvent);
    expect(change.with({})).toBeInstanceOf(ChangeEvent);
  });

  it('takes another type of value', () => {
    const text = change.with<string>({
      changes: [{ op: 'put', key: 'x', value: 'two', prevValue: 'one', revision: 2 }],
      rejected: [],
    });
    expect(text).toMatchObject({ revision: 2, changes: [{ value: 'two', prevValue: 'one' }] });
  });
});

describe('equality is by the data alone, for vitest and for node:assert', () => {
  const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
  const failed = (code: 'DECODE_FAILED' | 'PARSE_FAILED') => new DatasyncError(code, 'bad', { key: 'x', line: 1 });
  const withAck = <E extends DatasyncEvent<unknown>>(event: E) => own(event, recordedAck().ack);

  const equal: [name: string, a: unknown, b: unknown][] = [
    ['two resyncs', ResyncEvent.of({ x: 1 }, 1), ResyncEvent.of({ x: 1 }, 1)],
    ['two changes', ChangeEvent.put('x', { n: [1] }, 1), ChangeEvent.put('x', { n: [1] }, 1)],
    ['with and without an ack', withAck(ResyncEvent.of({ x: 1 }, 1)), ResyncEvent.of({ x: 1 }, 1)],
    ['with two acks', withAck(ChangeEvent.delete('x', 1)), withAck(ChangeEvent.delete('x', 1))],
    ['bytes', ChangeEvent.put('x', bytes(1, 2), 1), ChangeEvent.put('x', bytes(1, 2), 1)],
    ['errors', { error: failed('DECODE_FAILED') }, { error: failed('DECODE_FAILED') }],
  ];
  it.each(equal)('%s are equal', (_, a, b) => {
    expect(a).toEqual(b);
    expect(a).toStrictEqual(b);
    deepStrictEqual(a, b);
  });

  const rejected = (code: 'DECODE_FAILED' | 'PARSE_FAILED') =>
    ResyncEvent.of({}, 1, { rejected: [{ key: 'x', raw: undefined, error: failed(code) }] });
  const different: [name: string, a: unknown, b: unknown][] = [
    ['values', ResyncEvent.of({ x: 1 }, 1), ResyncEvent.of({ x: 2 }, 1)],
    ['keys', ResyncEvent.of({ x: 1 }, 1), ResyncEvent.of({ y: 1 }, 1)],
    ['a key more', ResyncEvent.of({ x: 1 }, 1), ResyncEvent.of({ x: 1, y: 1 }, 1)],
    ['revisions', ChangeEvent.put('x', 1, 1), ChangeEvent.put('x', 1, 2)],
    ['operations', ChangeEvent.put('x', undefined, 1), ChangeEvent.delete('x', 1)],
    ['types', ResyncEvent.of({}, 1), ChangeEvent.delete('x', 1)],
    ['an event and its data', ChangeEvent.put('x', 1, 1), { ...ChangeEvent.put('x', 1, 1) }],
    ['the order of entries', ResyncEvent.of({ x: 1, y: 1 }, 1), ResyncEvent.of({ y: 1, x: 1 }, 1)],
    ['bytes', ChangeEvent.put('x', bytes(1), 1), ChangeEvent.put('x', bytes(2), 1)],
    ['the codes of errors', rejected('DECODE_FAILED'), rejected('PARSE_FAILED')],
  ];
  it.each(different)('%s count', (_, a, b) => {
    expect(a).not.toStrictEqual(b);
    notDeepStrictEqual(a, b);
  });

  it('looking at a snapshot does not change it', () => {
    const looked = ResyncEvent.of({ y: 1, x: 2 }, 1);
    looked.entries.sorted();
    looked.entries.get('x');
    expect(looked).toStrictEqual(ResyncEvent.of({ y: 1, x: 2 }, 1));
    deepStrictEqual(looked, ResyncEvent.of({ y: 1, x: 2 }, 1));
  });

  it('spread makes no event: the ack could not be lost that way unseen', () => {
    const spread: object = { ...withAck(ChangeEvent.put('x', 1, 1)) };
    expect(spread).not.toHaveProperty('done');
    expect(Object.keys(spread)).toEqual(['type', 'epoch', 'revision', 'changes', 'rejected', 'coalesced']);
  });
});
