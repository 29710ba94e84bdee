import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openApt, unpack } from './apt.ts';
import { entryOf, type ServerName } from './catalogue.ts';
import { cacheDirectory, findIn, findInCache, folderOf, type Stamp, stampFile } from './find.ts';
import { run } from './run.ts';

/** Fetches servers as Debian packages into the cache, all with one index. Does not fetch what is there. */
export async function fetchByApt(names: readonly ServerName[], cache: string = cacheDirectory()): Promise<void> {
  await inWorkspace(cache, async (work) => {
    const packages = names.flatMap((name) => entryOf(name).debs ?? []);
    const releases = [...new Set(packages.map((each) => each.replace(/.*\//, '')))].sort();
    const download = await openApt(join(work, 'apt'), releases);
    for (const name of names) {
      const { debs = [], links = {}, version, programs, bringsLibc = false } = entryOf(name);
      await download(debs, join(work, name, 'debs'));
      const packages = await unpack(join(work, name, 'debs'), join(work, name, 'root'));
      const folder = join(work, name, 'folder');
      cpSync(join(work, name, 'root/usr/bin'), join(folder, 'bin'), { recursive: true, verbatimSymlinks: true });
      copyLibraries(join(work, name, 'root/usr/lib'), join(folder, 'lib'));
      for (const [link, target] of Object.entries(links)) {
        rmSync(join(folder, 'bin', link), { force: true });
        symlinkSync(target, join(folder, 'bin', link));
      }
      if (bringsLibc) startByLoader(folder, programs);
      await keep(name, folder, { version, packages }, cache);
    }
  });
}

/** Builds servers from their Go modules: minutes, and gigabytes of disk meanwhile. */
export async function buildByGo(names: readonly ServerName[], cache: string = cacheDirectory()): Promise<void> {
  await inWorkspace(cache, async (work) => {
    for (const name of names) {
      const { go, version } = entryOf(name);
      if (go === undefined) continue;
      const cwd = join(work, name);
      const bin = join(work, name, 'folder/bin');
      mkdirSync(join(cwd, 'etcd'), { recursive: true });
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(cwd, 'go.mod'), 'module servers.local/etcd\ngo 1.24\n');
      writeFileSync(join(cwd, 'etcd/main.go'), go.main);
      const env = { GOMODCACHE: join(work, 'gomod'), GOCACHE: join(work, 'gocache'), GOFLAGS: '-mod=mod -modcacherw' };
      const options = { cwd, env, timeout: 3_600_000 };
      await run('go', ['get', ...go.modules], options);
      for (const [program, built] of Object.entries(go.programs)) {
        await run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', join(bin, program), built], options);
      }
      await keep(name, join(work, name, 'folder'), { version, packages: {} }, cache);
    }
  });
}

/**
 * Moves a folder into the cache in one step: who races us finds all of it or nothing, and the second to come throws its own
 * away. What is there and does not start is moved out of the way.
 *
 * @param folder on the file system of the cache; the caller removes what is left beside it
 */
export async function keep(name: ServerName, folder: string, stamp: Stamp, cache: string): Promise<void> {
  writeFileSync(join(folder, stampFile), `${JSON.stringify(stamp, undefined, 2)}\n`);
  if ((await findIn(folder, name)) === undefined) throw new Error(`${name} was made in ${folder}, but does not start`);
  const target = folderOf(name, cache);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return renameSync(folder, target);
    } catch (error) {
      if ((await findInCache(name, cache)) !== undefined) return;
      if (attempt > 10) throw error;
      try {
        renameSync(target, `${folder}-broken-${attempt}`);
      } catch {
        // Somebody else did it.
      }
    }
  }
}

async function inWorkspace(cache: string, work: (directory: string) => Promise<void>): Promise<void> {
  mkdirSync(cache, { recursive: true });
  // Beside the target: a rename must not leave the file system.
  const directory = mkdtempSync(join(cache, '.work-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Its programs become scripts that start them by the loader of their own libc. The libraries go where nobody looks for them: no
 * program of the machine may find them, the shell of the scripts neither.
 */
function startByLoader(folder: string, programs: readonly string[]): void {
  renameSync(join(folder, 'lib'), join(folder, 'loaded'));
  renameSync(join(folder, 'bin'), join(folder, 'programs'));
  const loader = readdirSync(join(folder, 'loaded')).find((name) => /^ld-linux.*\.so\.\d$/.test(name));
  mkdirSync(join(folder, 'bin'));
  for (const program of programs) {
    const start = `exec "$at/loaded/${loader}" --library-path "$at/loaded" "$at/programs/${program}" "$@"`;
    writeFileSync(join(folder, 'bin', program), `#!/bin/sh\nat=$(dirname "$0")/..\n${start}\n`, { mode: 0o755 });
  }
}

/** Shared libraries lie in a folder per architecture; a server needs them in one. */
function copyLibraries(from: string, to: string): void {
  if (!existsSync(from)) return;
  for (const architecture of readdirSync(from).filter((name) => name.endsWith('-linux-gnu'))) {
    cpSync(join(from, architecture), to, { recursive: true, verbatimSymlinks: true });
  }
}
