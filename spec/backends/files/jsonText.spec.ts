import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flawsOf, placeOf, scanJson } from '../../../lib/backends/files/jsonText.ts';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
const faultOf = (text: string) => scanJson(text, 'data').fault;

describe('scanJson', () => {
  it('finds a fault exactly where JSON.parse throws: in documents cut anywhere', () => {
    const text = '{"a": [true, null, -1.5e+3, "\\u00e9\\n\\"", {}, []], "b": {"c": false, "d": 0}}';
    for (let end = 0; end <= text.length; end++)
      expect(faultOf(text.slice(0, end)) === undefined, text.slice(0, end)).toBe(end === text.length);
  });

  it('finds a fault exactly where JSON.parse throws: in documents with one character changed', () => {
    const changed = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:\\ 0-+.eEtfnu\n\u0001x'), fc.boolean());
    fc.assert(
      fc.property(changed, ([json, place, char, insert]) => {
        const at = place % (json.length + 1);
        const text = json.slice(0, at) + char + json.slice(insert ? at : at + 1);
        expect(faultOf(text) === undefined).toBe(parses(text));
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });

  it.each([
    ['{"a": 1,}', 8, 'a name in double quotes'],
    ['{a: 1}', 1, "a name in double quotes or '}'"],
    ['{"a" 1}', 5, "':'"],
    ['{"a": tru}', 6, 'a value'],
    ['[1 2]', 3, "',' or ']'"],
    ['{"a": 1 "b": 2}', 8, "',' or '}'"],
    ['[1,]', 3, 'a value'],
    ['[01]', 2, "',' or ']'"],
    ['{} {}', 3, 'the end'],
    ['"a\nb"', 2, 'the rest of a string'],
    ['["\\x"]', 2, 'the rest of a string'],
    ['{"a": [', 7, "a value or ']'"],
    ['', 0, 'a value'],
  ])('says where and what: %j', (text, offset, expected) => {
    expect(faultOf(text)).toEqual({ offset, expected });
  });

  it('survives what would overflow a recursion, and long strings', () => {
    expect(faultOf('['.repeat(1e6))).toEqual({ offset: 1e6, expected: "a value or ']'" });
    expect(faultOf(JSON.stringify(`${'x\\"'.repeat(1e6)}`))).toBeUndefined();
  });

  it('finds the items of a top-level list, up to the fault', () => {
    const text = '{"a": {"data": [1]}, "d\\u0061ta": [ 10, {"data": [2]}, [3], "4" ], "b": [5]}';
    const { items } = scanJson(text, 'data');
    expect(items.map((offset) => text.slice(offset, offset + 2))).toEqual(['10', '{"', '[3', '"4']);
    expect(scanJson('{"data": [1, 2, x', 'data').items).toHaveLength(3);
    expect(scanJson('[{"data": [1]}]', 'data').items).toEqual([]);
  });
});

describe('what JSON.parse drops', () => {
  /** Texts of JSON in which members may stand twice and numbers may be too long. */
  const { text } = fc.letrec<{ text: string }>((tie) => {
    const name = fc.constantFrom('"a"', '"\\u0061"', '"a\\""', '"\\\\"', '":"', '"__proto__"');
    const member = fc.tuple(name, fc.constantFrom(':', ' :\n'), tie('text')).map((parts) => parts.join(''));
    return {
      text: fc.oneof(
        { maxDepth: 4 },
        name,
        fc.constantFrom('null', '1', '12345678901234567', '0.1', '1e3', '1e999'),
        fc.array(member, { maxLength: 3 }).map((members) => `{${members.join(', ')}}`),
        fc.array(tie('text'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      ),
    };
  });

  it('is found by a count where it is found by a look at everything', () => {
    fc.assert(
      fc.property(text, (json) => {
        const { flaws, fault } = scanJson(json, 'a');
        expect(fault).toBeUndefined();
        expect(flawsOf(json, JSON.parse(json), 'a')).toEqual(flaws);
      }),
      { numRuns: 5_000, seed: 1 },
    );
  });

  it('says where it is: the member at the top, the item of the list, and the member of that', () => {
    const json = '{"x": {"y": 1e999}, "data": [{"key": 1e999, "value": [{"b": 1, "b": 1e999}]}, 1e999], "data": 1}';
    expect(scanJson(json, 'data').flaws.map(({ member, item }) => [member, item?.index, item?.member])).toEqual([
      ['x', undefined, undefined],
      ['data', 0, 'key'],
      ['data', 0, 'value'],
      ['data', 0, 'value'],
      ['data', 1, ''],
      ['data', undefined, undefined],
    ]);
  });
});

describe('placeOf', () => {
  it('counts lines and columns from 1', () => {
    const places = [0, 1, 2, 3, 4].map((offset) => placeOf('a\n\nbc', offset));
    expect(places.map(({ line, column }) => `${line}:${column}`)).toEqual(['1:1', '1:2', '2:1', '3:1', '3:2']);
  });
});
