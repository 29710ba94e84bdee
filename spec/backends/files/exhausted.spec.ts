import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild'; // comes with tsx
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

describe('fromFiles: a system that really has none left', { timeout: 90_000 }, () => {
  /** Runs the scenario behind a command that takes things away from it. */
  async function run(what: string, file: string, ...before: readonly string[]): Promise<string[]> {
    const outfile = join(temporaryDirectory(), 'child.mjs');
    const child = fileURLToPath(new URL('../../support/exhaustedChild.ts', import.meta.url));
    await build({ entryPoints: [child], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' });
    // It must end by itself.
    const { stdout } = await promisify(execFile)(file, [...before, process.execPath, outfile, what], {
      timeout: 80_000,
    });
    return stdout.trimEnd().split('\n');
  }
  const limit = (name: string, value: number) => [
    ...['--user', '--map-root-user', 'sh', '-c'],
    `echo ${value} > /proc/sys/user/${name} && exec "$@"`,
    'sh',
  ];
  /** A user namespace has limits of its own; not every system lets everybody make one. */
  const canLimit = spawnSync('unshare', [...limit('max_inotify_watches', 5), 'true']).status === 0;

  it('open files (EMFILE): keeps what it read, says so, and goes on when there are some again', async () => {
    const [live, code, reason, ...rest] = await run('files', 'sh', '-c', 'ulimit -n 64 && exec "$@"', 'sh');
    expect([live, code, rest]).toEqual(['live 20', 'EMFILE', ['changed, 0 deletes', 'healed']]);
    expect(reason).toMatch(/ cannot be read \(EMFILE: too many open files.*; what was last read of it stays/);
  });

  it.runIf(canLimit).each([
    ['watches', 'max_inotify_watches', 5, 'ENOSPC'],
    ['inotify instances', 'max_inotify_instances', 0, 'EMFILE'],
  ])(
    '%s (where a user namespace may be made): looks every second instead, and says so',
    async (_what, name, value, code) => {
      const [live, reason, ...rest] = await run('watches', 'unshare', ...limit(name, value));
      expect([live, rest]).toEqual(['live 20', ['changed, 0 deletes']]);
      expect(reason).toMatch(
        new RegExp(`^\\[rx-datasync/files\\] \\. cannot be watched \\(${code}: .*changes are found by scanning only$`),
      );
    },
  );
});
