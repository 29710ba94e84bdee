import type { BigIntStats, Stats } from 'node:fs';
import { lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { messageOf } from '../../model/errors.ts';
import { isAbsence } from './stats.ts';

/** Where a file system cannot make a directory durable by itself. */
const noDirectorySync: ReadonlySet<unknown> = new Set(['EPERM', 'EINVAL', 'EISDIR', 'EACCES', 'ENOTSUP']);

/** Why a path cannot be replaced by a file; `undefined`: it can, or there is nothing. */
export function obstacle(stats: Stats | undefined): string | undefined {
  if (stats === undefined || stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'it is a directory; give the path of a file';
  // What it leads to would be outside of the path that was given.
  if (stats.isSymbolicLink()) return 'it is a link, which is not followed; give the path that it leads to';
  return 'it is no regular file';
}

/** What stands at a path, links not followed; `undefined`: nothing. */
export async function standing(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * Replaces a file in one step: readers see the old contents or the new ones, also after the power has failed. A temporary file
 * beside it, whose name starts with a dot, is made durable (`fsync`), renamed, and then its directory is made durable.
 * The permissions of the old file stay. Nothing else is touched, and no directory is made.
 *
 * @returns what the new file looks like
 * @throws Error of the file system, or with an {@link obstacle}; the old file is then as it was, but for a failed last step
 */
export async function replaceFile(path: string, text: string): Promise<BigIntStats> {
  const old = await standing(path);
  const inTheWay = obstacle(old);
  if (inTheWay !== undefined) throw new Error(inTheWay);
  // One name per writer: what is left behind by one that was killed is used again.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${threadId}.tmp`);
  try {
    const stats = await writeTemporary(temporary, text, old?.mode);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return stats;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if ((error as { code?: unknown }).code !== 'EBUSY') throw error;
    throw new Error(`${messageOf(error)}; a single file that is mounted cannot be replaced: mount its directory`, {
      cause: error,
    });
  }
}

async function writeTemporary(temporary: string, text: string, mode: number | undefined): Promise<BigIntStats> {
  await rm(temporary, { force: true });
  // Never through a link that somebody has put there.
  const file = await open(temporary, 'wx');
  try {
    if (mode !== undefined) await file.chmod(mode & 0o7777);
    await file.writeFile(text);
    await file.sync();
    return await file.stat({ bigint: true });
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!noDirectorySync.has((error as { code?: unknown }).code)) throw error;
  }
}
