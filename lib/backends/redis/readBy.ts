import { setTimeout as sleep } from 'node:timers/promises';
import { shown } from '../../model/options.ts';
import type { RedisCall, RedisReader } from './readers.ts';

/**
 * What a reader makes of one key.
 *
 * @param limit milliseconds that it may take without waiting for the server: one that never comes to an end would hold up
 * everything that is read after it
 * @throws what the reader throws, and where it gives no bytes
 */
export async function readBy(
  reader: RedisReader,
  call: RedisCall,
  key: Uint8Array,
  limit: number,
): Promise<Uint8Array | undefined> {
  let turns = 0;
  let pending = 0;
  const counted: RedisCall = async (command, ...args) => {
    pending++;
    try {
      return await call(command, ...args);
    } finally {
      pending--;
      turns++;
    }
  };
  const over = new AbortController();
  const idle = async (): Promise<never> => {
    for (let before = -1; pending > 0 || before !== turns; ) {
      before = turns;
      await sleep(limit, undefined, { signal: over.signal });
    }
    throw new Error(`it came to no end within ${limit} ms`);
  };
  const late = idle();
  late.catch(() => undefined);
  try {
    const value: unknown = await Promise.race([reader.read(counted, key), late]);
    if (value === undefined || value instanceof Uint8Array) return value;
    throw new Error(`it gave ${shown(value)}, and no Uint8Array`);
  } finally {
    over.abort();
  }
}
