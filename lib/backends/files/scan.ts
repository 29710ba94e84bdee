import { sep } from 'node:path';
import { asyncScheduler } from 'rxjs';
import type { DatasyncError } from '../../model/errors.ts';
import type { ResolvedFilesOptions } from './config.ts';
import { type FileState, keptAside, readOne, tooLong } from './fileState.ts';
import { type Listing, list } from './listing.ts';
import { isAbsence, look, stampOf } from './stats.ts';

/** What cannot be read or parsed, or may not be there as a whole. */
export interface Hidden {
  /** Any text that is another one as soon as it may say something else. */
  readonly version: string;
  /** It is being written: that is no trouble. */
  readonly passing?: true;
}

/** What is scanned, and how. */
export type Scanning = Pick<ResolvedFilesOptions, 'roots' | 'missing' | 'reading' | 'settle'>;

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
  /** What may have entries that cannot be seen, by path. */
  readonly hidden: ReadonlyMap<string, Hidden>;
  /** When the first of those will be whole that are being written, and whether all is waiting for one of them. */
  readonly whole?: { readonly at: number; readonly isAwaited: boolean };
  /** Since when the directories change under every scan. */
  readonly shaking?: number;
  /** Since when there is always some file that is being written. */
  readonly busy?: number;
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

/** How often a listing is repeated because a directory changed under it. */
const attempts = 5;
/** Files that are looked at at the same time. */
const batch = 32;

/**
 * Looks at everything once. What looks as before is not read; what could not be read or parsed keeps what it last said.
 *
 * A file that moves from one directory to another while the directories are read could be missed in both, and told as
 * deleted; so the directories must be the same before and after, else all is listed again. So must be the files where keys are
 * lost, and nothing be where there was nothing: an entry may have moved to one that was read before.
 *
 * @param last what the scan before this one found
 */
export async function scan(options: Scanning, last: Scanned, signal: AbortSignal): Promise<Scanned> {
  let known = last.files;
  for (let attempt = 1; ; attempt++) {
    const listing = await list(options.roots, options.missing, last.filled, signal);
    const { files, isWhole } = await readAll(listing, known, options, signal);
    const stable =
      isWhole &&
      (await unchanged(listing.directories, signal)) &&
      (!losesKeys(known, files) || (await unchanged(stampsOf(files, listing), signal)));
    if (!stable && attempt < attempts) {
      known = new Map([...known, ...files]);
      continue;
    }
    const now = asyncScheduler.now();
    const shaking = stable ? undefined : (last.shaking ?? now);
    const states = [...files.values()];
    const moving = states.some(isMoving);
    const busy = moving || states.some(isHalf) ? (last.busy ?? now) : undefined;
    return {
      files,
      problems: [...listing.problems, ...states.flatMap(({ failure, unreadable }) => unreadable ?? failure ?? [])],
      targets: listing.targets,
      filled: listing.filled,
      unsettled: !stable || moving || states.some(({ doubtful }) => doubtful),
      // Where it is ever another file that is written, the others are told nevertheless.
      waiting: [busy, shaking].some((since) => since !== undefined && now - since < tooLong),
      ...hiddenIn(files, listing, options.settle, now),
      ...(shaking === undefined ? {} : { shaking }),
      ...(busy === undefined ? {} : { busy }),
    };
  }
}

function hiddenIn(
  files: Files,
  { unreadable, directories }: Listing,
  settle: number,
  now: number,
): Pick<Scanned, 'hidden' | 'whole'> {
  const hidden = new Map<string, Hidden>();
  let at = Infinity;
  let isAwaited = false;
  for (const [path, { unreadable: trouble, failure, stamp, outside, written, half, moving }] of files) {
    const isBusy = written !== undefined && Math.abs(now - written.at) < settle;
    if (half !== undefined) isAwaited = true;
    if (isBusy) at = Math.min(at, written.at + settle);
    if (trouble !== undefined) hidden.set(path, { version: `unreadable ${outside}` });
    else if (failure !== undefined) hidden.set(path, { version: `broken ${stamp}` });
    else if (half !== undefined || moving !== undefined) hidden.set(path, { version: 'on its way', passing: true });
    else if (isBusy && now - written.since < tooLong)
      hidden.set(path, { version: `written ${written.at}`, passing: true });
  }
  for (const path of unreadable) hidden.set(path, { version: `unreadable ${directories.get(path)}` });
  return { hidden, ...(at < Infinity && { whole: { at, isAwaited } }) };
}

function isMoving({ moving, unreadable }: FileState): boolean {
  return moving !== undefined && unreadable === undefined;
}

function isHalf({ half, unreadable }: FileState): boolean {
  return half !== undefined && unreadable === undefined;
}

/** @returns `isWhole`: nothing that was listed was gone when it was to be read */
async function readAll(
  listing: Listing,
  known: Files,
  scanning: Scanning,
  signal: AbortSignal,
): Promise<{ readonly files: Files; readonly isWhole: boolean }> {
  const files = new Map<string, FileState>();
  let isWhole = true;
  for (let start = 0; start < listing.files.length; start += batch) {
    const paths = listing.files.slice(start, start + batch);
    const states = await Promise.all(
      paths.map(async (path) =>
        listing.unreadable.has(path) ? undefined : readOne(path, known.get(path) ?? {}, scanning, signal),
      ),
    );
    signal.throwIfAborted();
    for (const [index, path] of paths.entries()) {
      const state = states[index];
      if (state !== undefined && !files.has(path)) files.set(path, state);
      if (!listing.unreadable.has(path)) {
        if (state === undefined) isWhole = false;
        continue;
      }
      for (const [file, kept] of known) {
        if ((file === path || file.startsWith(path + sep)) && !files.has(file)) files.set(file, keptAside(kept));
      }
    }
  }
  return { files, isWhole };
}

/** Whether a file that was there before has fewer keys, or is gone. */
function losesKeys(before: Files, after: Files): boolean {
  for (const [path, { entries }] of before) {
    const now = after.get(path)?.entries;
    if (entries === undefined || entries === now) continue;
    for (const key of entries.keys()) if (now?.has(key) !== true) return true;
  }
  return false;
}

/** Of the files that stood still when they were read, and of what was not there: to that one may have moved. */
function stampsOf(files: Files, { absent }: Listing): Map<string, string | undefined> {
  const stamps = new Map<string, string | undefined>(Array.from(absent, (path) => [path, undefined]));
  for (const [path, { stamp }] of files) if (stamp !== undefined) stamps.set(path, stamp);
  return stamps;
}

/** @param stamps `undefined`: there is nothing */
async function unchanged(stamps: ReadonlyMap<string, string | undefined>, signal: AbortSignal): Promise<boolean> {
  const all = [...stamps];
  for (let start = 0; start < all.length; start += batch) {
    const same = await Promise.all(
      all.slice(start, start + batch).map(async ([path, stamp]) => {
        try {
          return stampOf(await look(path)) === stamp;
        } catch (error) {
          return stamp === undefined && isAbsence(error);
        }
      }),
    );
    signal.throwIfAborted();
    if (same.includes(false)) return false;
  }
  return true;
}
