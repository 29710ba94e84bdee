import type { BigIntStats } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { doubt, doubted, type Filled, type FilledRoots } from './emptied.ts';
import { extensions, hasFormat } from './formats.ts';
import { linksOn } from './links.ts';
import type { Root } from './root.ts';
import { identityOf, isAbsence, look, stampOf, watchedIdentityOf } from './stats.ts';
import { canonical, isStatusFile } from './statusFiles.ts';
import { addLink, type Targets, targetsOf } from './targets.ts';
import type { WatchTarget } from './watchTarget.ts';

/** The files that hold the entries, as the directories show them. */
export interface Listing {
  /** In the order of precedence: as configured, then by name. One that several names lead to stands here once, by the first of them. */
  readonly files: readonly string[];
  /** Files and directories that could not be looked into: what is known of them stays. They stand among `files`, in order. */
  readonly unreadable: ReadonlySet<string>;
  readonly problems: readonly DatasyncError[];
  readonly targets: Targets;
  /** The configured directories that have files, or had them and are not believed to be empty. */
  readonly filled: FilledRoots;
  /** The stamps of all directories, from before they were read. */
  readonly directories: ReadonlyMap<string, string>;
  /** Configured paths, and links, at which there was nothing. */
  readonly absent: ReadonlySet<string>;
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

/**
 * Lists all files below the configured paths, links followed. A link inside of what a link leads to is not followed into a
 * directory that was read already: directories that lead to each other would be read in every order.
 *
 * Names that start with a dot are left out below a directory: editors' swap and lock files, `.git`, and the `..data` of a
 * mounted ConfigMap, whose files are seen through the links beside it; and the status files that this process writes. A configured
 * path may have any name.
 *
 * @param before what the listing before this one found
 */
export async function list(
  roots: readonly Root[],
  missing: 'keep' | 'empty',
  before: FilledRoots,
  signal: AbortSignal,
): Promise<Listing> {
  const listing = new Lister(missing, before, await targetsOf(roots), signal);
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
  /** There is a link on the way. */
  readonly linked: boolean;
  /** What was read for this root. */
  readonly read: Set<string>;
}

class Lister implements Listing {
  readonly files: string[] = [];
  readonly unreadable: Set<string> = new Set();
  readonly problems: DatasyncError[] = [];
  readonly targets: Map<string, WatchTarget | undefined>;
  readonly directories: Map<string, string> = new Map();
  readonly absent: Set<string> = new Set();
  readonly filled: Map<string, Filled> = new Map();
  /** The files without any link. */
  readonly #seen = new Set<string>();
  /** Files found, by whatever name. */
  #found = 0;
  readonly #missing: 'keep' | 'empty';
  readonly #before: FilledRoots;
  readonly #signal: AbortSignal;

  constructor(
    missing: 'keep' | 'empty',
    before: FilledRoots,
    targets: Map<string, WatchTarget | undefined>,
    signal: AbortSignal,
  ) {
    this.targets = targets;
    this.#missing = missing;
    this.#before = before;
    this.#signal = signal;
  }

  async root(root: Root): Promise<void> {
    const { name, path, isGlob } = root;
    let stats: BigIntStats;
    let real: string;
    try {
      stats = await look(path);
      real = await realpath(path);
    } catch (error) {
      this.#absent(path, error);
      this.#fill(name, this.#before.get(name));
      return;
    }
    if (stats.isDirectory()) {
      const place = { root, below: '', depth: 0, above: [], linked: false, read: new Set<string>() };
      const found = this.#found;
      await this.#directory(path, real, stats, place);
      if (this.#found > found) this.#fill(name, { identity: identityOf(stats) });
      else this.#empty(root, identityOf(stats));
      return;
    }
    // By its own name it may be asked for.
    const isStatus = isStatusFile(real) && canonical(path) !== real;
    if (stats.isFile() && !isGlob && hasFormat(path) && !isStatus) {
      this.#add(path, real);
      return;
    }
    let what = `not ${expected(isGlob)}`;
    if (isStatus) what = `the status file ${real} by another name: that is not read as configuration`;
    else if (stats.isFile() && !isGlob) what = `of an unknown format; known are ${extensions}`;
    this.#keep(path, new DatasyncError('INVALID_CONFIG', `${path} is ${what}`, { backend: 'files', file: path }));
  }

  #empty({ name, path }: Root, identity: string): void {
    const before = this.#before.get(name);
    if (this.unreadable.has(path)) return this.#fill(name, before);
    const doubts = this.#missing === 'empty' ? undefined : doubted(before, identity);
    if (doubts === undefined) return;
    this.#fill(name, doubts);
    this.#keep(path, doubt(path));
  }

  #fill(name: string, filled: Filled | undefined): void {
    if (filled !== undefined) this.filled.set(name, filled);
  }

  async #directory(path: string, real: string, stats: BigIntStats, place: Place): Promise<void> {
    const { root, below, depth, above, read } = place;
    const identity = identityOf(stats);
    if (above.includes(identity)) return;
    read.add(identity);
    this.directories.set(path, stampOf(stats));
    try {
      const entries = await readdir(path, { withFileTypes: true });
      this.#signal.throwIfAborted();
      entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const entry of entries) {
        const { name } = entry;
        const child = below + name;
        if (name.startsWith('.') || root.ignores(child)) continue;
        const [childPath, childReal] = [join(path, name), join(real, name)];
        if (entry.isFile()) this.#file(childPath, childReal, child, root);
        else {
          const next = { ...place, below: child, above: [...above, identity] };
          if (entry.isSymbolicLink()) await this.#link(childPath, childReal, next);
          else await this.#other(childPath, childReal, next);
        }
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      // A directory that is gone has changed the one above it, which will be read again.
      if (depth === 0) this.#absent(path, error);
      else if (!isAbsence(error)) this.#keep(path, unreadable(path, error));
    }
  }

  /** A directory that can be told, or something else. */
  async #other(path: string, real: string, place: Place): Promise<void> {
    const stats = await this.#look(path);
    if (stats === undefined) return;
    const { root, depth, below } = place;
    if (stats.isFile()) this.#file(path, real, below, root);
    else if (stats.isDirectory() && depth < root.depth)
      await this.#directory(path, real, stats, { ...place, below: `${below}/`, depth: depth + 1 });
  }

  /** @param own the path of the link itself, without any other one */
  async #link(path: string, own: string, place: Place): Promise<void> {
    const stats = await this.#look(path);
    if (stats === undefined) return;
    const { root, depth, below, linked, read } = place;
    const isDirectory = stats.isDirectory();
    if (isDirectory && (depth >= root.depth || (linked && read.has(identityOf(stats))))) return;
    let real: string;
    try {
      real = await realpath(path);
    } catch {
      // It is another one now, and so is the directory that it is in.
      return;
    }
    const isBelow = real.startsWith(dirname(own) + sep);
    if (isDirectory || (stats.isFile() && !isBelow)) {
      const [, ...more] = await linksOn(own);
      for (const link of more) await addLink(this.targets, link);
    }
    if (!isDirectory) {
      if (stats.isFile()) this.#file(path, real, below, root);
      return;
    }
    const rest = {
      depth: root.depth - depth - 1,
      rules: `${root.rules} ${below}`,
      ignores: (name: string) => root.ignores(`${below}/${name}`),
    };
    this.targets.set(path, { directory: real, identity: watchedIdentityOf(stats), root: rest });
    await this.#directory(path, real, stats, { ...place, below: `${below}/`, depth: depth + 1, linked: true });
  }

  async #look(path: string): Promise<BigIntStats | undefined> {
    try {
      return await look(path);
    } catch (error) {
      if (isAbsence(error)) this.absent.add(path);
      else this.#keep(path, unreadable(path, error));
      return undefined;
    }
  }

  #file(path: string, real: string, below: string, root: Root): void {
    if (hasFormat(path) && root.wants(below) && !isStatusFile(real)) this.#add(path, real);
  }

  /** Reading a file by its second name would say that all its keys come twice. */
  #add(path: string, real: string): void {
    this.#found++;
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    this.files.push(path);
  }

  #absent(path: string, error: unknown): void {
    if (isAbsence(error)) this.absent.add(path);
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
