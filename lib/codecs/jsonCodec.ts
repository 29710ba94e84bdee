import { decodeText, encodeText } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';
import { DatasyncError } from '../model/errors.ts';

/**
 * JSON text in UTF-8.
 *
 * Without a schema the type is a cast: `jsonCodec<Interface>()` believes what the store holds.
 *
 * Inside of a value it writes as `JSON.stringify` does: a member that is `undefined` or a function is left out, NaN is `null`,
 * a Map is `{}`. Where that must not happen, put `schemaCodec` on top: it reads again what is to be written.
 *
 * @returns a codec that rejects what is not JSON, and refuses to write `undefined`, a function or a symbol, cycles and BigInts
 */
export function jsonCodec<T = unknown>(): Codec<T> {
  return {
    name: 'json',
    decode: (raw) => JSON.parse(decodeText(raw)) as T,
    encode: (value, key) => {
      // The type says string, the language says undefined for what JSON cannot write.
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) {
        throw new DatasyncError(
          'ENCODE_FAILED',
          `the value of ${JSON.stringify(key)} cannot be written as JSON: ${typeof value}`,
          { key },
        );
      }
      return encodeText(text);
    },
  };
}
