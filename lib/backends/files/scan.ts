import type { BigIntStats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { sep } from 'node:path';
import { asyncScheduler } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import type { ResolvedFilesOptions } from './config.ts';
import { isYaml } from './formats.ts';
import { isLarge, type Kept, readPieces } from './largeYaml.ts';
import { type Listing, list, unreadable } from './listing.ts';
import { type Entries, parseFile, type Reading } from './parse.ts';
import { isAbsence, look, stampOf } from './stats.ts';

/** What is known of one file. Immutable: the same object means that nothing is new. */
export interface FileState {
  /** What it looked like when it was read; missing: it has to be read again. */
  readonly stamp?: string;
  /** What it said when it could last be parsed; missing: it never could. */
  readonly entries?: Entries;
  /** Of a large file what it takes to read only what has changed in it. */
  readonly kept?: Kept;
  /** Why it cannot be parsed now. */
  readonly failure?: DatasyncError;
  /** Why it cannot be read now: nothing is known against its entries. */
  readonly unreadable?: DatasyncError;
  /** What it looks like although it cannot be read, where it can be looked at. */
  readonly outside?: string;
  /** Since when it has changed without standing still: what it says now is not known. */
  readonly moving?: number;
  /** It was read before it stood still: a write right after that may have left the same stamp. */
  readonly doubtful?: boolean;
}

/** What is scanned, and how. */
export type Scanning = Pick<ResolvedFilesOptions, 'roots' | 'missing' | 'reading'>;

/** Files in the order of precedence. */
export type Files = ReadonlyMap<string, FileState>;

/** What one scan found. */
export interface Scanned {
  readonly files: Files;
  /** Everything that could not be read or parsed, in the order of precedence. */
  readonly problems: readonly DatasyncError[];
  readonly targets: Listing['targets'];
  readonly filled: Listing['filled'];
  /** Something moved while it was looked at: scan again soon. */
  readonly unsettled: boolean;
  /** Something is there and was not read: an entry that seems to be gone may be in it. */
  readonly waiting: boolean;
  /** What cannot be read or parsed, by path: any text that is another one as soon as it may say something else. */
  readonly hidden: ReadonlyMap<string, string>;
  /** Since when the directories change under every scan. */
  readonly shaking?: number;
}

/** Before the first scan. */
export const nothingScanned: Scanned = {
  files: new Map(),
  problems: [],
  targets: new Map(),
  filled: new Map(),
  unsettled: false,
  waiting: false,
  hidden: new Map(),
};

/** Milliseconds a file must have stood still before it is believed: half a YAML document is mostly valid YAML. */
const stillness = 50;
/** The same for a file system whose clock ticks in seconds: until then the next write may leave the same stamp. */
const coarseStillness = 2_000;
/**
 * Milliseconds after which a file that never stands still is read nevertheless, as long as it does so while it is read: only
 * where a part of it cannot pass for the whole.
 */
const patience = 500;
/** Milliseconds after which a file that changes under every read is a problem, and directories that always change are believed. */
const tooLong = 5_000;
/** How often a listing is repeated because a directory changed under it. */
const attempts = 5;
/** Files that are looked at at the same time. */
const batch = 32;

/**
 * Looks at everything once. What looks as before is not read; what could not be read or parsed keeps what it last said.
 *
 * A file that moves from one directory to another while the directories are read could be missed in both, and told as
 * deleted; so the directories must be the same before and after, else all is listed again.
 *
 * @param last what the scan before this one found
 */
export async function scan(options: Scanning, last: Scanned, signal: AbortSignal): Promise<Scanned> {
  let known = last.files;
  for (let attempt = 1; ; attempt++) {
    const listing = await list(options.roots, options.missing, last.filled, signal);
    const files = await readAll(listing, known, options.reading, signal);
    const stable = await unchanged(listing.directories, signal);
    if (!stable && attempt < attempts) {
      known = new Map([...known, ...files]);
      continue;
    }
    const now = asyncScheduler.now();
    const shaking = stable ? undefined : (last.shaking ?? now);
    const states = [...files.values()];
    const moving = states.some(isMoving);
    return {
      files,
      problems: [...listing.problems, ...states.flatMap(({ failure, unreadable }) => unreadable ?? failure ?? [])],
      targets: listing.targets,
      filled: listing.filled,
      unsettled: !stable || moving || states.some(({ doubtful }) => doubtful),
      waiting: moving || (shaking !== undefined && now - shaking < tooLong),
      hidden: hiddenIn(files, listing),
      ...(shaking === undefined ? {} : { shaking }),
    };
  }
}

function hiddenIn(files: Files, { unreadable, directories }: Listing): Scanned['hidden'] {
  const hidden = new Map<string, string>();
  for (const [path, state] of files) {
    if (state.unreadable !== undefined) hidden.set(path, `unreadable ${state.outside}`);
    else if (state.failure !== undefined) hidden.set(path, `broken ${state.stamp}`);
  }
  for (const path of unreadable) hidden.set(path, `unreadable ${directories.get(path)}`);
  return hidden;
}

function isMoving({ moving, unreadable }: FileState): boolean {
  return moving !== undefined && unreadable === undefined;
}

async function readAll(listing: Listing, known: Files, reading: Reading, signal: AbortSignal): Promise<Files> {
  const files = new Map<string, FileState>();
  for (let start = 0; start < listing.files.length; start += batch) {
    const paths = listing.files.slice(start, start + batch);
    const states = await Promise.all(
      paths.map(async (path) =>
        listing.unreadable.has(path) ? undefined : readOne(path, known.get(path) ?? {}, reading, signal),
      ),
    );
    signal.throwIfAborted();
    for (const [index, path] of paths.entries()) {
      const state = states[index];
      if (state !== undefined && !files.has(path)) files.set(path, state);
      if (!listing.unreadable.has(path)) continue;
      for (const [file, kept] of known) {
        if ((file === path || file.startsWith(path + sep)) && !files.has(file)) files.set(file, kept);
      }
    }
  }
  return files;
}

/** The state of one file; `undefined`: there is none. */
async function readOne(
  path: string,
  known: FileState,
  reading: Reading,
  signal: AbortSignal,
): Promise<FileState | undefined> {
  let stamp: string | undefined;
  try {
    const before = await look(path);
    if (!before.isFile()) return undefined;
    stamp = stampOf(before);
    if (stamp === known.stamp) return known;

    const now = asyncScheduler.now();
    const since = known.moving ?? now;
    const { stamp: _, moving: __, doubtful: ___, unreadable: trouble, outside: ____, ...last } = known;
    const still = standsStill(before, now, stillness);
    const restless = (): FileState => {
      const why = now - since < tooLong ? trouble : unreadable(path, new Error('it changes all the time'));
      return { ...last, moving: since, ...(why && { unreadable: why }) };
    };
    const cannotBeHalf = !isYaml(path) || reading.endMarker !== undefined;
    if (!still && !(cannotBeHalf && now - since >= patience)) return restless();

    const bytes = await readFile(path, { signal });
    if (stampOf(await look(path)) !== stamp) return restless();
    const sure = standsStill(before, now, hasCoarseClock(before) ? coarseStillness : stillness);
    const state = await parsed(path, bytes, last, reading, signal);
    return { ...state, ...(sure && { stamp }), ...(!still && { doubtful: true }) };
  } catch (error) {
    signal.throwIfAborted();
    if (isAbsence(error)) return undefined;
    const { stamp: _, moving: __, doubtful: ___, outside: ____, ...last } = known;
    return { ...last, unreadable: unreadable(path, error), ...(stamp !== undefined && { outside: stamp }) };
  }
}

async function parsed(
  path: string,
  bytes: Buffer,
  last: FileState,
  reading: Reading,
  signal: AbortSignal,
): Promise<FileState> {
  const { entries, kept } = last;
  try {
    if (isYaml(path) && isLarge(bytes, reading)) {
      const large = await readPieces(path, bytes, entries && kept && { entries, kept }, reading, signal);
      if (large !== undefined) return large;
    }
    return { entries: await parseFile(path, bytes, reading) };
  } catch (error) {
    if (!(error instanceof DatasyncError)) throw error;
    // The same complaint about the next version of the file is no news.
    const failure = last.failure?.message === error.message ? last.failure : error;
    return { ...(entries && { entries }), ...(kept && { kept }), failure };
  }
}

/** By the change time, which nobody can set; a clock that is far from ours says nothing. */
function standsStill({ ctimeMs }: BigIntStats, now: number, long: number): boolean {
  return Math.abs(now - Number(ctimeMs)) >= long;
}

function hasCoarseClock({ ctimeNs }: BigIntStats): boolean {
  return ctimeNs % 1_000_000_000n === 0n;
}

async function unchanged(directories: ReadonlyMap<string, string>, signal: AbortSignal): Promise<boolean> {
  for (const [path, stamp] of directories) {
    try {
      if (stampOf(await look(path)) !== stamp) return false;
    } catch {
      return false;
    }
    signal.throwIfAborted();
  }
  return true;
}
