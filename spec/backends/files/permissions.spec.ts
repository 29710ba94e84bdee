import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild'; // comes with tsx
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/files.ts';

/** A user with a number and no rights. */
const nobody = 65_534;

/** The scenario as one file that anybody may read, run by somebody whom permissions concern. */
async function run(blip: string): Promise<string[]> {
  const directory = temporaryDirectory();
  const outfile = join(directory, 'child.mjs');
  const child = fileURLToPath(new URL('../../support/permissionsChild.ts', import.meta.url));
  await build({ entryPoints: [child], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' });
  for (const path of [directory, outfile]) chmodSync(path, 0o755);
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const { stdout } = await promisify(execFile)(process.execPath, [outfile, blip], {
    cwd: directory,
    // It must end by itself: a watcher that was not closed would keep it.
    timeout: 50_000,
    ...user,
  });
  return stdout.trimEnd().split('\n');
}

/** What is to be told of each write. */
const written = (from: number) => ['put /a.json', `a.json ${from}`, 'put /sub/b.json', `sub/b.json ${from + 1}`];

describe('fromFiles: permissions that are lost and given back', { timeout: 60_000 }, () => {
  it('keeps what was read, is stale meanwhile, and hears of every write after it, and leaves nothing open', async () => {
    expect(await run('noticed')).toEqual([
      'live',
      ...['a.json', 'sub/b.json', 'sub', '.'].flatMap((target, i) => [
        `${target} stale`,
        `${target} healed`,
        ...written(2 * i + 1),
      ]),
    ]);
  });

  // So short that no scan, or just one, sees it: the watcher lets go of what it cannot read all the same.
  it.each(['0', '5', '30', '90'])('hears of every write after %s ms without them', async (blip) => {
    const told = await run(blip);
    expect(told).toEqual(['live', ...[1, 3, 5, 7].flatMap(written)]);
  });
});
