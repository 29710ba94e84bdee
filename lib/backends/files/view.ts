import { sameBytes } from '../../internal/bytes.ts';
import type { DatasyncError } from '../../model/errors.ts';
import type { RawChange, RawEntry } from '../../source/frames.ts';
import { isUnder } from '../../source/prefixes.ts';
import type { Files } from './scan.ts';

/** What all files say together, by key. */
export type View = ReadonlyMap<string, RawEntry>;

/** Joins the files: the first one that has a key wins it. A file that cannot be parsed rejects every key it last held. */
export function viewOf(files: Files, prefixes: readonly string[]): View {
  const view = new Map<string, RawEntry>();
  for (const { entries, failure } of files.values()) {
    for (const [key, entry] of entries ?? []) {
      if (view.has(key) || !isUnder(key, prefixes)) continue;
      view.set(key, failure === undefined ? entry : { key, error: failure });
    }
  }
  return view;
}

/** What has to be told to go from one view to another. */
export function changesBetween(before: View, after: View): RawChange[] {
  const changes: RawChange[] = [];
  for (const [key, entry] of after) {
    const old = before.get(key);
    if (old === undefined || !same(old, entry)) changes.push({ op: 'put', ...entry });
  }
  for (const key of before.keys()) if (!after.has(key)) changes.push({ op: 'delete', key });
  return changes;
}

function same(a: RawEntry, b: RawEntry): boolean {
  if ('error' in a) return 'error' in b && sameError(a.error, b.error);
  return !('error' in b) && sameBytes(a.value, b.value);
}

/** Whether two errors say the same; the second is then no news. */
export function sameError(a: DatasyncError | undefined, b: DatasyncError | undefined): boolean {
  return a === b || (a?.code === b?.code && a?.message === b?.message);
}
