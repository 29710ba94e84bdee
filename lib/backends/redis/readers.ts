import { decodeText } from '../../internal/bytes.ts';
import type { RedisArgument } from './client.ts';

/** Sends one command to where the key lives. @returns the reply, with texts as Buffers */
export type RedisCall = (command: string, ...args: readonly RedisArgument[]) => Promise<unknown>;

/** How a value that is no string becomes the bytes that the codec decodes. */
export interface RedisReader {
  /** What `TYPE` says: `hash`, `list`, `ReJSON-RL` … */
  readonly type: string;
  /**
   * The bytes of one key, `undefined` where it is gone; rejects where it has none: the key is `rejected` then. Everything it
   * depends on lies in that key: nobody reads it again when another one changes.
   */
  readonly read: (call: RedisCall, key: Uint8Array) => PromiseLike<Uint8Array | undefined>;
}

/** Reads hashes as JSON texts: `{"field":"value"}`, with all fields and values as strings, in the order of the hash. */
export function hashReader(): RedisReader {
  return {
    type: 'hash',
    read: async (call, key) => {
      const parts = ((await call('HGETALL', key)) as readonly Uint8Array[]).map(decodeText);
      if (parts.length === 0) return undefined;
      const fields: [string, string][] = [];
      for (let i = 0; i < parts.length; i += 2) fields.push([parts[i]!, parts[i + 1]!]);
      return new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
    },
  };
}

/** Reads documents of RedisJSON as JSON texts. */
export function jsonReader(): RedisReader {
  return {
    type: 'ReJSON-RL',
    read: async (call, key) => {
      const text = (await call('JSON.GET', key)) as Uint8Array | null;
      return text === null ? undefined : new Uint8Array(text);
    },
  };
}
