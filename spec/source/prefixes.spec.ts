import { describe, expect, it } from 'vitest';
import { coverOf, isUnder } from '../../lib/source/prefixes.ts';

describe('coverOf', () => {
  it.each([
    [[], []],
    [[''], ['']],
    [
      ['b/', 'a/'],
      ['a/', 'b/'],
    ],
    [['a/', 'a/'], ['a/']],
    [['a/b/', 'a/', 'a/c'], ['a/']],
    [['x', ''], ['']],
    [['a/', 'a'], ['a']],
    [
      ['component/', 'component2/'],
      ['component/', 'component2/'],
    ],
    [
      ['a', 'a\u0000', 'a~', 'b'],
      ['a', 'b'],
    ],
    [
      ['/é', '/e\u0301'],
      ['/e\u0301', '/é'],
    ],
    [
      ['\u{1F600}', '\uFFFD'],
      ['\u{1F600}', '\uFFFD'],
    ],
  ])('%j is covered by %j', (prefixes, cover) => {
    expect(coverOf(prefixes)).toEqual(cover);
  });

  it('leaves what it is given as it is', () => {
    expect(coverOf(Object.freeze(['b', 'a']) as string[])).toEqual(['a', 'b']);
  });
});

describe('isUnder', () => {
  it.each([
    ['a/b', ['a/'], true],
    ['a/', ['a/'], true],
    ['a', ['a/'], false],
    ['ab', ['a'], true],
    ['component2/x', ['component/'], false],
    ['', [''], true],
    ['', ['a'], false],
    ['a', [], false],
    ['b/x', ['a/', 'b/'], true],
    ['a*', ['a*'], true],
    ['ax', ['a*'], false],
  ] as const)('%j under %j: %s', (key, prefixes, under) => {
    expect(isUnder(key, prefixes)).toBe(under);
  });
});
