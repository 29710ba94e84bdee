import { describe, expect, it } from 'vitest';
import { LayeredMap } from '../../../lib/backends/files/layeredMap.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';

const shown = (map: ReadonlyMap<string, object>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

const names = Array.from({ length: 120 }, (_, i) => `k${i}`);

describe('LayeredMap', () => {
  it.each([1, 2, 3])(
    'is what a Map would be after each of 400 changes, and leaves what was before as it was, seed %i',
    (seed) => {
      const random = randomNumbers(seed);
      const start = new Map(Array.from({ length: 100 }, (_, i) => [`k${i}`, { i }]));
      let expected = new Map(start);
      let map: ReadonlyMap<string, object> = start;
      let layered = 0;
      for (let round = 0; round < 400; round++) {
        const [before, was] = [map, shown(map)];
        const changes = new Map<string, { i: number } | undefined>();
        for (let i = random(4); i >= 0; i--) changes.set(`k${random(120)}`, random(3) === 0 ? undefined : { i: round });
        map = LayeredMap.of(map, changes);
        expected = new Map(expected);
        for (const [key, value] of changes) {
          if (value === undefined) expected.delete(key);
          else expected.set(key, value);
        }
        if (map instanceof LayeredMap) layered++;
        expect([map.size, shown(map)]).toEqual([expected.size, shown(expected)]);
        expect([[...map.keys()].sort(), map.size]).toEqual([[...expected.keys()].sort(), [...map.values()].length]);
        const each: string[] = [];
        map.forEach((value, key) => {
          each.push(`${key} ${JSON.stringify(value)}`);
        });
        expect(each).toEqual([...map].map(([key, value]) => `${key} ${JSON.stringify(value)}`));
        const asked = (of: ReadonlyMap<string, object>) => names.map((name) => [of.has(name), of.get(name)]);
        expect(asked(map)).toEqual(asked(expected));
        expect(shown(before)).toEqual(was);
      }
      // Both happen: a layer on top, and, when that has become large, one Map again.
      expect(layered).toBeGreaterThan(200);
      expect(layered).toBeLessThan(400);
    },
  );
});
