import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HeldKeys } from '../../../lib/backends/files/heldKeys.ts';
import { nothingScanned, type Scanned } from '../../../lib/backends/files/scan.ts';
import { temporaryDirectory } from '../../support/files.ts';

describe('HeldKeys', () => {
  let now = 0;
  const clock = (ahead: number): void => {
    now += ahead;
    vi.spyOn(Date, 'now').mockReturnValue(now);
  };
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const entries = (...keys: string[]) => new Map(keys.map((key) => [key, { key, value: new Uint8Array() }]));
  /** Looks at what is hidden, and says which of the keys of before are held. */
  function looker(): (
    hidden: Record<string, string>,
    before: string[],
    after: string[],
    more?: Partial<Scanned>,
  ) => Promise<string[]> {
    const keys = new HeldKeys();
    clock(10_000);
    return async (hidden, before, after, more = {}) => {
      keys.look({
        ...nothingScanned,
        hidden: new Map(Object.entries(hidden).map(([path, version]) => [path, { version }])),
        ...more,
      });
      const kept = await keys.keep(
        entries(...before),
        entries(...after),
        more.files ?? new Map(),
        new AbortController().signal,
      );
      return [...kept.keys()].filter((key) => !after.includes(key));
    };
  }
  const stopped = () => new Error('no') as never;

  it('holds by what became hidden in the same look, or up to 2 s before, not by what has been so for longer', async () => {
    for (const [age, held] of [
      [0, ['/y']],
      [1_999, ['/y']],
      [2_000, []],
    ] as const) {
      const look = looker();
      await look({}, [], ['/x', '/y']);
      await look({ b: 'broken 1' }, ['/x', '/y'], ['/x', '/y']);
      clock(age);
      expect([age, await look({ b: 'broken 1' }, ['/x', '/y'], ['/x'])]).toEqual([age, held]);
      clock(60_000);
      expect(await look({ b: 'broken 1' }, ['/x', ...held], ['/x'])).toEqual(held);
    }
  });

  it('holds by what became hidden since the look before, however long ago that was', async () => {
    const look = looker();
    await look({}, [], ['/x', '/y']);
    clock(60_000);
    expect(await look({ b: 'broken 1' }, ['/x', '/y'], ['/x'])).toEqual(['/y']);
  });

  it('does not hold by what was hidden when the connection began, unless that is being written, or changes', async () => {
    for (const [then, held] of [
      ['unreadable 1', []],
      ['unreadable 2', ['/y']],
    ] as const) {
      const look = looker();
      await look({ b: 'unreadable 1' }, [], ['/x', '/y']);
      expect([then, await look({ b: then }, ['/x', '/y'], ['/x'])]).toEqual([then, held]);
    }
    const look = looker();
    const hidden = new Map([['b', { version: 'written 1', passing: true as const }]]);
    await look({}, [], ['/x', '/y'], { hidden });
    expect(await look({}, ['/x', '/y'], ['/x'], { hidden })).toEqual(['/y']);
  });

  it('holds by a hidden file that has changed', async () => {
    const look = looker();
    await look({ b: 'broken 1' }, [], ['/x', '/y']);
    clock(60_000);
    await look({ b: 'broken 1' }, ['/x', '/y'], ['/x', '/y']);
    expect(await look({ b: 'broken 2' }, ['/x', '/y'], ['/x'])).toEqual(['/y']);
    clock(60_000);
    expect(await look({ b: 'broken 3' }, ['/x', '/y'], ['/x'])).toEqual(['/y']);
    expect(await look({ c: 'broken 3' }, ['/x', '/y'], ['/x'])).toEqual(['/y']);
    expect(await look({}, ['/x', '/y'], ['/x'])).toEqual([]);
  });

  it('takes what was hidden while a guard held something back for as new as the loss', async () => {
    const look = looker();
    await look({}, [], ['/x', '/y']);
    const problems = [{ code: 'SHRUNK' }] as never;
    await look({ b: 'unreadable' }, ['/x', '/y'], ['/x', '/y'], { problems });
    clock(60_000);
    expect(await look({ b: 'unreadable' }, ['/x', '/y'], ['/x'])).toEqual(['/y']);
  });

  it('goes through what is hidden once a look, however many keys are held', async () => {
    const count = 200;
    const names = Array.from({ length: count }, (_, i) => `/${i}`);
    const hidden = (version: number) =>
      new Map(names.map((path, i) => [path, { version: `broken ${i < count / 2 ? 0 : version}` }]));
    const keys = new HeldKeys();
    const { signal } = new AbortController();
    keys.look(nothingScanned);
    clock(10_000);
    for (const version of [1, 2]) {
      const asked = vi.spyOn(Map.prototype, 'has');
      const gone = vi.spyOn(Set.prototype as { [Symbol.iterator]: () => unknown }, Symbol.iterator);
      keys.look({ ...nothingScanned, hidden: hidden(version) });
      expect((await keys.keep(entries(...names), entries(), new Map(), signal)).size).toBe(count);
      expect(keys.problems).toHaveLength(1);
      // For each key a few times, and for each of what is hidden; not for each of both.
      expect(asked.mock.calls.length).toBeLessThan(10 * count);
      expect(gone.mock.calls.length).toBeLessThan(10);
      vi.restoreAllMocks();
      clock(10_000);
    }
  });

  it.each([
    ['as it is', '/a"b', 'data: [{key: /a"b'],
    ['as JSON writes it', '/a"b', '{"data": [{"key": "/a\\"b", '],
  ])('holds by the text of a broken file that has the key in it, %s, however old', async (_how, key, text) => {
    const file = join(temporaryDirectory(), 'b.yaml');
    writeFileSync(file, text);
    const look = looker();
    const files = new Map([[file, { failure: stopped() }]]);
    await look({ [file]: '1' }, [], [key, '/other'], { files });
    clock(60_000);
    expect(await look({ [file]: '1' }, [key, '/other'], [], { files })).toEqual([key]);
    expect(await look({ [file]: '1' }, [key], [], { files })).toEqual([key]);
  });

  it('holds all where a broken file is gone by then, or too large to be searched', async () => {
    const file = join(temporaryDirectory(), 'b.yaml');
    const files = new Map([[file, { failure: stopped() }]]);
    const many = Array.from({ length: 200 }, (_, i) => `/${i}`);
    for (const text of [undefined, ' '.repeat(1_000_000)]) {
      const look = looker();
      if (text !== undefined) writeFileSync(file, text);
      await look({ [file]: '1' }, [], many, { files });
      clock(60_000);
      expect(await look({ [file]: '1' }, many, [], { files })).toEqual(many);
    }
    // Searched, and not found.
    const look = looker();
    await look({ [file]: '1' }, [], ['/0'], { files });
    clock(60_000);
    expect(await look({ [file]: '1' }, ['/0'], [], { files })).toEqual([]);
  });
});
