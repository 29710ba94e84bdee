import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { extensions, hasFormat } from './formats.ts';
import type { Root } from './root.ts';
import { isStatusFile } from './statusFiles.ts';
import type { WatchTarget } from './watchTarget.ts';

/** The files that hold the entries, as the directories show them. */
export interface Listing {
  /** In the order of precedence: as configured, then by name. */
  readonly files: readonly string[];
  /** Files and directories that could not be looked into: what is known of them stays. They stand among `files`, in order. */
  readonly unreadable: ReadonlySet<string>;
  readonly problems: readonly DatasyncError[];
  /** What has to be watched for each configured path; `undefined`: nothing that exists. */
  readonly targets: ReadonlyMap<string, WatchTarget | undefined>;
  /** The stamps of all directories, from before they were read. */
  readonly directories: ReadonlyMap<string, string>;
}

/** What identifies the contents of a file, or the names in a directory. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

/** Whether an error says that there is nothing at that path. */
export function isAbsence(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** What the status says of a path that cannot be read. */
export function unreadable(path: string, cause: unknown): DatasyncError {
  const what = isAbsence(cause) ? 'does not exist' : `cannot be read (${messageOf(cause)})`;
  return new DatasyncError('UNREADABLE', `${path} ${what}; what was last read of it stays`, {
    cause,
    backend: 'files',
    file: path,
  });
}

/** A look at a path, following links. */
export function look(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true });
}

/** What has to be watched for a configured path: itself if it is a directory, else its name in the one above. */
export async function targetOf(root: Root): Promise<WatchTarget | undefined> {
  const { path } = root;
  try {
    const stats = await look(path);
    if (stats.isDirectory()) return { directory: path, identity: watchedIdentityOf(stats), root };
  } catch {
    // It may come into being.
  }
  try {
    const directory = dirname(path);
    return { directory, identity: watchedIdentityOf(await look(directory)), only: basename(path) };
  } catch {
    return undefined;
  }
}

/** Inode numbers are used again, at once by some file systems: only with the time of birth do they tell two objects apart. */
function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** A watcher that was armed while a directory could not be read sees nothing in it later. */
function watchedIdentityOf(stats: BigIntStats): string {
  return `${identityOf(stats)}:${stats.mode}:${stats.uid}`;
}

/**
 * Lists all files below the configured paths, links followed.
 *
 * Names that start with a dot are left out below a directory: editors' swap and lock files, `.git`, and the `..data` of a
 * mounted ConfigMap, whose files are seen through the links beside it; and the status files that this process writes. A configured
 * path may have any name.
 */
export async function list(roots: readonly Root[], missing: 'keep' | 'empty', signal: AbortSignal): Promise<Listing> {
  const listing = new Lister(missing, signal);
  for (const root of roots) await listing.root(root);
  return listing;
}

/** On the way down. */
interface Place {
  readonly root: Root;
  /** Below the root, with `/` between the names and behind the last one. */
  readonly below: string;
  readonly depth: number;
  /** The directories on the way: a link back to one of them would never end. */
  readonly above: readonly string[];
}

class Lister implements Listing {
  readonly files: string[] = [];
  readonly unreadable: Set<string> = new Set();
  readonly problems: DatasyncError[] = [];
  readonly targets: Map<string, WatchTarget | undefined> = new Map();
  readonly directories: Map<string, string> = new Map();
  readonly #missing: 'keep' | 'empty';
  readonly #signal: AbortSignal;

  constructor(missing: 'keep' | 'empty', signal: AbortSignal) {
    this.#missing = missing;
    this.#signal = signal;
  }

  async root(root: Root): Promise<void> {
    const { name, path, isGlob } = root;
    this.targets.set(name, await targetOf(root));
    let stats: BigIntStats;
    try {
      stats = await look(path);
    } catch (error) {
      this.#absent(path, error);
      return;
    }
    if (stats.isDirectory()) return this.#directory(path, stats, { root, below: '', depth: 0, above: [] });
    if (stats.isFile() && !isGlob && hasFormat(path)) {
      this.files.push(path);
      return;
    }
    const what =
      stats.isFile() && !isGlob ? `of an unknown format; known are ${extensions}` : `not ${expected(isGlob)}`;
    this.#keep(path, new DatasyncError('INVALID_CONFIG', `${path} is ${what}`, { backend: 'files', file: path }));
  }

  async #directory(path: string, stats: BigIntStats, place: Place): Promise<void> {
    const { root, below, depth, above } = place;
    const identity = identityOf(stats);
    if (above.includes(identity)) return;
    this.directories.set(path, stampOf(stats));
    try {
      const entries = await readdir(path, { withFileTypes: true });
      this.#signal.throwIfAborted();
      entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const entry of entries) {
        const child = below + entry.name;
        if (entry.name.startsWith('.') || root.ignores(child)) continue;
        if (entry.isFile()) this.#file(join(path, entry.name), child, root);
        else await this.#other(join(path, entry.name), child, { root, below, depth, above: [...above, identity] });
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      // A directory that is gone has changed the one above it, which will be read again.
      if (depth === 0) this.#absent(path, error);
      else if (!isAbsence(error)) this.#keep(path, unreadable(path, error));
    }
  }

  /** A directory, a link, or something else. */
  async #other(path: string, below: string, place: Place): Promise<void> {
    const { root, depth } = place;
    let stats: BigIntStats;
    try {
      stats = await look(path);
    } catch (error) {
      if (!isAbsence(error)) this.#keep(path, unreadable(path, error));
      return;
    }
    if (stats.isFile()) this.#file(path, below, root);
    else if (stats.isDirectory() && depth < root.depth)
      await this.#directory(path, stats, { ...place, below: `${below}/`, depth: depth + 1 });
  }

  #file(path: string, below: string, root: Root): void {
    if (hasFormat(path) && root.wants(below) && !isStatusFile(path)) this.files.push(path);
  }

  #absent(path: string, error: unknown): void {
    if (this.#missing === 'keep' || !isAbsence(error)) this.#keep(path, unreadable(path, error));
  }

  #keep(path: string, problem: DatasyncError): void {
    this.files.push(path);
    this.unreadable.add(path);
    this.problems.push(problem);
  }
}

function expected(isGlob: boolean): string {
  return isGlob ? 'a directory, as the glob needs it' : 'a file or a directory';
}
