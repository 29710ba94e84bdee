import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('fromFiles: directories and links', () => {
  it('keeps what a configured directory held while it is gone, and goes on when it is back, again and again', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.yaml'), { '/a': 0, '/b': 0 });
    const told = await recordLive({ paths: [dir] });
    for (const round of [1, 2, 3]) {
      // In one go: removed file by file, it may be seen half empty, and that is the truth too.
      renameSync(dir, `${dir}-${round}`);
      await until(() => expect(told.stale?.code).toBe('UNREADABLE'));
      expect(told.stale).toMatchObject({ file: dir, message: expect.stringContaining('does not exist') });
      expect(told.state['/a']).toBe(round - 1);
      write(join(dir, 'a.yaml'), { '/a': round });
      await until(() => expect(told.state).toEqual({ '/a': round }));
      await until(() => expect(told.stale).toBeUndefined());
      // The watcher has followed: this needs no long wait.
      write(join(dir, 'b.yaml'), { '/b': round });
      await until(() => expect(told.state['/b']).toBe(round));
    }
    expect(told.log.slice(0, 4)).toEqual(['resync initial', 'delete /b 0', 'put /a 0 > 1', 'put /b none > 1']);
  });

  it('follows a directory that is deleted for good and made again', async () => {
    const dir = join(temporaryDirectory(), 'config');
    write(join(dir, 'a.json'), { '/a': 1 });
    const told = await recordLive({ paths: [dir] });
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    write(join(dir, 'b.json'), { '/b': 2 });
    await until(() => expect(told.state).toEqual({ '/b': 2 }));
  });

  it('tells the files of a nested directory that comes, moves and goes', async () => {
    const dir = temporaryDirectory();
    const elsewhere = join(temporaryDirectory(), 'nested');
    const told = await recordLive({ paths: [dir] });
    write(join(elsewhere, 'deep/a.json'), { '/a': 1 });
    renameSync(elsewhere, join(dir, 'x'));
    await until(() => expect(told.state).toEqual({ '/a': 1 }));
    renameSync(join(dir, 'x'), join(dir, 'y'));
    write(join(dir, 'y/deep/a.json'), { '/a': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 2 }));
    rmSync(join(dir, 'y'), { recursive: true });
    await until(() => expect(told.state).toEqual({}));
    expect(told.log).toEqual(['resync initial', 'put /a none > 1', 'put /a 1 > 2', 'delete /a 2']);
  });

  it('watches a single file through replacement, removal and return', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.yaml');
    write(file, { '/a': 1 });
    write(join(dir, 'b.yaml'), { '/b': 1 });
    const told = await recordLive({ paths: [file] });
    expect(told.state).toEqual({ '/a': 1 });
    for (const value of [2, 3]) {
      write(`${file}.tmp`, `data: [{ key: /a, value: ${value} }]`);
      renameSync(`${file}.tmp`, file);
      await until(() => expect(told.state).toEqual({ '/a': value }));
    }
    rmSync(file);
    await until(() => expect(told.stale?.file).toBe(file));
    write(file, { '/a': 4 });
    await until(() => expect(told.state).toEqual({ '/a': 4 }));
    await until(() => expect(told.stale).toBeUndefined());
    write(file, { '/a': 5 });
    await until(() => expect(told.state).toEqual({ '/a': 5 }));
    expect(told.log.filter((line) => line.startsWith('delete'))).toEqual([]);
  });

  it('follows links to files and directories, and ends where they go round', async () => {
    const dir = temporaryDirectory();
    const elsewhere = temporaryDirectory();
    write(join(elsewhere, 'real.json'), { '/file': 1 });
    write(join(elsewhere, 'sub/b.json'), { '/sub': 1 });
    symlinkSync(join(elsewhere, 'real.json'), join(dir, 'link.json'));
    symlinkSync(join(elsewhere, 'sub'), join(dir, 'linked'));
    symlinkSync(dir, join(elsewhere, 'sub/round'));
    symlinkSync(join(dir, 'nowhere.json'), join(dir, 'dangling.json'));
    const told = await recordLive({ paths: [dir] });
    expect(told.state).toEqual({ '/file': 1, '/sub': 1 });
    expect(told.status.stale).toBeUndefined();
    write(join(elsewhere, 'real.json'), { '/file': 2 });
    await until(() => expect(told.state['/file']).toBe(2));
  });

  it('tells the swap of a mounted ConfigMap as one change', async () => {
    const dir = temporaryDirectory();
    const publish = (version: string, value: number) => {
      write(join(dir, version, 'a.yaml'), { '/a': value });
      write(join(dir, version, 'b.yaml'), { '/b': value });
      symlinkSync(version, join(dir, '..data_tmp'));
      renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
    };
    publish('..2024_1', 1);
    for (const name of ['a.yaml', 'b.yaml']) symlinkSync(join('..data', name), join(dir, name));
    const told = await recordLive({ paths: [dir] });
    expect(told.state).toEqual({ '/a': 1, '/b': 1 });
    for (const value of [2, 3]) {
      publish(`..2024_${value}`, value);
      await until(() => expect(told.state).toEqual({ '/a': value, '/b': value }));
      rmSync(join(dir, `..2024_${value - 1}`), { recursive: true });
    }
    expect(told.events.map(({ type }) => type)).toEqual(['resync', 'change', 'change']);
  });
});
