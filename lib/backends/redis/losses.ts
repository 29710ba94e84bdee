import { DatasyncError } from '../../model/errors.ts';
import type { Access } from './access.ts';

/**
 * What makes keys vanish though nobody has deleted them: another process, other data, no memory, a command that empties all of
 * it, or a broker that gives its keys up (`PEXPIREAT`, see `giveUp`), which may be ours as well.
 */
const counted = /^(?:run_id|master_replid|evicted_keys|cmdstat_(?:flushall|flushdb|swapdb|pexpireat)):[^,\r\n]*/gm;

/**
 * Where it reads the same twice, what vanished in between was deleted, or has run out.
 *
 * @returns `undefined` where the server does not let us see it
 * @throws DatasyncError `CONNECTION_LOST`
 */
export async function lossesOf(access: Access): Promise<string | undefined> {
  try {
    const masters = await access.masters();
    const texts = await Promise.all(masters.map(async (call) => String(await call('INFO', 'all'))));
    const marks = texts.map((text) => (text.match(counted) ?? []).join());
    return marks.sort().join();
  } catch (error) {
    if (error instanceof DatasyncError && error.code === 'CONNECTION_LOST') throw error;
    return undefined;
  }
}
