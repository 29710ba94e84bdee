import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HeldKeys } from '../../../lib/backends/files/heldKeys.ts';
import { nothingScanned, type Scanned } from '../../../lib/backends/files/scan.ts';
import {
  json,
  type Recorded,
  record,
  recordLive,
  temporaryDirectory,
  until,
  write,
  yaml,
} from '../../support/files.ts';

const cut = '  - key: [\n';
const broken = (values: object) => yaml({ ...values }) + cut;
/** A link to itself can be seen but not followed, also by root. */
const hide = (path: string): void => {
  rmSync(path, { force: true });
  symlinkSync(path, path);
};
/** A change somewhere else, told: what was before it has been seen too. */
async function seen(told: Recorded, dir: string): Promise<void> {
  const value = Number(told.state['/probe'] ?? 0) + 1;
  write(join(dir, 'probe.json'), { '/probe': value });
  await until(() => expect(told.state['/probe']).toBe(value));
}
const without = (log: readonly string[]) => log.filter((line) => !line.includes('/probe'));

/** `a.yaml` has /x and /y, `b.yaml` has /z; `save` takes /y from one to the other, where it cannot be read. */
const saves: Readonly<Record<string, (dir: string) => void>> = {
  'into a file that the save breaks': (dir) => {
    write(join(dir, 'b.yaml'), broken({ '/z': 1, '/y': 1 }));
    write(join(dir, 'a.yaml'), { '/x': 1 });
  },
  'into a file that the save breaks, by renames': (dir) => {
    for (const [name, text] of [
      ['b.yaml', broken({ '/z': 1, '/y': 1 })],
      ['a.yaml', yaml({ '/x': 1 })],
    ] as const) {
      writeFileSync(join(dir, '.tmp'), text);
      renameSync(join(dir, '.tmp'), join(dir, name));
    }
  },
  'into a new file that is broken': (dir) => {
    write(join(dir, 'new/c.yaml'), broken({ '/y': 1 }));
    write(join(dir, 'a.yaml'), { '/x': 1 });
  },
  'into a file that is cut before it': (dir) => {
    write(join(dir, 'b.json'), json({ '/z': 1, '/y': 1 }).slice(0, 30));
    write(join(dir, 'a.yaml'), { '/x': 1 });
  },
  'with the file, which is renamed and broken': (dir) => {
    write(join(dir, 'c.yaml'), broken({ '/x': 1, '/y': 1 }));
    rmSync(join(dir, 'a.yaml'));
  },
  'with its directory, in which it is broken': (dir) => {
    write(join(dir, 'a.yaml'), { '/x': 1 });
    renameSync(join(dir, 'sub'), join(dir, 'sub2'));
    write(join(dir, 'sub2/b.yaml'), broken({ '/sub': 1, '/y': 1 }));
  },
  'into a file that cannot be read any more': (dir) => {
    hide(join(dir, 'b.yaml'));
    write(join(dir, 'a.yaml'), { '/x': 1 });
  },
  'into a new file that cannot be read': (dir) => {
    hide(join(dir, 'c.yaml'));
    write(join(dir, 'a.yaml'), { '/x': 1 });
  },
  'into a new directory that cannot be read': (dir) => {
    hide(join(dir, 'c'));
    write(join(dir, 'a.yaml'), { '/x': 1 });
  },
};

async function started(options: object = {}): Promise<{ dir: string; told: Recorded }> {
  const dir = temporaryDirectory();
  write(join(dir, 'a.yaml'), { '/x': 1, '/y': 1 });
  write(join(dir, 'b.yaml'), { '/z': 1 });
  write(join(dir, 'sub/b.yaml'), { '/sub': 1 });
  const told = await recordLive({ paths: [dir], ...options });
  return { dir, told };
}

describe('fromFiles: an entry that one save moves to where it cannot be read', () => {
  it.each(Object.entries(saves))(
    '%s: stays, also for a resync, and when all is mended nothing is told of it',
    async (_name, save) => {
      const resyncOn = new Subject<void>();
      const { dir, told } = await started({ resyncOn });
      const before = told.state;
      save(dir);
      await until(() => expect(told.stale).toBeDefined());
      await seen(told, dir);
      expect(told.state).toMatchObject(before);
      const held = (told.stale!.cause as AggregateError).errors.filter(
        ({ code }: { code: string }) => code === 'SHRUNK',
      );
      expect(held).toMatchObject([{ file: expect.stringContaining(dir), message: expect.stringContaining('"/') }]);
      resyncOn.next();
      await until(() => expect(told.log.at(-1)).toBe('resync requested'));
      expect(told.state).toMatchObject(before);

      for (const name of ['c', 'new', 'sub2', 'b.json', 'c.yaml'])
        rmSync(join(dir, name), { recursive: true, force: true });
      rmSync(join(dir, 'b.yaml'));
      write(join(dir, 'a.yaml'), { '/x': 1 });
      write(join(dir, 'b.yaml'), { '/z': 1, '/y': 1 });
      write(join(dir, 'sub/b.yaml'), { '/sub': 1 });
      await until(() => expect(told.stale).toBeUndefined());
      expect(without(told.log).filter((line) => /delete|put \/y/.test(line))).toEqual([]);
      expect(told.state).toMatchObject(before);
    },
  );

  it('is gone when the file is mended without it, or removed', async () => {
    for (const mend of [(file: string) => write(file, { '/z': 1 }), (file: string) => rmSync(file)]) {
      const { dir, told } = await started();
      write(join(dir, 'b.yaml'), broken({ '/z': 1, '/y': 1 }));
      write(join(dir, 'a.yaml'), { '/x': 1 });
      await until(() => expect(told.stale?.message).toMatch(/and 1 more/));
      expect(told.state).toMatchObject({ '/y': 1 });
      mend(join(dir, 'b.yaml'));
      await until(() => expect(told.state).not.toHaveProperty('/y'));
      await until(() => expect(told.stale).toBeUndefined());
      expect(told.log).toContain('delete /y 1');
    }
  });

  it('is gone when a new directory that could not be read turns out to have nothing', async () => {
    const { dir, told } = await started();
    hide(join(dir, 'c'));
    write(join(dir, 'a.yaml'), { '/x': 1 });
    await until(() => expect(told.stale?.message).toMatch(/and 1 more/));
    await seen(told, dir);
    expect(told.state).toMatchObject({ '/y': 1 });
    rmSync(join(dir, 'c'));
    await until(() => expect(told.state).not.toHaveProperty('/y'));
    await until(() => expect(told.stale).toBeUndefined());
  });

  it('is gone where a path that never existed is all that cannot be read, also right after the start', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/x': 1, '/y': 1 });
    const told = record({ paths: [join(dir, 'a.json'), join(dir, 'optional.json')] });
    await until(() => expect(told.state).toEqual({ '/x': 1, '/y': 1 }));
    write(join(dir, 'a.json'), { '/x': 2 });
    await until(() => expect(told.state['/x']).toBe(2));
    expect(told.log).toContain('delete /y 1');
    expect(told.stale?.message).toMatch(/optional\.json does not exist/);
    expect(told.stale?.message).not.toMatch(/more/);
  });

  it('stays where a path is gone that it may be in, and the status says what to do', async () => {
    const dir = temporaryDirectory();
    const [a, b] = [join(dir, 'a.json'), join(dir, 'b.json')];
    write(a, { '/x': 1, '/y': 1 });
    write(b, {});
    const told = await recordLive({ paths: [a, b] });
    rmSync(b);
    write(a, { '/x': 1 });
    await until(() => expect(told.stale?.message).toMatch(/and 1 more/));
    const { errors } = told.stale!.cause as AggregateError;
    expect((errors.at(-1) as Error).message).toBe(
      `[rx-datasync/files] "/y" cannot be found any more, but may be in ${b}, which does not exist: create it, with \`data: []\` if it is empty`,
    );
    expect(told.state).toEqual({ '/x': 1, '/y': 1 });
    write(b, {});
    await until(() => expect(told.state).toEqual({ '/x': 1 }));
    await until(() => expect(told.stale).toBeUndefined());
  });

  it('stays while the broken file goes from one name to another', async () => {
    const { dir, told } = await started();
    write(join(dir, 'b.yaml'), broken({ '/z': 1, '/y': 1 }));
    write(join(dir, 'a.yaml'), { '/x': 1 });
    await until(() => expect(told.stale?.message).toMatch(/and 1 more/));
    renameSync(join(dir, 'b.yaml'), join(dir, 'c.yaml'));
    await until(() => expect(told.stale?.message).toMatch(/c\.yaml.*and 1 more/));
    await seen(told, dir);
    expect(told.state).toMatchObject({ '/y': 1, '/z': 1 });
    write(join(dir, 'c.yaml'), { '/z': 2 });
    await until(() => expect(told.state).toMatchObject({ '/x': 1, '/z': 2 }));
    expect(without(told.log)).toEqual(['resync initial', 'reject /z', 'delete /y 1', 'put /z 1 > 2']);
  });

  it('stays with its file rejected where that was broken before it was renamed', async () => {
    const { dir, told } = await started();
    write(join(dir, 'b.yaml'), broken({}));
    await until(() => expect(told.log).toContain('reject /z'));
    mkdirSync(join(dir, 'deep'));
    renameSync(join(dir, 'b.yaml'), join(dir, 'deep/b.yaml'));
    await until(() => expect(told.stale?.message).toMatch(/deep.*and 1 more/));
    await seen(told, dir);
    expect(told.state).toMatchObject({ '/z': 1 });
    expect(without(told.log)).toEqual(['resync initial', 'reject /z']);
  });

  it('does not go when a guard that held it back as well lets go', async () => {
    const { dir, told } = await started({ onShrink: { share: 0.3, confirm: 300 } });
    hide(join(dir, 'c.yaml'));
    write(join(dir, 'a.yaml'), { '/x': 2 });
    await until(() => expect(told.state['/x']).toBe(2));
    await seen(told, dir);
    expect(told.state).toMatchObject({ '/y': 1 });
    rmSync(join(dir, 'c.yaml'));
    await until(() => expect(told.state).not.toHaveProperty('/y'));
  });
});

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
