import { describe, expect, it } from 'vitest';
import type { FileState } from '../../../lib/backends/files/fileState.ts';
import { entriesOf } from '../../../lib/backends/files/view.ts';
import type { RawEntry } from '../../../lib/source/frames.ts';

const entry = (key: string): RawEntry => ({ key, value: new Uint8Array(1) });

/** Counts how often it is asked for anything. */
class Counted extends Map<string, RawEntry> {
  static asked = 0;

  override has(key: string): boolean {
    Counted.asked++;
    return super.has(key);
  }

  override *keys(): MapIterator<string> {
    for (const key of super.keys()) {
      Counted.asked++;
      yield key;
    }
  }
}

const file = (...keys: string[]): FileState => ({ entries: new Counted(keys.map((key) => [key, entry(key)])) });

describe('entriesOf', () => {
  it('names all files that have a key, in the order of precedence', () => {
    const files = new Map([
      ['a', file('/x', '/y')],
      ['b', file('/z')],
      ['c', file('/y', '/z', '/v')],
      ['d', file('/y')],
    ]);
    expect(entriesOf(files, undefined).clashes).toEqual([
      { key: '/y', files: ['a', 'c', 'd'] },
      { key: '/z', files: ['b', 'c'] },
    ]);
  });

  it.each([
    ['many small files, each of them twice', 2, 2_000, 1],
    ['two large ones', 2, 1, 2_000],
    ['many copies', 40, 50, 1],
  ])('asks each file for its own keys at most: %s', (_what, copies, count, keys) => {
    const files = new Map<string, FileState>();
    for (let copy = 0; copy < copies; copy++)
      for (let i = 0; i < count; i++)
        files.set(`${copy}/${i}`, file(...Array.from({ length: keys }, (_, key) => `/${i}/${key}`)));
    Counted.asked = 0;
    const { clashes } = entriesOf(files, undefined);
    expect(clashes).toHaveLength(count * keys);
    expect(new Set(clashes.map((clash) => clash.files.length))).toEqual(new Set([copies]));
    expect(Counted.asked).toBeLessThanOrEqual(copies * count * keys);
  });

  it('asks a large file only for the keys that come twice', () => {
    const large = file(...Array.from({ length: 5_000 }, (_, i) => `/${i}`));
    Counted.asked = 0;
    expect(
      entriesOf(
        new Map([
          ['a', large],
          ['b', file('/7')],
        ]),
        undefined,
      ).clashes,
    ).toEqual([{ key: '/7', files: ['a', 'b'] }]);
    expect(Counted.asked).toBeLessThanOrEqual(2);
  });
});
