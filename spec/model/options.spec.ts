import { EMPTY, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { checkOptions, oneOf, type Rules, rule, withMethods } from '../../lib/model/options.ts';

const rules: Rules = {
  name: rule.text,
  retry: { count: rule.count, deep: { flag: rule.flag } },
  mode: oneOf('fast', 'slow'),
};

function refusal(options: unknown, required: readonly string[] = []): string | undefined {
  try {
    checkOptions('fromX', options, rules, required);
  } catch (error) {
    expect(error).toBeInstanceOf(DatasyncError);
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    return (error as DatasyncError).message;
  }
  return undefined;
}

describe('checkOptions', () => {
  it('lets pass what the table knows', () => {
    expect(refusal({})).toBeUndefined();
    expect(refusal({ name: 'a', retry: { count: 1, deep: { flag: false } }, mode: 'slow' }, ['name'])).toBeUndefined();
  });

  it('refuses an unknown option, and says which are known', () => {
    expect(refusal({ nmae: 'a' })).toBe("[rx-datasync] fromX: unknown option 'nmae'; known are name, retry, mode");
    expect(refusal({ nmae: undefined })).toContain("unknown option 'nmae'");
  });

  it('also in a nested bag, by its full path', () => {
    expect(refusal({ retry: { cnt: 1 } })).toBe(
      "[rx-datasync] fromX: unknown option 'retry.cnt'; known are count, deep",
    );
    expect(refusal({ retry: { deep: { flg: 1 } } })).toContain("unknown option 'retry.deep.flg'; known are flag");
    expect(refusal({ retry: { deep: { flag: 1 } } })).toBe(
      "[rx-datasync] fromX: the option 'retry.deep.flag' must be true or false, not 1",
    );
  });

  it.each(['toString', 'constructor', 'hasOwnProperty'])('does not take %s from the prototype', (name) => {
    expect(refusal({ [name]: 'a' })).toContain(`unknown option '${name}'`);
  });

  it.each([
    [5, 'must be a text that is not empty, not 5'],
    ['', 'must be a text that is not empty, not ""'],
    [null, 'not null'],
    [[], 'not an empty array'],
    [[1], 'not an array'],
    [EMPTY, 'not an Observable'],
    [Promise.resolve(), 'not a Promise'],
    [{}, 'not an object'],
    [() => 1, 'not a function'],
    [NaN, 'not NaN'],
    [Symbol('s'), 'not Symbol(s)'],
    [1n, 'not 1'],
  ])('says what was expected and what was found: %o', (name, message) => {
    expect(refusal({ name })).toContain(`fromX: the option 'name' `);
    expect(refusal({ name })).toContain(message);
  });

  it.each([undefined, null, 'text', 5, []])('refuses %o for a bag of options', (options) => {
    expect(refusal(options)).toContain('fromX: the options must be an object, not ');
  });

  it('refuses what is no bag inside one', () => {
    expect(refusal({ retry: 3 })).toBe("[rx-datasync] fromX: 'retry' must be an object, not 3");
    expect(refusal({ retry: null })).toContain("'retry' must be an object, not null");
  });

  it('takes undefined for an option that is not given', () => {
    expect(refusal({ name: undefined, retry: undefined, mode: undefined })).toBeUndefined();
    expect(refusal({ retry: { count: undefined } })).toBeUndefined();
  });

  it('names what is missing', () => {
    expect(refusal({}, ['name'])).toBe("[rx-datasync] fromX: the option 'name' is missing");
    expect(refusal({ name: undefined }, ['name'])).toContain("'name' is missing");
  });
});

describe('rules', () => {
  const passes = (of: keyof typeof rule, value: unknown) => rule[of][0](value);
  const cases: [of: keyof typeof rule, good: unknown[], bad: unknown[]][] = [
    ['text', ['a', ' '], ['', 1, undefined]],
    ['anyText', ['', 'a'], [1, undefined, ['a']]],
    ['texts', [[], [''], ['a', 'b']], ['a', [1], [undefined], { 0: 'a' }]],
    ['flag', [true, false], [0, 'true', null]],
    ['callback', [() => 0, class {}], [{}, 'f']],
    ['count', [0, 1, Infinity], [-1, 0.5, NaN, -Infinity, '1']],
    ['positive', [1, 2], [0, 1.5, Infinity, NaN]],
    ['milliseconds', [0, 0.5, 1e9], [-1, Infinity, NaN, '5']],
    ['observable', [EMPTY], [{}, [], Promise.resolve(), { subscribe: 1 }]],
    ['textsOrObservable', [['a'], EMPTY], ['a', [1], {}]],
    ['observer', [{ next: () => 0 }, new Subject()], [null, () => 0, 1, {}, { nxt: () => 0 }]],
  ];
  it.each(cases)('%s', (of, good, bad) => {
    expect(good.filter((value) => !passes(of, value))).toEqual([]);
    expect(bad.filter((value) => passes(of, value))).toEqual([]);
  });

  it('cover all there are', () => {
    expect(cases.map(([of]) => of).sort()).toEqual(Object.keys(rule).sort());
  });

  it('oneOf names the words', () => {
    expect(refusal({ mode: 'medium' })).toContain(`the option 'mode' must be 'fast' or 'slow', not "medium"`);
  });

  it('withMethods asks for methods, own or inherited', () => {
    class Codec {
      decode = () => 1;
      encode() {}
    }
    const codec: Rules = { codec: withMethods('a codec', 'decode', 'encode') };
    const check = (value: unknown) => () => checkOptions('fromX', { codec: value }, codec);
    expect(check(new Codec())).not.toThrow();
    expect(check({ decode: () => 1, encode: 1 })).toThrow("the option 'codec' must be a codec, but 'encode' is 1");
    expect(check(null)).toThrow('not null');
    expect(check('json')).toThrow('not "json"');
  });
});
