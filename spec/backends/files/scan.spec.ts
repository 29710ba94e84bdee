import { renameSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveFilesOptions } from '../../../lib/backends/files/config.ts';
import { nothingScanned, type Scanned, scan } from '../../../lib/backends/files/scan.ts';
import { temporaryDirectory, write } from '../../support/files.ts';

/** What happens while the file system answers. */
const during = vi.hoisted(() => ({
  readFile: (_path: string) => {},
  readdir: (_path: string) => {},
  stat: (_path: string) => {},
  reads: 0,
}));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const readFile = async (path: string, options: object) => {
    during.reads++;
    const bytes = await real.readFile(path, options);
    during.readFile(path);
    return bytes;
  };
  const readdir = async (path: string, options: { withFileTypes: true }) => {
    const entries = await real.readdir(path, options);
    during.readdir(path);
    return entries;
  };
  const stat = (path: string, options: object) =>
    real.stat(path, options).finally(() => {
      during.stat(path);
    });
  return { ...real, readFile, readdir, stat };
});

/** Moves our clock: the file system's stays. */
let ahead = 0;
/** Stops it: a busy machine lets more time pass than a spec may wait. */
let stopped: number | undefined;

beforeEach(() => {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => stopped ?? now() + ahead);
});
afterEach(() => {
  vi.restoreAllMocks();
  ahead = 0;
  stopped = undefined;
  Object.assign(during, { readFile: () => undefined, readdir: () => undefined, stat: () => undefined, reads: 0 });
});

const scanning = (...paths: string[]) => resolveFilesOptions('scan', { paths });
const look = (path: string | readonly string[], last: Scanned = nothingScanned) =>
  scan(scanning(...[path].flat()), last, new AbortController().signal);
const keysOf = ({ files }: Scanned) => [...files.values()].flatMap(({ entries }) => [...(entries?.keys() ?? [])]);

describe('scan', () => {
  it('believes a file when it has stood still', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    stopped = statSync(join(dir, 'a.json')).ctimeMs + 20;
    const young = await look(dir);
    expect([keysOf(young), young.waiting, young.unsettled, during.reads]).toEqual([[], true, true, 0]);
    stopped += 1_000;
    const old = await look(dir, young);
    expect([keysOf(old), old.waiting, old.unsettled]).toEqual([['/a'], false, false]);
  });

  it('reads a file again only when it looks different: not for a time that somebody set back, but for its change', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.json');
    write(file, { '/a': 1 });
    ahead = 1_000;
    const first = await look(dir);
    const second = await look(dir, first);
    expect([during.reads, second.files.get(file)]).toEqual([1, first.files.get(file)]);
    write(file, { '/b': 1 });
    utimesSync(file, 0, 0);
    const third = await look(dir, second);
    expect([during.reads, keysOf(third)]).toEqual([2, ['/b']]);
  });

  it('reads a file that never stands still after a while, and then again', async () => {
    const dir = temporaryDirectory();
    let last = await look(dir);
    for (let value = 0; value < 200 && keysOf(last).length === 0; value++) {
      const file = join(dir, 'a.json');
      write(file, { '/a': value });
      stopped = statSync(file).ctimeMs;
      last = await look(dir, last);
      await pause(5);
    }
    stopped = undefined;
    expect([keysOf(last), last.waiting, last.unsettled, during.reads]).toEqual([['/a'], false, true, 1]);
    ahead = 1_000;
    expect((await look(dir, last)).unsettled).toBe(false);
    expect(during.reads).toBe(2);
  });

  it('does not believe what changes while it is read; for ever, that is a problem', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.json');
    write(file, { '/a': 0 });
    ahead = 1_000;
    const good = await look(dir);
    let writes = 0;
    during.readFile = () => write(file, { [`/${'x'.repeat(++writes)}`]: 1 });
    during.readFile(file);
    let last = await look(dir, good);
    expect([keysOf(last), last.waiting, last.problems]).toEqual([['/a'], true, []]);
    ahead = 10_000;
    last = await look(dir, last);
    expect([keysOf(last), last.waiting]).toEqual([['/a'], false]);
    expect(last.problems).toMatchObject([
      { code: 'UNREADABLE', file, message: expect.stringContaining('changes all the time') },
    ]);
    during.readFile = () => undefined;
    last = await look(dir, last);
    expect([keysOf(last), last.problems]).toEqual([[`/${'x'.repeat(writes)}`], []]);
  });

  it('does not believe directories that change while they are read, but not for ever', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    let made = 0;
    during.readdir = () => write(join(dir, `${++made}.txt`), '');
    ahead = 1_000;
    const first = await look(dir);
    expect([keysOf(first), first.waiting, first.unsettled, made]).toEqual([['/a'], true, true, 5]);
    ahead = 10_000;
    const second = await look(dir, first);
    expect([second.waiting, second.unsettled]).toEqual([false, true]);
    during.readdir = () => undefined;
    expect(await look(dir, second)).toMatchObject({ waiting: false, unsettled: false });
  });

  it('tells a file that cannot be read from one that has changed since, and still cannot be read', async () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'a.json');
    write(file, { '/a': 1 });
    ahead = 1_000;
    during.readFile = () => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    };
    const first = await look(dir);
    const second = await look(dir, first);
    expect(second.hidden).toEqual(first.hidden);
    write(file, { '/a': 1, '/b': 1 });
    expect([...(await look(dir, second)).hidden.keys()]).toEqual([file]);
    expect((await look(dir, second)).hidden).not.toEqual(first.hidden);
  });

  it('finds a file that is renamed behind its back', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'b/x.json'), { '/x': 1 });
    write(join(dir, 'a/y.json'), { '/y': 1 });
    ahead = 1_000;
    // a has been read, b comes next: the file moves from where it will not be any more to where nobody looks again.
    during.readdir = (path) => {
      if (!path.endsWith('/a')) return;
      during.readdir = () => undefined;
      renameSync(join(dir, 'b/x.json'), join(dir, 'a/x.json'));
    };
    expect(keysOf(await look(dir)).sort()).toEqual(['/x', '/y']);
  });

  it.each([
    ['a configured path that was not there', ['b.json', 'd']],
    ['what a link leads to that led nowhere', ['links', 'd']],
  ])('finds a file that is renamed to %s', async (_where, paths) => {
    // Whichever look at it this follows.
    for (const after of [1, 2, 3]) {
      const dir = temporaryDirectory();
      const at = (name: string) => join(dir, name);
      write(at('d/other.json'), {});
      write(at('d/a.json'), { '/x': 1 });
      write(at('links/other.json'), {});
      symlinkSync('../b.json', at('links/to.json'));
      ahead = 1_000;
      const first = await look(paths.map(at));
      let looks = 0;
      during.stat = (path) => {
        if (['b.json', 'links/to.json'].map(at).includes(path) && ++looks === after)
          renameSync(at('d/a.json'), at('b.json'));
      };
      expect(keysOf(await look(paths.map(at), first))).toEqual(['/x']);
    }
  });

  it('stops when it is told to', async () => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 100; i++) write(join(dir, `${i}.json`), { [`/${i}`]: 1 });
    ahead = 1_000;
    const controller = new AbortController();
    during.readFile = () => controller.abort();
    await expect(scan(scanning(dir), nothingScanned, controller.signal)).rejects.toThrow(/abort/i);
    expect(during.reads).toBeLessThanOrEqual(32);
  });
});
