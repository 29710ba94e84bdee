import type { BigIntStats } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { asyncScheduler } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import type { ResolvedFilesOptions } from './config.ts';
import { isYaml } from './formats.ts';
import { isLarge, type Kept, readPieces } from './largeYaml.ts';
import { unreadable } from './listing.ts';
import { type Entries, parseFile, type Reading } from './parse.ts';
import { isAbsence, look, stampOf } from './stats.ts';
import { type Ending, endingOf, mayBeCut } from './wholeness.ts';

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
  /** Of a file whose half may pass for the whole: how it ended when it was believed, and which file it is now. */
  readonly text?: Ending;
  /** Which keys it had then; of an earlier connection, whose entries are not known any more. */
  readonly keys?: ReadonlySet<string>;
  /** When such a file was written where it is, and since when it has been so again and again. */
  readonly written?: Written;
  /** It may have been read while it was written: what it says if it stays so, and since when that is so. */
  readonly half?: { readonly after: FileState; readonly since: number };
}

/** Milliseconds, by the clock of the file system and by ours. */
interface Written {
  readonly at: number;
  readonly since: number;
}

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
export const tooLong = 5_000;
/** The state of one file; `undefined`: there is none. */
export async function readOne(
  path: string,
  known: FileState,
  { reading, settle }: Pick<ResolvedFilesOptions, 'reading' | 'settle'>,
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
    const { half, unreadable: trouble } = known;
    const last = lastOf(known);
    const still = standsStill(before, now, stillness);
    const tired = (from: number): DatasyncError | undefined =>
      now - from < tooLong ? undefined : unreadable(path, new Error('it changes all the time'));
    const restless = (): FileState => {
      const why = tired(since) ?? trouble;
      return { ...last, moving: since, ...(half && { half }), ...(why && { unreadable: why }) };
    };
    const mayPass = isYaml(path) && reading.endMarker === undefined;
    if (!still && !(!mayPass && now - since >= patience)) return restless();

    let state: FileState;
    if (half !== undefined && half.after.stamp === stamp) state = half.after;
    else {
      const bytes = await readFile(path, { signal });
      if (stampOf(await look(path)) !== stamp) return restless();
      const sure = standsStill(before, now, hasCoarseClock(before) ? coarseStillness : stillness);
      const found = await parsed(path, bytes, last, reading, signal);
      state = { ...found, ...(sure && { stamp }), ...(!still && { doubtful: true }) };
      if (mayPass) {
        const text = endingOf(before, bytes);
        // A broken file that was put in place of another one is what will be written over.
        if (state.failure === undefined) state = { ...state, text };
        else if (state.text !== undefined) state = { ...state, text: { ...state.text, identity: text.identity } };
        state = { ...state, ...(await writtenAt(path, before, last, now, settle)) };
      }
    }
    const { written } = state;
    if (written === undefined || standsStill(before, now, settle) || !mayBeHalf(last, state)) return state;
    const halves = { after: state, since: half?.since ?? now };
    const why = tired(halves.since);
    return { ...last, half: halves, written, ...(why && { unreadable: why }) };
  } catch (error) {
    signal.throwIfAborted();
    if (isAbsence(error)) return undefined;
    return { ...lastOf(known), unreadable: unreadable(path, error), ...(stamp !== undefined && { outside: stamp }) };
  }
}

/** What stays of what is known while a file cannot be looked at: nobody waits for it. */
export function keptAside(known: FileState): FileState {
  const { moving, half, doubtful, ...rest } = known;
  return moving === undefined && half === undefined && doubtful === undefined ? known : rest;
}

/** What stays of what is known when a file is read again. */
function lastOf(known: FileState): FileState {
  const { stamp: _, moving: __, doubtful: ___, unreadable: ____, outside: _____, half: ______, ...last } = known;
  return last;
}

/** Whether it cannot be told from the beginning of what is to come. What was broken may be on its way from nothing to the whole. */
function mayBeHalf(last: FileState, { entries, text }: FileState): boolean {
  if (entries === undefined || text === undefined) return false;
  if (last.failure !== undefined && last.entries === undefined) return true;
  const had = last.entries ?? last.keys;
  return had !== undefined && last.text !== undefined && mayBeCut({ entries: had, text: last.text }, { entries, text });
}

/** Where a file is not another one than before, nor a link to what was made elsewhere, it may still be written to. */
async function writtenAt(
  path: string,
  { dev, ino, ctimeMs }: BigIntStats,
  { text, written }: FileState,
  now: number,
  settle: number,
): Promise<Pick<FileState, 'written'>> {
  const at = Number(ctimeMs);
  if (Math.abs(now - at) >= settle) return {};
  if (text === undefined ? (await lstat(path)).isSymbolicLink() : text.identity !== `${dev}:${ino}`) return {};
  const goesOn = written !== undefined && at - written.at < settle;
  return { written: { at, since: goesOn ? written.since : now } };
}

async function parsed(
  path: string,
  bytes: Buffer,
  last: FileState,
  reading: Reading,
  signal: AbortSignal,
): Promise<FileState> {
  const { entries, kept, text, keys } = last;
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
    return {
      ...(entries && { entries }),
      ...(kept && { kept }),
      ...(text && { text }),
      ...(keys && { keys }),
      failure,
    };
  }
}

/** By the change time, which nobody can set; a clock that is far from ours says nothing. */
function standsStill({ ctimeMs }: BigIntStats, now: number, long: number): boolean {
  return Math.abs(now - Number(ctimeMs)) >= long;
}

function hasCoarseClock({ ctimeNs }: BigIntStats): boolean {
  return ctimeNs % 1_000_000_000n === 0n;
}

/** What is remembered of files from one connection to the next: how they ended, and which keys they had. */
export function remembered(files: ReadonlyMap<string, FileState>): Map<string, FileState> {
  const all = new Map<string, FileState>();
  for (const [path, { text, entries, keys }] of files) {
    if (text === undefined) continue;
    all.set(path, { text, ...(entries ? { keys: new Set(entries.keys()) } : keys && { keys }) });
  }
  return all;
}
