import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openApt, unpack } from './apt.ts';
import { entryOf, type GoBuild, type ServerName } from './catalogue.ts';
import { cacheDirectory, findIn, findInCache, folderOf, type Stamp, stampFile } from './find.ts';
import { type RunOptions, run } from './run.ts';

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

/**
 * Builds servers from their Go modules: minutes, and gigabytes of disk meanwhile. A `GOMODCACHE` or `GOCACHE` of the environment
 * is used and kept.
 */
export async function buildByGo(names: readonly ServerName[], cache: string = cacheDirectory()): Promise<void> {
  await inWorkspace(cache, async (work) => {
    for (const name of names) {
      const { go, version } = entryOf(name);
      if (go === undefined) continue;
      const cwd = join(work, name);
      const bin = join(work, name, 'folder/bin');
      mkdirSync(bin, { recursive: true });
      const { GOMODCACHE = join(work, 'gomod'), GOCACHE = join(work, 'gocache') } = process.env;
      const env = { GOMODCACHE, GOCACHE, GOFLAGS: '-mod=mod -modcacherw' };
      const options = { cwd, env, timeout: 3_600_000 };
      await prepare(go, options);
      for (const [program, built] of Object.entries(go.programs)) {
        await run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', join(bin, program), built], options);
      }
      await keep(name, join(work, name, 'folder'), { version, packages: {} }, cache);
    }
  });
}

/** Makes a folder a module that requires what is built. */
async function prepare(go: GoBuild, options: RunOptions & { readonly cwd: string }): Promise<void> {
  const { cwd } = options;
  if ('main' in go) {
    mkdirSync(join(cwd, 'main'));
    writeFileSync(join(cwd, 'main/main.go'), go.main);
    writeFileSync(join(cwd, 'go.mod'), 'module servers.local/server\ngo 1.24\n');
    await run('go', ['get', ...go.modules], options);
    return;
  }
  // `go get` heeds neither what it excludes nor the Go that it was made for, by which a program behaves.
  const { Dir } = JSON.parse(await run('go', ['mod', 'download', '-json', go.module], options)) as { Dir: string };
  const own = readFileSync(join(Dir, 'go.mod'), 'utf8')
    .replace(/^module .*$/m, 'module servers.local/server')
    // By folders that do not come with it.
    .replace(/^replace (\([^)]*\)|.*)$/gm, '');
  writeFileSync(join(cwd, 'go.mod'), `${own}\nrequire ${go.module.replace('@', ' ')}\n`);
  writeFileSync(join(cwd, 'go.sum'), readFileSync(join(Dir, 'go.sum')));
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
