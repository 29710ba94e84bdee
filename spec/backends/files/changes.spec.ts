import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('fromFiles: files that change', () => {
  it('tells all files at once, then each change with its previous value', async () => {
    const dir = temporaryDirectory();
    const a = join(dir, 'a.yaml');
    write(a, { '/a': { mtu: 1500 }, '/b': 1 });
    write(join(dir, 'deep/er/c.json'), { '/c': [1] });
    const told = await recordLive({ paths: [dir] });
    expect(told.state).toEqual({ '/a': { mtu: 1500 }, '/b': 1, '/c': [1] });

    write(a, { '/a': { mtu: 9000 }, '/d': 2 });
    await until(() => expect(told.state).toEqual({ '/a': { mtu: 9000 }, '/c': [1], '/d': 2 }));
    expect(told.log).toEqual([
      'resync initial',
      'delete /b 1',
      'put /a {"mtu":1500} > {"mtu":9000}',
      'put /d none > 2',
    ]);
    expect(told.events[1]).toMatchObject({ type: 'change', epoch: 1, revision: 2, coalesced: true });
  });

  it('tells files added, removed and made again, with the values of then', async () => {
    const dir = temporaryDirectory();
    const told = await recordLive({ paths: [dir] });
    expect(told.state).toEqual({});
    const file = join(dir, 'a.json');
    write(file, { '/a': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1 }));
    rmSync(file);
    await until(() => expect(told.state).toEqual({}));
    write(file, { '/a': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 2 }));
    expect(told.log).toEqual(['resync initial', 'put /a none > 1', 'delete /a 1', 'put /a none > 2']);
  });

  it('does not tell what stays the same: another layout, a rename, a move to another directory', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': { x: 1 } });
    const told = await recordLive({ paths: [dir] });
    write(join(dir, 'a.json'), '{"data":[{"key":"/a","value":{"x":1}}]}');
    await settled();
    renameSync(join(dir, 'a.json'), join(dir, 'z.json'));
    await settled();
    write(join(dir, 'deep/b.json'), { '/b': 1 });
    await until(() => expect(told.state['/b']).toBe(1));
    renameSync(join(dir, 'z.json'), join(dir, 'deep/z.json'));
    await settled();
    expect(told.log).toEqual(['resync initial', 'put /b none > 1']);

    /** A change somewhere else, told: what was before it has been seen too. */
    async function settled(): Promise<void> {
      const before = told.log.length;
      const probe = join(dir, 'probe.json');
      write(probe, { '/probe': 1 });
      await until(() => expect(told.state['/probe']).toBe(1));
      rmSync(probe);
      await until(() => expect(told.state['/probe']).toBeUndefined());
      const news = told.log.splice(before);
      told.events.splice(-news.length);
      expect(news).toEqual(['put /probe none > 1', 'delete /probe 1']);
    }
  });

  it('tells an entry that moves to another file and changes as one change', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1, '/b': 1 });
    write(join(dir, 'b.json'), {});
    const told = await recordLive({ paths: [dir] });
    write(join(dir, 'a.json'), { '/a': 1 });
    write(join(dir, 'b.json'), { '/b': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 1, '/b': 2 }));
    expect(told.log).toEqual(['resync initial', 'put /b 1 > 2']);
  });

  it('lets the first path win a key, then the first name; the loser appears when the winner goes', async () => {
    const dir = temporaryDirectory();
    const [first, second] = [join(dir, 'second'), join(dir, 'first')];
    write(join(first, 'b.json'), { '/k': 'first b' });
    write(join(first, 'c.json'), { '/k': 'first c' });
    write(join(second, 'a.json'), { '/k': 'second a' });
    const told = await recordLive({ paths: [first, second] });
    expect(told.state).toEqual({ '/k': 'first b' });
    write(join(first, 'c.json'), { '/k': 'first c, changed' });
    rmSync(join(first, 'b.json'));
    await until(() => expect(told.state).toEqual({ '/k': 'first c, changed' }));
    write(join(first, 'c.json'), {});
    await until(() => expect(told.state).toEqual({ '/k': 'second a' }));
    write(join(first, 'a.json'), { '/k': 'first a' });
    await until(() => expect(told.state).toEqual({ '/k': 'first a' }));
    expect(told.log.filter((line) => line.startsWith('delete'))).toEqual([]);
  });

  it('tells keys under the prefixes only, byte for byte', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/if/a': 1, '/if2/b': 1, '/if': 1, '/route/c': 1, '/route': 1 });
    const told = await recordLive({ paths: [dir], prefixes: ['/if/', '/route'] });
    expect(Object.keys(told.state)).toEqual(['/if/a', '/route/c', '/route']);
    write(join(dir, 'a.yaml'), { '/if/a': 2, '/if2/b': 2, '/if': 2 });
    await until(() => expect(told.state).toEqual({ '/if/a': 2 }));
    expect(told.log.slice(1)).toEqual(['delete /route 1', 'delete /route/c 1', 'put /if/a 1 > 2']);
  });

  it('takes no notice of other files, of hidden ones, and of what editors leave', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    for (const name of [
      'b.json~',
      '.b.json',
      '.b.json.swp',
      'b.txt',
      '4913',
      '#b.json#',
      '.git/b.json',
      '..b/b.json',
      'b.json.tmp',
    ]) {
      write(join(dir, name), '{"data": [{"key": "/b", "value": 1}]}');
    }
    const told = await recordLive({ paths: [dir] });
    expect(told.state).toEqual({ '/a': 1 });
    expect(told.status.stale).toBeUndefined();
  });

  it('takes a configured path whatever its name, also below a hidden directory, and each file once', async () => {
    const dir = join(temporaryDirectory(), '.hidden');
    const file = join(dir, '.a.json');
    write(file, { '/a': 1 });
    write(join(dir, 'b.json'), { '/b': 1 });
    const told = await recordLive({ paths: [file, dir, dir] });
    expect(told.state).toEqual({ '/a': 1, '/b': 1 });
    write(file, { '/a': 2 });
    await until(() => expect(told.state['/a']).toBe(2));
  });
});
