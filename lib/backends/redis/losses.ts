import { DatasyncError } from '../../model/errors.ts';
import type { Access } from './access.ts';
import { isAnswer } from './failures.ts';
import type { RedisCall } from './readers.ts';

/**
 * What makes keys vanish though nobody has deleted them: another process, other data, no memory, a command that empties all of
 * it, or a broker that gives its keys up (`PEXPIREAT`, see `giveUp`), which may be ours as well. A reset hides any of them: its own
 * count is always one, when it was shows in how long it took.
 */
const counted =
  /^(?:(?:run_id|role|evicted_keys|cmdstat_(?:flushall|flushdb|swapdb|replicaof|slaveof|pexpireat)):[^,\r\n]*|cmdstat_config\|resetstat:.*)/gm;

/** Of each master, by name, what it says; that rejects with `CONNECTION_LOST` where it has not answered. */
export type Losses = ReadonlyMap<string, Promise<string | undefined>>;

/**
 * Asks every master, and waits for none: whatever is sent to one afterwards on the same connection, it does afterwards. Where
 * it reads the same twice, what vanished in between was deleted, or has run out; `undefined` where the server does not let us
 * see it.
 *
 * @throws DatasyncError `CONNECTION_LOST`, `ACCESS_DENIED`: nobody was asked
 */
export async function lossesOf(access: Access): Promise<Losses> {
  const masters = await access.nodes();
  return new Map(
    masters.map(({ name, call }) => {
      const told = access.isAsked ? marksOf(call) : Promise.resolve(undefined);
      told.catch(() => undefined);
      return [name, told];
    }),
  );
}

async function marksOf(call: RedisCall): Promise<string | undefined> {
  try {
    const text = String(await call('INFO', 'all'));
    return (text.match(counted) ?? []).join();
  } catch (error) {
    if (error instanceof DatasyncError && error.code === 'CONNECTION_LOST' && !isAnswer(error.cause)) throw error;
    return undefined;
  }
}
