import { asyncScheduler } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';

/** A configured directory that had files. */
export interface Filled {
  /** Which directory it was then. */
  readonly identity: string;
  /** Another one stands there now, which is empty. */
  readonly suspect?: { readonly identity: string; readonly since: number };
}

/** By configured path. */
export type FilledRoots = ReadonlyMap<string, Filled>;

/** Milliseconds for which it must have been so. */
const confirm = 5_000;

/**
 * What is to be thought of a directory in which no file was found. What is mounted there may be gone for a moment, and another
 * directory be seen in its place; who empties a directory leaves that there.
 *
 * @returns `undefined`: it is empty
 */
export function doubted(before: Filled | undefined, identity: string): Required<Filled> | undefined {
  if (before === undefined || before.identity === identity) return undefined;
  const now = asyncScheduler.now();
  const suspect = before.suspect?.identity === identity ? before.suspect : { identity, since: now };
  return now - suspect.since < confirm ? { identity: before.identity, suspect } : undefined;
}

/** What the status says of it meanwhile. */
export function doubt(path: string): DatasyncError {
  const message = `${path} is another directory than before, and empty; what was last read of it stays until it has been so for ${confirm} ms`;
  return new DatasyncError('SHRUNK', message, { backend: 'files', file: path });
}
