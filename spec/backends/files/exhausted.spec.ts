import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

const { watch } = fs;

/** The system has so many watches left, then none. */
function leave(count: number, code: string): void {
  let left = count;
  fs.watch = ((...args: Parameters<typeof watch>) => {
    if (left-- > 0) return watch(...args);
    throw Object.assign(new Error(`${code}: no watches left`), { code });
  }) as typeof watch;
  syncBuiltinESMExports();
}
afterEach(() => {
  fs.watch = watch;
  syncBuiltinESMExports();
});

describe('fromFiles: a system that has no watches or files left', () => {
  it.each([
    ['ENOSPC', 0],
    ['ENOSPC', 7],
    ['EMFILE', 0],
    ['EMFILE', 7],
  ])('%s after %i watches: looks every second instead, and says so', async (code, count) => {
    const dir = temporaryDirectory();
    for (let i = 0; i < 20; i++) write(join(dir, `d${i % 4}/${i}.json`), { [`/${i}`]: 0 });
    leave(count, code);
    const told = await recordLive({ paths: [dir], rescan: 3_600_000 });
    await until(() => expect(told.stale).toMatchObject({ code: 'UNREADABLE', file: dir }));
    expect(told.stale?.message).toMatch(
      new RegExp(`cannot be watched \\(${code}.*changes are found by scanning only$`),
    );
    expect(Object.keys(told.state)).toHaveLength(20);
    for (const i of [0, 19]) write(join(dir, `d${i % 4}/${i}.json`), { [`/${i}`]: 1 });
    await until(() => expect([told.state['/0'], told.state['/19']]).toEqual([1, 1]));
    expect(told.log).toHaveLength(3);
  });

  it('keeps what was read where the watches run out later', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 0 });
    const told = await recordLive({ paths: [dir], rescan: 3_600_000 });
    leave(0, 'ENOSPC');
    write(join(dir, 'new/b.json'), { '/b': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 0, '/b': 1 }));
    await until(() => expect(told.stale?.message).toMatch(/ENOSPC/));
    write(join(dir, 'new/b.json'), { '/b': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 0, '/b': 2 }));
  });
});
