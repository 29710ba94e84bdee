import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A look at a path, following links. */
export function look(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true });
}

/** What identifies the contents of a file, or the names in a directory. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

/** Inode numbers are used again, at once by some file systems: only with the time of birth do they tell two objects apart. */
export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** A watcher that was armed while a directory could not be read sees nothing in it later. */
export function watchedIdentityOf(stats: BigIntStats): string {
  return `${identityOf(stats)}:${stats.mode}:${stats.uid}`;
}

/** Whether an error says that there is nothing at that path. */
export function isAbsence(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'ENOTDIR';
}
