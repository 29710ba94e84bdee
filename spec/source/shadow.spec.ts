import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import type { RawChange, RawEntry } from '../../lib/source/frames.ts';
import { type Committed, Shadow, type Step } from '../../lib/source/shadow.ts';
import { bad, entries, raw } from '../../lib/testing/frames.ts';

const everything = [''];
const shadowOf = () => new Shadow<number>(jsonCodec<number>(), 'spec');

/** A shadow that holds `values`, each at revision 1. */
function holding(values: Record<string, unknown>, prefixes = everything): Shadow<number> {
  const shadow = shadowOf();
  shadow.stage(entries(values), prefixes, 1);
  shadow.commit(prefixes, prefixes, 1);
  return shadow;
}

const own = (key: string, value: unknown, revision: number): RawEntry => ({ key, value: raw(value), revision });
const put = (key: string, value: unknown, revision?: number): RawChange => ({
  op: 'put',
  key,
  value: raw(value),
  ...(revision === undefined ? {} : { revision }),
});
const del = (key: string): RawChange => ({ op: 'delete', key });

/** `x: 1 → 2 @8`; `-` is absent, `?` undecodable. */
function texts(steps: Committed<number>): string[] | 'everything' {
  const shown = (held: Step<number>['after']) => {
    if (held === undefined) return '-';
    return `${held.good?.value ?? ''}${held.error === undefined ? '' : '?'}`;
  };
  if (steps === 'everything') return steps;
  return steps.map(({ key, before, after, revision }) => `${key}: ${shown(before)} → ${shown(after)} @${revision}`);
}

const view = (shadow: Shadow<number>) =>
  Object.fromEntries(shadow.snapshot().items.map(({ key, value, revision }) => [key, `${value}@${revision}`]));

describe('a listing', () => {
  it('is invisible until it is committed, and then seen in one step', () => {
    const shadow = holding({ x: 1, gone: 1 });
    const before = shadow.snapshot();
    shadow.stage(entries({ x: 2 }), everything, 5);
    shadow.stage(entries({ y: 1 }), everything, 5);
    expect(shadow.snapshot()).toBe(before);
    expect(texts(shadow.commit(everything, everything, 5))).toEqual(['x: 1 → 2 @5', 'y: - → 1 @5', 'gone: 1 → - @5']);
    expect(view(shadow)).toEqual({ x: '2@5', y: '1@5' });
    expect(before.size).toBe(2);
  });

  it('the first one is everything: there is no list of its steps', () => {
    const shadow = shadowOf();
    shadow.stage(entries({ x: 1 }), everything, 5);
    expect(shadow.commit(everything, everything, 5)).toBe('everything');
    expect(view(shadow)).toEqual({ x: '1@5' });
  });

  it('that breaks leaves no trace', () => {
    const shadow = holding({ x: 1, y: 1 });
    shadow.stage(entries({ x: 2, new: 1 }), everything, 5);
    shadow.discard();
    expect(view(shadow)).toEqual({ x: '1@1', y: '1@1' });
    // Not even in what the next one sees: `y` was not marked, `x` not changed, `new` never was.
    shadow.stage(entries({ x: 1 }), everything, 6);
    expect(texts(shadow.commit(everything, everything, 6))).toEqual(['y: 1 → - @6']);
    const fresh = shadowOf();
    fresh.stage(entries({ x: 1 }), everything, 1);
    fresh.discard();
    expect([fresh.commit(everything, everything, 1), view(fresh)]).toEqual(['everything', {}]);
  });

  it('of nothing, or of nothing under the prefixes, deletes all', () => {
    const shadow = holding({ x: 1 });
    expect(texts(shadow.commit(everything, everything, 5))).toEqual(['x: 1 → - @5']);
    const narrow = holding({ 'a/x': 1 }, ['a/']);
    narrow.stage(entries({ 'b/x': 1 }), ['a/'], 5);
    narrow.stage([], ['a/'], 5);
    expect(texts(narrow.commit(['a/'], ['a/'], 5))).toEqual(['a/x: 1 → - @5']);
  });

  it('the same again changes nothing, and keeps every object', () => {
    const shadow = holding({ x: 1, y: 1 });
    const before = shadow.snapshot();
    shadow.stage(entries({ y: 1, x: 1 }), everything, 5);
    expect(shadow.commit(everything, everything, 5)).toEqual([]);
    expect(shadow.snapshot().items.map(({ key }) => key)).toEqual(['y', 'x']);
    expect(shadow.snapshot().get('x')).toBe(before.get('x'));
  });

  it('a key that comes twice counts once, with what came later', () => {
    const shadow = shadowOf();
    shadow.stage(entries({ x: 1, y: 1 }), everything, 5);
    shadow.stage(entries({ x: 2 }), everything, 5);
    shadow.commit(everything, everything, 5);
    expect(view(shadow)).toEqual({ x: '2@5', y: '1@5' });
    shadow.stage(entries({ x: 3, y: 1 }), everything, 6);
    shadow.stage(entries({ x: 2, y: 2 }), everything, 6);
    expect(texts(shadow.commit(everything, everything, 6))).toEqual(['y: 1 → 2 @6']);
    expect(view(shadow)).toEqual({ x: '2@5', y: '2@6' });
    shadow.stage([...entries({ x: 2 }), ...entries({ x: 2 })], everything, 7);
    expect(texts(shadow.commit(everything, everything, 7))).toEqual(['y: 2 → - @7']);
  });

  it('a value and then an error is undecodable, with that value as the last good one', () => {
    const shadow = shadowOf();
    const error = new DatasyncError('DUPLICATE_KEY', 'two have it');
    shadow.stage([...entries({ x: 1 }), { key: 'x', error, raw: raw(9) }], everything, 5);
    shadow.commit(everything, everything, 5);
    expect(view(shadow)).toEqual({ x: '1@5' });
    expect(shadow.rejected().map(({ key }) => key)).toEqual(['x']);
    shadow.stage([...entries({ x: 2 }), { key: 'x', error, raw: raw(9) }], everything, 6);
    expect(texts(shadow.commit(everything, everything, 6))).toEqual(['x: 1? → 2? @6']);
  });

  it('with a scope leaves the other prefixes as they are', () => {
    const shadow = holding({ 'a/x': 1, 'b/x': 1 });
    shadow.stage(entries({ 'b/y': 1 }), ['a/', 'b/'], 5);
    expect(texts(shadow.commit(['b/'], ['a/', 'b/'], 5))).toEqual(['b/y: - → 1 @5', 'b/x: 1 → - @5']);
    expect(view(shadow)).toEqual({ 'a/x': '1@1', 'b/y': '1@5' });
  });

  it('drops what is no longer watched, whatever its scope', () => {
    const shadow = holding({ 'a/x': 1, 'b/x': 1, 'c/x': 1 });
    shadow.stage(entries({ 'c/x': 1 }), ['b/', 'c/'], 5);
    expect(texts(shadow.commit(['c/'], ['b/', 'c/'], 5))).toEqual(['a/x: 1 → - @5']);
    expect(shadow.commit([], ['b/', 'c/'], 5)).toEqual([]);
    expect(Object.keys(view(shadow))).toEqual(['b/x', 'c/x']);
  });

  it('a revision of its own makes a value another one, and is that of the key', () => {
    const shadow = shadowOf();
    shadow.stage([own('x', 1, 3), own('y', 1, 4)], everything, 9);
    shadow.commit(everything, everything, 9);
    expect(view(shadow)).toEqual({ x: '1@3', y: '1@4' });
    shadow.stage([own('x', 1, 3), own('y', 1, 11)], everything, 12);
    expect(texts(shadow.commit(everything, everything, 12))).toEqual(['y: 1 → 1 @11']);
  });

  it('what cannot be decoded keeps its last good value, and is no deletion', () => {
    const shadow = holding({ x: 1, y: bad });
    expect(shadow.rejected().map(({ key }) => key)).toEqual(['y']);
    shadow.stage(entries({ x: bad, y: bad }), everything, 5);
    expect(texts(shadow.commit(everything, everything, 5))).toEqual(['x: 1 → 1? @5']);
    expect(view(shadow)).toEqual({ x: '1@1' });
    expect(shadow.rejected()).toMatchObject([
      { key: 'y' },
      { key: 'x', lastGood: 1, error: { code: 'DECODE_FAILED' } },
    ]);
    shadow.stage(entries({ x: 1 }), everything, 6);
    expect(texts(shadow.commit(everything, everything, 6))).toEqual(['x: 1? → 1 @6', 'y: ? → - @6']);
    expect(shadow.rejected()).toEqual([]);
  });

  it('keys are compared as they are: empty, unicode, prototype names', () => {
    const odd = { '': 1, __proto__x: 1, constructor: 2, é: 3, 'e\u0301': 4, '\u{1F600}': 5 };
    const shadow = holding(odd);
    expect(Object.keys(view(shadow)).sort()).toEqual(Object.keys(odd).sort());
  });
});

describe('changes', () => {
  it('are applied at once, each with what was there before', () => {
    const shadow = holding({ x: 1, y: 1 });
    const { steps } = shadow.apply([put('x', 2), del('y'), put('n', 1, 7)], everything, 8);
    expect(texts(steps)).toEqual(['x: 1 → 2 @8', 'y: 1 → - @8', 'n: - → 1 @7']);
    expect(view(shadow)).toEqual({ x: '2@8', n: '1@7' });
  });

  it('do not touch a snapshot that was taken before', () => {
    const shadow = holding({ x: 1 });
    const before = shadow.snapshot();
    shadow.apply([put('x', 2), put('y', 1)], everything, 8);
    expect(before.items.map(({ key, value }) => [key, value])).toEqual([['x', 1]]);
    expect(shadow.snapshot()).toBe(shadow.snapshot());
  });

  it('that change nothing, or lie outside, are no steps', () => {
    const shadow = holding({ 'a/x': 1 });
    const before = shadow.snapshot();
    expect(shadow.apply([put('a/x', 1), put('b', 1), del('b')], ['a/'], 8)).toEqual({ steps: [], unknownDeletes: 0 });
    expect(shadow.snapshot()).toBe(before);
  });

  it('deletes of unknown keys are counted', () => {
    const shadow = holding({ x: 1 });
    expect(shadow.apply([del('n')], everything, 8).unknownDeletes).toBe(1);
    expect(shadow.apply([put('n', 1), del('n')], everything, 9)).toEqual({ steps: [], unknownDeletes: 0 });
    const { steps, unknownDeletes } = shadow.apply([del('x'), del('x'), del('m')], everything, 10);
    expect([texts(steps), unknownDeletes]).toEqual([['x: 1 → - @10'], 1]);
  });

  it('a key that comes twice is one step, from the first state to the last', () => {
    const shadow = holding({ x: 1, y: 1 });
    const { steps } = shadow.apply([put('x', 2), del('y'), put('x', 3), put('y', 2)], everything, 8);
    expect(texts(steps)).toEqual(['x: 1 → 3 @8', 'y: 1 → 2 @8']);
  });

  it('an error of the backend is a value that cannot be decoded', () => {
    const error = new DatasyncError('PARSE_FAILED', 'line 3');
    const shadow = holding({ x: 1 });
    const refused: RawChange = { op: 'put', key: 'x', error };
    expect(texts(shadow.apply([refused], everything, 8).steps)).toEqual(['x: 1 → 1? @8']);
    expect(shadow.apply([refused], everything, 9).steps).toEqual([]);
    expect(shadow.rejected()).toEqual([{ key: 'x', raw: undefined, error, lastGood: 1 }]);
  });
});

describe('holds', () => {
  it('says whether changes are what is there already', () => {
    const shadow = holding({ x: 1, y: bad });
    expect(shadow.holds([put('x', 1), put('y', bad), del('n')], everything)).toBe(true);
    expect(shadow.holds([put('x', 2)], everything)).toBe(false);
    expect(shadow.holds([put('x', 1, 8)], everything)).toBe(false);
    expect(shadow.holds([del('x')], everything)).toBe(false);
    expect(shadow.holds([put('n', 1)], everything)).toBe(false);
    expect(shadow.holds([put('n', 1)], ['a/'])).toBe(true);
  });
});

describe('keepOnly', () => {
  it('drops what lies outside', () => {
    const shadow = holding({ 'a/x': 1, 'b/x': 1, 'b/y': bad });
    expect(texts(shadow.keepOnly(['a/'], 9))).toEqual(['b/x: 1 → - @9', 'b/y: ? → - @9']);
    expect([view(shadow), shadow.rejected()]).toEqual([{ 'a/x': '1@1' }, []]);
    const same = shadow.snapshot();
    expect(shadow.keepOnly(['a/'], 10)).toEqual([]);
    expect(shadow.snapshot()).toBe(same);
  });
});
