import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('fromFiles: a configured directory that is another one, and empty', { timeout: 60_000 }, () => {
  /** What a program sees whose volume is not mounted any more. */
  const unmount = (dir: string) => {
    renameSync(dir, `${dir}.away`);
    mkdirSync(dir);
  };
  const mount = (dir: string) => {
    rmSync(dir, { recursive: true });
    renameSync(`${dir}.away`, dir);
  };

  it('keeps its entries, says so, and is forgotten when it is back', async () => {
    const dir = join(temporaryDirectory(), 'config');
    const later = join(temporaryDirectory(), 'later');
    write(join(dir, 'a.yaml'), { '/a': 1, '/both': 'first' });
    write(join(later, 'b.yaml'), { '/b': 1, '/both': 'second' });
    const told = await recordLive({ paths: [dir, later] });
    unmount(dir);
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    expect(told.stale).toMatchObject({ file: dir });
    expect(told.stale?.message).toMatch(/is another directory than before, and empty; what was last read of it stays/);
    write(join(later, 'b.yaml'), { '/b': 2, '/both': 'second' });
    await until(() => expect(told.state['/b']).toBe(2));
    mount(dir);
    await until(() => expect(told.stale).toBeUndefined());
    write(join(dir, 'a.yaml'), { '/a': 2, '/both': 'first' });
    await until(() => expect(told.state['/a']).toBe(2));
    expect(told.log).toEqual(['resync initial', 'put /b 1 > 2', 'put /a 1 > 2']);
  });

  it('is believed when it stays so', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.yaml'), { '/a': 1 });
    const told = await recordLive({ paths: [dir] });
    unmount(dir);
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    await until(() => expect(told.state).toEqual({}), { timeout: 30_000 });
    await until(() => expect(told.stale).toBeUndefined());
    write(join(dir, 'b.yaml'), { '/b': 1 });
    await until(() => expect(told.state).toEqual({ '/b': 1 }));
  });

  it('is held also where it was away before, and by a link that leads elsewhere', async () => {
    const [dir, empty] = [temporaryDirectory(), temporaryDirectory()];
    write(join(dir, 'real/a.yaml'), { '/a': 1 });
    symlinkSync('real', join(dir, 'link'));
    const told = await recordLive({ paths: [join(dir, 'link')] });
    renameSync(join(dir, 'real'), join(dir, 'away'));
    await until(() => expect(told.stale?.code).toBe('UNREADABLE'));
    symlinkSync(empty, join(dir, 'real'));
    await until(() => expect(told.stale?.code).toBe('SHRUNK'));
    expect(told.log).toEqual(['resync initial']);
  });

  it('is taken at its word where a missing one is empty too', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.yaml'), { '/a': 1 });
    const told = await recordLive({ paths: [dir], missing: 'empty' });
    unmount(dir);
    await until(() => expect(told.state).toEqual({}));
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
  });

  it('but the same one may be emptied', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.yaml'), { '/a': 1 });
    const told = await recordLive({ paths: [dir] });
    rmSync(join(dir, 'a.yaml'));
    await until(() => expect(told.state).toEqual({}));
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
  });
});
