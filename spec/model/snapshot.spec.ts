import { describe, expect, it } from 'vitest';
import { Snapshot } from '../../lib/model/snapshot.ts';

const of = (...keys: string[]) => new Snapshot(keys.map((key, value) => ({ key, value, revision: 1 })));
const keysOf = (items: Iterable<{ key: string }>) => Array.from(items, ({ key }) => key);

describe('Snapshot', () => {
  it('gives an entry by its key', () => {
    const snapshot = of('b', 'a', 'c', '');
    expect(snapshot.size).toBe(4);
    expect(snapshot.get('a')).toEqual({ key: 'a', value: 1, revision: 1 });
    expect(snapshot.get('')).toMatchObject({ value: 3 });
    expect(['b', 'c', ''].every((key) => snapshot.has(key))).toBe(true);
    expect(['d', 'B', 'aa', ' '].some((key) => snapshot.has(key))).toBe(false);
    expect(snapshot.get('aa')).toBeUndefined();
  });

  it('knows the keys whose values look like nothing', () => {
    const snapshot = new Snapshot([{ key: 'x', value: null, revision: 1 }]);
    expect(snapshot.has('x')).toBe(true);
    expect(snapshot.get('x')?.value).toBeNull();
  });

  it('keeps arrival order in items and iteration, and sorts on request', () => {
    const snapshot = of('b', 'a', 'c');
    expect(keysOf(snapshot.sorted())).toEqual(['a', 'b', 'c']);
    expect(keysOf(snapshot.items)).toEqual(['b', 'a', 'c']);
    expect(keysOf(snapshot)).toEqual(['b', 'a', 'c']);
  });

  it('sorts once; what arrived sorted is not copied', () => {
    const unsorted = of('b', 'a');
    expect(unsorted.sorted()).toBe(unsorted.sorted());
    const sorted = of('a', 'b');
    expect(sorted.sorted()).toBe(sorted.items);
  });

  it('may be empty', () => {
    const snapshot = of();
    expect([
      snapshot.size,
      snapshot.get(''),
      snapshot.has('x'),
      snapshot.under(''),
      snapshot.sorted(),
      [...snapshot],
    ]).toEqual([0, undefined, false, [], [], []]);
    expect(JSON.stringify(snapshot)).toBe('[]');
  });

  it('writes sorted JSON', () => {
    expect(JSON.parse(JSON.stringify(of('b', 'a')))).toEqual([
      { key: 'a', value: 1, revision: 1 },
      { key: 'b', value: 0, revision: 1 },
    ]);
  });
});

describe('under a prefix', () => {
  const snapshot = of(
    '/b',
    '/component2/x',
    '/component',
    '/a',
    '/component/',
    '/component/y',
    '/component/x',
    '/Component/x',
    '/component0',
  );

  it.each([
    ['/component/', ['/component/', '/component/x', '/component/y']],
    ['/component', ['/component', '/component/', '/component/x', '/component/y', '/component0', '/component2/x']],
    ['/component/x', ['/component/x']],
    ['/component/x/', []],
    ['component', []],
    ['/a', ['/a']],
    ['/z', []],
    [' ', []],
  ])('%j is a raw string: no path, no pattern', (prefix, keys) => {
    expect(keysOf(snapshot.under(prefix))).toEqual(keys);
  });

  it("'' is everything, sorted", () => {
    expect(snapshot.under('')).toEqual(snapshot.sorted());
  });

  it('takes dots, stars and brackets as they are', () => {
    expect(keysOf(of('a.b', 'a*b', 'a[b', 'axb').under('a.'))).toEqual(['a.b']);
    expect(keysOf(of('a.b', 'a*b', 'a[b', 'axb').under('a*'))).toEqual(['a*b']);
  });

  it('agrees with startsWith, whatever the keys', () => {
    const letters = ['', 'a', 'b', '\u0000', '\uffff', 'é', 'e\u0301', '\u{1f600}', '\ud83d', '\uff21'];
    const keys = [
      ...new Set(letters.flatMap((first) => letters.flatMap((second) => [first + second, `${first}/${second}`]))),
    ];
    const all = of(...keys);
    for (const prefix of keys) {
      expect(keysOf(all.under(prefix)).sort()).toEqual(keys.filter((key) => key.startsWith(prefix)).sort());
      expect(all.get(prefix)?.key).toBe(prefix);
    }
  });
});

describe('unicode', () => {
  it('sorts by UTF-16 code unit: an astral character comes before U+FF21', () => {
    expect(keysOf(of('\uff21', '\u{1f600}', 'é', 'z').sorted())).toEqual(['z', 'é', '\u{1f600}', '\uff21']);
  });

  it('does not normalise', () => {
    const snapshot = of('é');
    expect(snapshot.has('é')).toBe(true);
    expect(snapshot.has('e\u0301')).toBe(false);
  });

  it('finds astral keys, also when they arrived in byte order', () => {
    const snapshot = of('\uff21', '\u{1f600}a', '\u{1f600}b');
    expect(snapshot.get('\u{1f600}a')?.value).toBe(1);
    expect(keysOf(snapshot.under('\u{1f600}'))).toEqual(['\u{1f600}a', '\u{1f600}b']);
  });
});
