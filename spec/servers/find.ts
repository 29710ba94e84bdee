import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { entryOf, type ServerName } from './catalogue.ts';
import { run } from './run.ts';

/** Programs of a server that are ready to run. */
export interface Found {
  readonly version: string;
  /** Where each program is, by its name. */
  readonly programs: Readonly<Record<string, string>>;
  /** What they need in the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Written last into a folder of the cache: what lies there. */
export interface Stamp {
  readonly version: string;
  /** SHA-256 of each package it was made from. */
  readonly packages: Readonly<Record<string, string>>;
}

/** The name of the stamp file. */
export const stampFile = 'stamp.json';

/** Where servers are kept: of the project, unless `DATASYNC_SERVERS` names a folder that several copies of it share. */
export function cacheDirectory(): string {
  return resolve(process.env['DATASYNC_SERVERS'] ?? join(import.meta.dirname, '../../.cache/servers'));
}

/** The folder of one server in the cache. */
export function folderOf(name: ServerName, cache: string = cacheDirectory()): string {
  return join(cache, `${name.replace(/-.*/, '')}-${entryOf(name).version}`);
}

/** The cache stands before PATH, so that every machine tests the same server. */
export async function find(name: ServerName, cache: string = cacheDirectory()): Promise<Found | undefined> {
  return (await findInCache(name, cache)) ?? (await findOnPath(name));
}

/** A folder that has its stamp and all programs, whose server starts and says the version of the catalogue. */
export function findInCache(name: ServerName, cache: string): Promise<Found | undefined> {
  return findIn(folderOf(name, cache), name);
}

/** The same for any folder. */
export async function findIn(folder: string, name: ServerName): Promise<Found | undefined> {
  const { version, programs } = entryOf(name);
  if (readStamp(folder)?.version !== version) return undefined;
  const found = {
    version,
    programs: Object.fromEntries(programs.map((program) => [program, join(folder, 'bin', program)])),
    env: existsSync(join(folder, 'lib')) ? { LD_LIBRARY_PATH: join(folder, 'lib') } : {},
  };
  // One that was made before the catalogue asked for more.
  if (!Object.values(found.programs).every((path) => existsSync(path))) return undefined;
  return (await versionOf(found.programs[programs[0]!]!, found.env)) === version ? found : undefined;
}

/** All programs on PATH, of the same major and minor version. */
async function findOnPath(name: ServerName): Promise<Found | undefined> {
  const { version, programs } = entryOf(name);
  const paths = programs.map((program) => [program, onPath(program)] as const);
  const server = paths[0]?.[1];
  if (server === undefined || paths.some(([, path]) => path === undefined)) return undefined;
  const actual = await versionOf(server, {});
  const line = (of: string) => of.split('.').slice(0, 2).join('.');
  if (actual === undefined || line(actual) !== line(version)) return undefined;
  return { version: actual, programs: Object.fromEntries(paths) as Record<string, string>, env: {} };
}

function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

async function versionOf(program: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  try {
    return /\d+\.\d+\.\d+/.exec(await run(program, ['--version'], { env }))?.[0];
  } catch {
    return undefined; // not for this machine, or a library is missing
  }
}

function readStamp(folder: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, stampFile), 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}
