import { deepStrictEqual, notDeepStrictEqual } from 'node:assert';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { StateMap } from '../../lib/internal/stateMap.ts';

const of = (values: Record<string, number>) => StateMap.from(Object.entries(values), Object.keys(values).length);
const many = (count: number) => Array.from({ length: count }, (_, i) => [`key-${i}`, i] as const);

/** How many Maps a piece of work makes. */
function mapsMade(work: () => void): number {
  const Original = globalThis.Map;
  let made = 0;
  globalThis.Map = class<K, V> extends Original<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries);
      made++;
    }
  } as MapConstructor;
  try {
    work();
  } finally {
    globalThis.Map = Original;
  }
  return made;
}

describe('StateMap', () => {
  it('is a Map to read', () => {
    const map = of({ x: 1, y: 2, '': 0 });
    expect([map.size, map.get('x'), map.get(''), map.get('z'), map.has('y'), map.has('z')]).toEqual([
      3,
      1,
      0,
      undefined,
      true,
      false,
    ]);
    expect(new Map(map)).toEqual(new Map(Object.entries({ x: 1, y: 2, '': 0 })));
    expect([...map.keys()].sort()).toEqual(['', 'x', 'y']);
    expect([...map.values()].sort()).toEqual([0, 1, 2]);
    const seen: unknown[] = [];
    map.forEach((value, key, self) => {
      seen.push(`${key}${value}${self === map}`);
    });
    expect(seen.sort()).toEqual(['0true', 'x1true', 'y2true']);
  });

  it('may be empty', () => {
    const map = of({});
    expect([map.size, map.get('x'), [...map]]).toEqual([0, undefined, []]);
    expect([...map.with([['x', 1]])]).toEqual([['x', 1]]);
  });

  it('a key that comes twice counts once, the later value holds', () => {
    const map = StateMap.from([['x', 1] as const, ['x', 2] as const], 2);
    expect([map.size, map.get('x')]).toEqual([1, 2]);
  });

  it('with makes another one, and leaves the first as it was', () => {
    const before = of({ x: 1, y: 2 });
    const after = before.with([
      ['x', 3],
      ['y', undefined],
      ['z', 4],
    ]);
    expect(new Map(before)).toEqual(new Map(Object.entries({ x: 1, y: 2 })));
    expect(new Map(after)).toEqual(new Map(Object.entries({ x: 3, z: 4 })));
    expect(after.size).toBe(2);
  });

  it('is itself where nothing is different', () => {
    const map = StateMap.from(Object.entries({ x: NaN, y: 2 }), 2);
    expect(map.with([])).toBe(map);
    const same: [string, number | undefined][] = [
      ['x', NaN],
      ['y', 2],
      ['z', undefined],
    ];
    expect(map.with(same)).toBe(map);
  });

  it('takes one key several times in one change', () => {
    const map = of({ x: 1 });
    const after = map.with([
      ['y', 1],
      ['y', undefined],
      ['x', undefined],
      ['x', 5],
      ['y', 2],
    ]);
    expect([after.size, after.get('x'), after.get('y')]).toEqual([2, 5, 2]);
  });

  it('knows null from absent', () => {
    const map = StateMap.from<number | null>([['x', null]], 1);
    expect([map.has('x'), map.get('x'), map.size]).toEqual([true, null, 1]);
    expect(map.with([['x', null]])).toBe(map);
  });

  it('agrees with a plain Map through growth and decay', () => {
    let map = StateMap.from<number>([], 0);
    const plain = new Map<string, number>();
    const entries = many(2_000);
    for (const [key, value] of entries) {
      plain.set(key, value);
      map = map.with([[key, value]]);
    }
    expect(new Map(map)).toEqual(plain);
    for (const [key] of entries.slice(0, 1_900)) {
      plain.delete(key);
      map = map.with([[key, undefined]]);
    }
    expect(new Map(map)).toEqual(plain);
    expect(map.size).toBe(100);
  });

  it('copies one bucket per change, and shares the rest', () => {
    const map = StateMap.from(many(20_000), 20_000);
    // Besides the bucket, one Map of the copied ones.
    expect(mapsMade(() => map.with([['key-7', -1]]))).toBe(2);
    expect(mapsMade(() => map.with([['key-7', 7]]))).toBe(1);
  });

  it('spreads keys that differ only at their end', () => {
    const map = StateMap.from(many(32_000), 32_000);
    expect(mapsMade(() => map.with(many(32_000).map(([key, value]) => [key, value + 1])))).toBeGreaterThan(900);
  });

  it('takes any text as a key', () => {
    const keys = ['__proto__', 'constructor', '\u{1f600}', '\ud83d', '\u0000', ' '];
    const map = StateMap.from(
      keys.map((key, i) => [key, i] as const),
      keys.length,
    );
    expect(keys.map((key) => map.get(key))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('shows its entries in JSON, sorted, and in console.log', () => {
    expect(JSON.stringify(of({ y: 2, x: 1 }))).toBe('{"x":1,"y":2}');
    expect(inspect(of({ x: 1 }))).toBe("Map(1) { 'x' => 1 }");
  });

  it('is never equal to one with other entries, for vitest and for node:assert', () => {
    expect(of({ x: 1, y: 2 })).toStrictEqual(of({ x: 1, y: 2 }));
    deepStrictEqual(of({ x: 1, y: 2 }), of({ x: 1, y: 2 }));
    for (const other of [of({ x: 1, y: 3 }), of({ x: 1, z: 2 }), of({ x: 1 })]) {
      expect(of({ x: 1, y: 2 })).not.toStrictEqual(other);
      notDeepStrictEqual(of({ x: 1, y: 2 }), other);
    }
  });
});
