import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateMap } from '../../lib/internal/stateMap.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { notation } from '../../lib/testing/notation.ts';

const strict = { strict: true };

describe('notation.matches', () => {
  it.each([
    // actual, agrees with, with strict
    ['x:2>3@8', 'x:2>3@8', true, true],
    ['x:2>3@8', 'x:3@8', true, false],
    ['x:3@8', 'x:2>3@8', false, false],
    ['x:2>3@8', '+x:3@8', false, false],
    ['x:3@8', '+x:3@8', true, true],
    ['x:3@8', 'x:3@9', false, false],
    ['x:3@8', '!x@8', false, false],
    ['x:3@8', 'x:?@8', false, false],
    ['!y:2@9', '!y@9', true, false],
    ['!y:2@9', '!y:3@9', false, false],
    ['!y@9', '!y:2@9', false, false],
    ['~x:3@8', 'x:3@8', false, false],
    ['x:1,y:2@8', 'y:2,x:1@8', true, true],
    ['x:1,y:2@8', 'x:1@8', false, false],
    ['x:1@7,y:2@8', 'x:1,y:2@8', true, false],
    ['x:1@7,y:2@8', 'x:1@6,y:2@8', false, false],
    ['x:1?@8', 'x:?@8', true, false],
    ['x:?@8', 'x:1?@8', false, false],
    ['{x:1 y:2}@7', '{y:2 x:1}@7', true, true],
    ['{x:1 y:2}@7', '{x:1}@7', false, false],
    ['{x:1}@7', '{x:1 y:2}@7', false, false],
    ['{x:1}@7 nacked', '{x:1}@7', false, false],
    ['{x:1}@7', '{x:1}@7 initial', true, true],
    ['{x:1@5}@7', '{x:1}@7', true, false],
    ['{x:1@5}@7', '{x:1@6}@7', false, false],
    ['{x:1 +y:2 !z:3}@7', '{x:1 y:2}@7', true, false],
    ['{x:1 +y:2 !z:3}@7', '{=x:1 +y:2 !z}@7', true, false],
    ['{x:1 +y:2 !z:3}@7', '{x:1 y:2 !z}@7', false, false],
    ['{x:1 +y:2 !z:3}@7', '{x:1 +y:2}@7', false, false],
    ['{x:1 +y:2 !z:3}@7', '{x:1 +y:2 !z:3}@7', true, true],
    ['{x:0>1}@7', '{x:1}@7', true, false],
    ['{x:0>1}@7', '{x:0>1}@7', true, true],
    ['{x:0>1}@7', '{x:2>1}@7', false, false],
    ['{x:0>1}@7', '{=x:1}@7', false, false],
    ['{x:0>1}@7', '{+x:1}@7', false, false],
    ['{x:1}@7', '{x:0>1}@7', false, false],
    ['{x:1 y:?}@7', '{x:1}@7', false, false],
    ['{x:1 y:2?}@7', '{x:1 y:?}@7', true, false],
    ['{x:1 y:?}@7', '{x:1 y:?}@7', true, true],
    ['{!x:1 x:?}@7', '{x:? !x:1}@7', true, true],
    ['{!x:1 x:?}@7', '{x:?}@7', true, false],
    ['{!x:1 x:?}@7', '{!x:1}@7', false, false],
    ['{x:1}', '{x:1}', true, true],
    ['{x:1}', '{x:1}@7', false, false],
    ['{x:1}@7', '{x:1}', false, false],
    ['{x:1}@7 applied', '{x:1}@7 applied', true, true],
    ['{x:1}@7 applied', '{x:1}@7 failed', false, false],
    ['{x:1}@7 applied', '{x:1}@7', false, false],
    ['x:3@8 failed(x) "no route"', 'x:3@8 failed', true, false],
    ['x:3@8 failed(y,x) "no route"', 'x:3@8 failed(x,y)', true, false],
    ['x:3@8 failed "no route"', 'x:3@8 failed "no"', false, false],
  ])('%s as %s: %s, strictly %s', (actual, text, same, strictly) => {
    expect(notation.matches(notation.parse(actual), text)).toBe(same);
    expect(notation.matches(notation.parse(actual), text, strict)).toBe(strictly);
  });

  it('compares neither epochs nor prefixes', () => {
    expect(notation.matches(ResyncEvent.of({ x: 1 }, 7, { epoch: 3, prefixes: ['x'] }), '{x:1}@7', strict)).toBe(true);
  });

  it('compares values as JSON, whatever the order of their fields', () => {
    expect(notation.matches(ChangeEvent.put('x', { b: 1, a: [2] }, 1), 'x:{"a":[2],"b":1}@1')).toBe(true);
    expect(notation.matches(ChangeEvent.put('x', new TextEncoder().encode('on'), 1), 'x:on@1')).toBe(true);
    expect(notation.matches(ChangeEvent.put('x', '1', 1), 'x:1@1')).toBe(false);
  });

  it('knows any Map as a state', () => {
    expect(notation.matches(StateMap.from([['x', 1]], 1), '{x:1}')).toBe(true);
    expect(notation.matches([['x', 1]], '{x:1}')).toBe(false);
    expect(notation.matches(undefined, '{x:1}')).toBe(false);
  });
});

describe('notation.expectation', () => {
  it('stands inside other expected values', () => {
    const events = [ResyncEvent.of({ x: 1 }, 1), ChangeEvent.put('x', 2, 2)];
    expect(events).toEqual(['{x:1}@1', 'x:2@2'].map((text) => notation.expectation(text)));
    expect(() => expect(events).toEqual(['{x:1}@1', 'x:3@2'].map((text) => notation.expectation(text)))).toThrow();
    expect(`${notation.expectation('x:2@2')}`).toBe('x:2@2');
  });

  it('is strict where asked', () => {
    expect(notation.parse('x:2>3@8')).toEqual(notation.expectation('x:3@8'));
    expect(notation.parse('x:2>3@8')).not.toEqual(notation.expectation('x:3@8', strict));
  });
});

const value = fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.parse(JSON.stringify(json)) as unknown);
const words = fc.oneof(fc.constantFrom('x', 'y', '/nodes/a', '1', '+', 'a b', '', '?', '!x', '~', '😀'), fc.string());
const revision = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const values = fc.dictionary(words, value, { maxKeys: 4, noNullPrototype: true }).map((map) => Object.entries(map));
const reason = fc.constantFrom('initial', 'nacked', 'regressed', 'prefixes');
const mark = fc.constantFrom('+', '=', '!', '>', '?', '');

const resync = fc
  .record({ values, revision, reason, marks: fc.array(mark, { minLength: 4, maxLength: 4 }), before: value })
  .map(({ values: pairs, revision: at, reason: why, marks, before }) => {
    const old = notation.format(ChangeEvent.put('x', before, 1)).slice(2, -2);
    const items = pairs.map(([key, now], i) => {
      const name = JSON.stringify(key);
      const text = JSON.stringify(now);
      const kind = marks[i];
      if (kind === '!') return `!${name}:${text}`;
      if (kind === '>') return `${name}:${old}>${text}`;
      return kind === '?' ? `${name}:${text}?` : `${kind}${name}:${text}`;
    });
    return `{${items.join(' ')}}@${at} ${why}`;
  });
const change = fc
  .record({
    values: values.filter((pairs) => pairs.length > 0),
    revision,
    coalesced: fc.boolean(),
    marks: fc.array(mark, { minLength: 4, maxLength: 4 }),
  })
  .map(({ values: pairs, revision: at, coalesced, marks }) => {
    const items = pairs.map(([key, now], i) => {
      const name = JSON.stringify(key);
      const text = JSON.stringify(now);
      if (marks[i] === '!') return `!${name}:${text}`;
      if (marks[i] === '>') return `${name}:${text}>${text}`;
      return `${name}:${text}${marks[i] === '?' ? '?' : ''}`;
    });
    return `${coalesced ? '~' : ''}${items.join(',')}@${at}`;
  });
const state = values.map(
  (pairs) => `{${pairs.map(([key, now]) => `${JSON.stringify(key)}:${JSON.stringify(now)}`).join(' ')}}`,
);
const outcome = fc
  .tuple(
    fc.oneof(resync, change),
    fc.constantFrom('applied', 'timedOut', 'failed'),
    fc.option(words, { nil: undefined }),
  )
  .map(
    ([event, word, message]) =>
      `${event} ${word}${word === 'failed' && message !== undefined ? ` ${JSON.stringify(message)}` : ''}`,
  );

describe('notation, for any keys and values', () => {
  const any = fc.oneof(resync, change, state, outcome);

  it('formats what it parses, and parses what it formats', () => {
    fc.assert(
      fc.property(any, (text) => {
        const parsed = notation.parse(text);
        const formatted = notation.format(parsed);
        assert.equal(notation.format(notation.parse(formatted)), formatted);
        assert.ok(notation.matches(parsed, formatted, strict));
        assert.ok(notation.matches(notation.parse(formatted), text, strict));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is total: any text is read, or refused with a column', () => {
    const characters = fc.constantFrom(...'{}[]:,@!~?>+="\\ x1-é😀');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: characters }), fc.string()), (text) => {
        try {
          notation.parse(text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'PARSE_FAILED');
          assert.ok(
            (error as { column: number }).column >= 1 && (error as { column: number }).column <= text.length + 1,
          );
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
