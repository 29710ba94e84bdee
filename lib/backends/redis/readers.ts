import { decodeText, encodeText } from '../../internal/bytes.ts';
import type { RedisArgument } from './client.ts';

/** Sends one command to where the key lives. @returns the reply, with texts as Buffers */
export type RedisCall = (command: string, ...args: readonly RedisArgument[]) => Promise<unknown>;

/** How a value that is no string becomes the bytes that the codec decodes. */
export interface RedisReader {
  /** What `TYPE` says: `hash`, `list`, `ReJSON-RL` … */
  readonly type: string;
  /**
   * The bytes of one key, `undefined` where it is gone; rejects where it has none: the key is `rejected` then. Everything it
   * depends on lies in that key: nobody reads it again when another one changes. One that takes longer than `timeout`, while
   * the server has nothing to answer, is `rejected` too.
   */
  readonly read: (call: RedisCall, key: Uint8Array) => PromiseLike<Uint8Array | undefined>;
}

/**
 * Reads hashes as JSON texts: `{"field":"value"}`, with all fields and values as strings, sorted by field, since the order in
 * which a server has them is another after each restart. One that holds bytes that are no UTF-8 is `rejected`.
 */
export function hashReader(): RedisReader {
  return {
    type: 'hash',
    read: async (call, key) => {
      const parts = (await call('HGETALL', key)) as readonly Uint8Array[];
      if (parts.length === 0) return undefined;
      const fields: [field: string, value: string][] = [];
      for (let i = 0; i < parts.length; i += 2) {
        const field = text(parts[i]!, (hex) => `the field ${hex} (hex) is no UTF-8`);
        fields.push([
          field,
          text(parts[i + 1]!, () => `the field ${JSON.stringify(field)} holds bytes that are no UTF-8`),
        ]);
      }
      fields.sort(([a], [b]) => (a < b ? -1 : 1));
      // Not by way of an object: it would put fields that are numbers first, and one of them it knows itself.
      const members = fields.map((member) => member.map((part) => JSON.stringify(part)).join(':'));
      return encodeText(`{${members.join()}}`);
    },
  };
}

function text(bytes: Uint8Array, complaint: (hex: string) => string): string {
  try {
    return decodeText(bytes);
  } catch (cause) {
    throw new Error(complaint(Buffer.from(bytes).toString('hex')), { cause });
  }
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
