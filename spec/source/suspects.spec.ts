import { describe, expect, it } from 'vitest';
import { type ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { Snapshot } from '../../lib/model/snapshot.ts';
import type { ResyncDiff } from '../../lib/model/values.ts';
import { amended, Suspects } from '../../lib/source/suspects.ts';
import { notation } from '../../lib/testing/notation.ts';

const nothing: ResyncDiff<number> = { added: [], changed: [], removed: [] };
const event = (text: string) => notation.parse<number>(text) as ChangeEvent<number>;

/** What a resync that holds `now` says, whose own diff is `own`. */
function named(suspects: Suspects<number>, now: Record<string, number>, own: ResyncDiff<number> = nothing) {
  const entries = new Snapshot(Object.entries(now).map(([key, value]) => ({ key, value, revision: 9 })));
  const { diff, clear } = suspects.amend(own, entries);
  const texts = [
    ...diff.added.map(({ key, value }) => `+${key}:${value}`),
    ...diff.changed.map(({ key, value, prevValue }) => `${key}:${prevValue}>${value}`),
    ...diff.removed.map(({ key, prevValue }) => `!${key}:${prevValue}`),
  ];
  return { texts, clear };
}

describe('Suspects', () => {
  it.each([
    ['x:1>2@8', { x: 2 }, ['x:1>2'], 'changed, as the store holds it now'],
    ['x:1>2@8', { x: 1 }, ['x:1>1'], 'changed also when it is equal'],
    ['x:1>2@8', {}, ['!x:1'], 'removed, with the value before'],
    ['+x:2@8', { x: 3 }, ['+x:3'], 'added when it was absent'],
    ['+x:2@8', {}, ['!x:2'], 'removed with the value told since, when it was absent'],
    ['!x:1@8', {}, ['!x:1'], 'a deletion is told again'],
    ['!x:1@8', { x: 1 }, ['x:1>1'], 'a deletion that was undone is changed'],
    ['x:1>2,!y:1,+z:1@8', { z: 2 }, ['+z:2', '!x:1', '!y:1'], 'all keys of a transaction'],
  ] as [string, Record<string, number>, string[], string][])('%s, now %j: %j (%s)', (change, now, expected) => {
    const suspects = new Suspects<number>();
    suspects.add(event(change));
    expect(named(suspects, now).texts).toEqual(expected);
  });

  it('of a resync are the keys of its diff, not all of its entries', () => {
    const suspects = new Suspects<number>();
    suspects.add(notation.parse<number>('{x:1>2 y:1 +z:1 !w:1}@8 requested') as ResyncEvent<number>);
    expect(suspects.size).toBe(3);
    expect(named(suspects, { x: 2, y: 1, z: 1 }).texts).toEqual(['+z:1', 'x:1>2', '!w:1']);
  });

  it('keep what was there before the first of several', () => {
    const suspects = new Suspects<number>();
    suspects.add(event('x:1>2@8'));
    suspects.add(event('x:2>3@9'));
    expect(named(suspects, { x: 3 }).texts).toEqual(['x:1>3']);
    suspects.add(event('!x:3@10'));
    expect(named(suspects, {}).texts).toEqual(['!x:1']);
    const fresh = new Suspects<number>();
    fresh.add(event('+x:1@8'));
    fresh.add(event('x:1>2@9'));
    expect(named(fresh, {}).texts).toEqual(['!x:2']);
    expect(named(fresh, { x: 5 }).texts).toEqual(['+x:5']);
  });

  it('know what a resync has told of them', () => {
    const suspects = new Suspects<number>();
    suspects.addUntold(event('+x:1@8'));
    expect(named(suspects, { x: 5 }).texts).toEqual(['+x:5']);
    // It failed, and the key is gone: the consumer may hold 5.
    expect(named(suspects, {}).texts).toEqual(['!x:5']);
  });

  it('that were absent before are removed with the last value that a change told of them; a delete told none', () => {
    const suspects = new Suspects<number>();
    suspects.add(event('+x:2,+y:2@8'));
    suspects.told(event('x:2>5,!y:2,z:1>7@9'));
    expect(named(suspects, {}).texts).toEqual(['!x:5', '!y:2']);
  });

  it('a change that was thrown away leaves the consumer with what it held', () => {
    const suspects = new Suspects<number>();
    suspects.addUntold(event('+x:1@8'));
    expect(named(suspects, {}).texts).toEqual([]);
    expect(named(suspects, { x: 2 }).texts).toEqual(['+x:2']);
    suspects.addUntold(event('x:1>2@9'));
    expect(named(suspects, { x: 2 }).texts).toEqual(['+x:2']);
    suspects.addUntold(event('y:1>2@9'));
    expect(named(suspects, { x: 2 }).texts).toEqual(['+x:2', '!y:1']);
  });

  it('a change that was thrown away says what was told since, the ones behind it do not', () => {
    const suspects = new Suspects<number>(false);
    // Noted late: 5 was told in between.
    suspects.add(notation.parse<number>('{!x}@8 requested') as ResyncEvent<number>);
    suspects.addUntold(event('!x:5@10'));
    expect(named(suspects, {}).texts).toEqual(['!x:5']);
    const behind = new Suspects<number>(false);
    behind.add(notation.parse<number>('{!x}@8 requested') as ResyncEvent<number>);
    behind.addUntold(event('+x:6@9'));
    behind.addUntold(event('!x:6@10'));
    expect(named(behind, {}).texts).toEqual([]);
  });

  it('the previous value in a diff from above is not taken over: it may have been thrown away', () => {
    const own = { ...nothing, removed: [{ key: 'x', prevValue: 2 }] };
    for (const [ownDiffs, told] of [
      [true, '!x:2'],
      [false, '!x:undefined'],
    ] as const) {
      const suspects = new Suspects<number>(ownDiffs);
      suspects.add(notation.parse<number>('{!x}@8 requested') as ResyncEvent<number>);
      expect(named(suspects, {}, own).texts).toEqual([told]);
    }
  });

  it('amend the diff of the resync itself: what it says of others stays, a removed is never taken out', () => {
    const suspects = new Suspects<number>();
    suspects.add(event('x:1>2,+a:1,!b:1,c:5>6@8'));
    const own: ResyncDiff<number> = {
      added: [
        { key: 'b', value: 7, revision: 9 },
        { key: 'n', value: 1, revision: 9 },
      ],
      changed: [
        { key: 'x', value: 3, revision: 9, prevValue: 2 },
        { key: 'm', value: 2, revision: 9, prevValue: 1 },
      ],
      removed: [
        { key: 'a', prevValue: 1 },
        { key: 'o', prevValue: 1 },
        { key: 'c', prevValue: 6 },
      ],
    };
    expect(named(suspects, { x: 3, b: 7, n: 1, m: 2 }, own).texts).toEqual([
      '+n:1',
      'm:1>2',
      'x:1>3',
      'b:1>7',
      '!a:1',
      '!o:1',
      '!c:5',
    ]);
  });

  it('none: the diff is the one that was given', () => {
    const { diff, clear } = new Suspects<number>().amend(nothing, new Snapshot<number>([]));
    clear();
    expect(diff).toBe(nothing);
  });

  it('are cleared by the resync that named them, and no others', () => {
    const suspects = new Suspects<number>();
    suspects.add(event('x:1>2,y:1>2@8'));
    const { clear } = named(suspects, { x: 2, y: 2 });
    suspects.add(event('y:2>3,z:1>2@9'));
    clear();
    expect(suspects.size).toBe(2);
    expect(named(suspects, { x: 2, y: 3, z: 2 }).texts).toEqual(['y:1>3', 'z:1>2']);
    clear();
    expect(suspects.size).toBe(2);
  });

  it('a resync that is amended is the same event with another diff, and the same one where nothing is suspect', () => {
    const suspects = new Suspects<number>();
    const resync = ResyncEvent.of({ x: 2 }, 9, { epoch: 3, reason: 'requested' });
    expect(amended(resync, suspects).event).toBe(resync);
    suspects.add(event('x:1>2@8'));
    const { event: told, clear } = amended(resync, suspects);
    expect(notation.format(told)).toBe('{x:1>2}@9 requested');
    expect(told).toMatchObject({ epoch: 3, entries: resync.entries });
    clear();
    expect(suspects.size).toBe(0);
  });
});
