import { sameBytes } from '../../internal/bytes.ts';
import type { DatasyncError } from '../../model/errors.ts';
import type { RawChange, RawEntry } from '../../source/frames.ts';
import { differing } from './largeYaml.ts';
import type { Files } from './scan.ts';

/** What all files say together. */
export interface View {
  readonly entries: ReadonlyMap<string, RawEntry>;
  /** Keys that more than one file has: what is refused of the second one. */
  readonly refused: ReadonlyMap<string, RawEntry>;
}

/** A key that more than one file has. */
export interface Clash {
  readonly key: string;
  /** The files that have it, in the order of precedence; at least two. */
  readonly files: readonly string[];
}

/**
 * Joins the files: the first one that has a key wins it. A file that cannot be parsed rejects every key it last held.
 *
 * @param wants which keys count; missing: all
 */
export function entriesOf(
  files: Files,
  wants: ((key: string) => boolean) | undefined,
): { entries: View['entries']; clashes: Clash[] } {
  const [only] = files.values();
  if (files.size === 1 && wants === undefined && only!.entries !== undefined && only!.failure === undefined)
    return { entries: only!.entries, clashes: [] };
  const view = new Map<string, RawEntry>();
  const twice = new Set<string>();
  for (const { entries, failure } of files.values()) {
    for (const [key, entry] of entries ?? []) {
      const winner = view.get(key);
      if (winner !== undefined) {
        // A key that is refused anyway has one reason; that is enough.
        if (!('error' in winner)) twice.add(key);
      } else if (wants?.(key) !== false) view.set(key, failure === undefined ? entry : { key, error: failure });
    }
  }
  return { entries: view, clashes: clashesOf(twice, files) };
}

/** Each file is gone through once, by whichever is less: a copy of a directory makes a clash of every key. */
function clashesOf(twice: ReadonlySet<string>, files: Files): Clash[] {
  if (twice.size === 0) return [];
  const paths = new Map<string, string[]>(Array.from(twice, (key) => [key, []]));
  for (const [path, { entries }] of files) {
    if (entries === undefined) continue;
    const isSmall = entries.size < twice.size;
    for (const key of isSmall ? entries.keys() : twice) if (isSmall || entries.has(key)) paths.get(key)?.push(path);
  }
  return Array.from(paths, ([key, among]) => ({ key, files: among }));
}

/** What has to be told to go from one view to another. */
export function changesBetween(before: View, after: View): RawChange[] {
  const changes: RawChange[] = [];
  // All files as one large one, of which it is known what may differ: nothing else has to be looked at.
  const some = before.refused.size + after.refused.size > 0 ? undefined : differing(before.entries, after.entries);
  for (const key of some ?? after.entries.keys()) {
    const entry = after.entries.get(key);
    if (entry === undefined) continue;
    const old = before.entries.get(key);
    const refused = after.refused.get(key);
    if (old !== undefined && same(old, entry) && sameRefusal(before.refused.get(key), refused)) continue;
    changes.push({ op: 'put', ...entry });
    // The same key once more, refused: what it was put to is its last good value.
    if (refused !== undefined) changes.push({ op: 'put', ...refused });
  }
  for (const key of some ?? before.entries.keys())
    if (before.entries.has(key) && !after.entries.has(key)) changes.push({ op: 'delete', key });
  return changes;
}

function same(a: RawEntry, b: RawEntry): boolean {
  if (a === b) return true;
  if ('error' in a) return 'error' in b && sameError(a.error, b.error);
  return !('error' in b) && sameBytes(a.value, b.value);
}

function sameRefusal(a: RawEntry | undefined, b: RawEntry | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && same(a, b));
}

/** Whether two errors say the same; the second is then no news. */
export function sameError(a: DatasyncError | undefined, b: DatasyncError | undefined): boolean {
  return a === b || (a?.code === b?.code && a?.message === b?.message);
}
