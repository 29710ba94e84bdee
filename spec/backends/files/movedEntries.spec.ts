import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
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
