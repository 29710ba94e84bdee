import { isWrongType } from './failures.ts';
import type { RedisCall } from './readers.ts';
import type { ReadStrings } from './reading.ts';

/** How strings are read: all with one command, in a cluster each where it lies. */
export function stringsOf(call: RedisCall, isCluster: boolean): ReadStrings {
  if (!isCluster) return (keys) => call('MGET', keys) as ReturnType<ReadStrings>;
  const one = async (key: string | Buffer): Promise<Buffer | null | undefined> => {
    try {
      return ((await call('GET', key)) as Buffer | null) ?? undefined;
    } catch (error) {
      if (isWrongType(error)) return null;
      throw error;
    }
  };
  return (keys) => Promise.all(keys.map(one));
}
