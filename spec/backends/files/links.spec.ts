import { chmodSync, linkSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linksOn } from '../../../lib/backends/files/links.ts';
import { type Recorded, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

/** So long that only hints can lead to a scan. */
const rescan = 3_600_000;
const rounds = 20;

/** Lets a link lead elsewhere, in one step. */
function swap(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/** Directories `1`, `2` … below one, each with the file at the same place; and a link to the first. */
function releases(below: string, link: string): { readonly go: (version: number) => void; readonly edit: () => void } {
  const dir = temporaryDirectory();
  for (let version = 0; version <= rounds; version++) write(join(dir, `r${version}`, below), { '/version': version });
  symlinkSync(join(dir, 'r0'), link);
  let now = 0;
  return {
    go: (version) => {
      swap(link, join(dir, `r${version}`));
      now = version;
    },
    edit: () => write(join(dir, `r${now}`, below), { '/version': now, '/edited': now }),
  };
}

/** So many times, each of them one change: the link leads elsewhere, and a file there is edited. */
async function follow(told: Recorded, { go, edit }: ReturnType<typeof releases>, times: number): Promise<void> {
  expect(told.state).toEqual({ '/version': 0 });
  const expected = ['resync initial'];
  for (let version = 1; version <= times; version++) {
    go(version);
    await until(() => expect(told.state).toEqual({ '/version': version }));
    if (version > 1) expected.push(`delete /edited ${version - 1}`);
    expected.push(`put /version ${version - 1} > ${version}`);
    edit();
    await until(() => expect(told.state).toEqual({ '/version': version, '/edited': version }));
    expected.push(`put /edited none > ${version}`);
  }
  expect(told.log).toEqual(expected);
  expect(told.events).toHaveLength(1 + 2 * times);
}

describe('fromFiles: a link that is swapped', { timeout: 120_000 }, () => {
  it('is the configured path', async () => {
    const link = join(temporaryDirectory(), 'current');
    const swapped = releases('a.yaml', link);
    await follow(await recordLive({ paths: [link], rescan }), swapped, rounds);
  });

  it.each([
    ['current', rounds],
    ['current.d', 3],
  ])('lies below the configured path: %s', async (name, times) => {
    const dir = temporaryDirectory();
    const swapped = releases('deep/a.yaml', join(dir, name));
    await follow(await recordLive({ paths: [dir], rescan }), swapped, times);
  });

  it.each([
    ['a directory', 'config'],
    ['a file', 'config/a.yaml'],
    ['a glob', 'config/*.yaml'],
  ])('lies on the way to %s', async (_what, path) => {
    const link = join(temporaryDirectory(), 'current');
    const swapped = releases('config/a.yaml', link);
    await follow(await recordLive({ paths: [join(link, path)], rescan }), swapped, 5);
  });

  it('is one that another one leads to, from outside and from below', async () => {
    const elsewhere = join(temporaryDirectory(), 'second');
    const dir = temporaryDirectory();
    symlinkSync(elsewhere, join(dir, 'first'));
    symlinkSync(join(elsewhere, 'a.yaml'), join(dir, 'file.yaml'));
    const swapped = releases('a.yaml', elsewhere);
    const told = await Promise.all([
      recordLive({ paths: [join(dir, 'first')], rescan }),
      recordLive({ paths: [dir], rescan }),
    ]);
    for (let version = 1; version <= 3; version++) {
      swapped.go(version);
      for (const each of told) await until(() => expect(each.state).toEqual({ '/version': version }));
    }
    expect(told.map(({ events }) => events.length)).toEqual([4, 4]);
  });

  it('gives way to a directory, and comes back', async () => {
    const dir = temporaryDirectory();
    const link = join(dir, 'current');
    const swapped = releases('a.yaml', link);
    const told = await recordLive({ paths: [dir], rescan });
    for (const round of [1, 2, 3]) {
      renameSync(link, join(dir, `.old${round}`));
      write(join(link, 'a.yaml'), { '/version': -round });
      await until(() => expect(told.state).toEqual({ '/version': -round }));
      write(join(link, 'a.yaml'), { '/version': -round, '/edited': 1 });
      await until(() => expect(told.state).toEqual({ '/version': -round, '/edited': 1 }));
      renameSync(link, join(dir, `.dir${round}`));
      symlinkSync('.', link);
      swapped.go(round);
      await until(() => expect(told.state).toEqual({ '/version': round }));
    }
  });

  it('is that of a mounted Secret, whose files only their owner can read', async () => {
    const dir = temporaryDirectory();
    const names = ['a.yaml', 'b.json'];
    const publish = (version: number) => {
      for (const name of names) {
        write(join(dir, `..${version}`, name), { [`/${name}`]: version });
        chmodSync(join(dir, `..${version}`, name), 0o400);
      }
      chmodSync(join(dir, `..${version}`), 0o755);
      swap(join(dir, '..data'), `..${version}`);
      rmSync(join(dir, `..${version - 1}`), { recursive: true, force: true });
    };
    publish(0);
    for (const name of names) symlinkSync(join('..data', name), join(dir, name));
    const told = await recordLive({ paths: [dir], rescan });
    const one = await recordLive({ paths: [join(dir, 'a.yaml')], rescan });
    for (let version = 1; version <= rounds; version++) {
      publish(version);
      await until(() => expect(told.state).toEqual({ '/a.yaml': version, '/b.json': version }));
      await until(() => expect(one.state).toEqual({ '/a.yaml': version }));
    }
    expect([told.events.length, one.events.length]).toEqual([rounds + 1, rounds + 1]);
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
  });
});

describe('fromFiles: many ways to one file', () => {
  it('reads it once, by the first of them', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'real/b.yaml'), { '/b': 1 });
    write(join(dir, 'real/c.yaml'), 'broken: [');
    symlinkSync('real', join(dir, 'linked'));
    symlinkSync('real/b.yaml', join(dir, 'again.yaml'));
    const other = join(temporaryDirectory(), 'other');
    symlinkSync(dir, other);
    const told = await recordLive({ paths: [join(other, 'real/b.yaml'), dir, other, join(dir, '**/b.yaml')], rescan });
    expect(told.log).toEqual(['resync initial']);
    expect(told.events[0]).toMatchObject({ rejected: [] });
    expect(told.stale?.message).toContain(`${join(dir, 'linked/c.yaml')}:`);
    expect(told.stale?.message).not.toContain('more)');
    write(join(dir, 'real/b.yaml'), { '/b': 2 });
    await until(() => expect(told.state).toEqual({ '/b': 2 }));
    rmSync(join(dir, 'again.yaml'));
    rmSync(join(dir, 'linked'));
    write(join(dir, 'real/c.yaml'), { '/c': 1 });
    await until(() => expect(told.state).toEqual({ '/b': 2, '/c': 1 }));
    expect(told.log.filter((line) => /^(delete|reject)/.test(line))).toEqual([]);
  });

  it('says of two files that are equal, or one by two names of its own, that a key comes twice', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/a': 1 });
    linkSync(join(dir, 'a.yaml'), join(dir, 'b.yaml'));
    const told = await recordLive({ paths: [dir] });
    expect(told.events[0]).toMatchObject({ rejected: [{ key: '/a', error: { code: 'DUPLICATE_KEY' } }] });
  });

  it('reads directories that all lead to each other, each file once', async () => {
    const dir = temporaryDirectory();
    const names = Array.from({ length: 6 }, (_, i) => `d${i}`);
    for (const name of names) {
      write(join(dir, name, 'a.json'), { [`/${name}`]: 0 });
      write(join(dir, name, 'sub/b.json'), { [`/${name}/sub`]: 0 });
      for (const other of names.filter((each) => each !== name)) symlinkSync(`../${other}`, join(dir, name, other));
    }
    const told = await recordLive({ paths: [dir], rescan });
    expect(told.followed.size).toBe(12);
    expect([told.events[0], told.stale]).toMatchObject([{ rejected: [] }, undefined]);
    write(join(dir, 'd5/sub/b.json'), { '/d5/sub': 1 });
    await until(() => expect(told.state['/d5/sub']).toBe(1));
    expect(told.log).toEqual(['resync initial', 'put /d5/sub 0 > 1']);
  });

  it('takes a link to what lies beside it where a glob asks for the link', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'r1/x/a.yaml'), { '/a': 1 });
    symlinkSync('r1', join(dir, 'use1'));
    mkdirSync(join(dir, 'use2'));
    symlinkSync('../r1/x', join(dir, 'use2/x'));
    expect((await recordLive({ paths: [join(dir, 'use1/*/*.yaml')] })).state).toEqual({ '/a': 1 });
    expect((await recordLive({ paths: [join(dir, 'use*/x/*.yaml')] })).state).toEqual({ '/a': 1 });
    expect((await recordLive({ paths: [dir], ignore: ['r1/**', 'use1'] })).state).toEqual({ '/a': 1 });
  });
});

describe('linksOn', () => {
  it('names each link on the way, also those to which others lead, up to where it breaks off', async () => {
    const dir = realpathSync(temporaryDirectory());
    mkdirSync(join(dir, 'real/sub'), { recursive: true });
    symlinkSync('../two', join(dir, 'real/one'));
    symlinkSync(join(dir, 'real'), join(dir, 'two'));
    symlinkSync('nowhere', join(dir, 'broken'));
    symlinkSync('round', join(dir, 'round'));
    const names = async (path: string) =>
      (await linksOn(join(dir, path))).map((link) => join(link.directory, link.name).slice(dir.length + 1));
    expect(await names('real/sub')).toEqual([]);
    expect(await names('real/one/one/sub')).toEqual(['real/one', 'two', 'real/one', 'two']);
    expect(await names('broken/x')).toEqual(['broken']);
    expect(await names('nothing/two')).toEqual([]);
    expect(new Set(await names('round'))).toEqual(new Set(['round']));
    expect(readdirSync(dir)).toHaveLength(4);
  });
});
