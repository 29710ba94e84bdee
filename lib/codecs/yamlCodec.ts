import { dump } from 'js-yaml';
import { decodeText, encodeText } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';
import { DatasyncError, messageOf } from '../model/errors.ts';
import { parseYaml, yamlFault } from './parseYaml.ts';

/**
 * YAML text in UTF-8: one document of YAML 1.2, in which dates stay texts, with `<<` merged.
 *
 * Needs the peer `js-yaml@5`. A codec works synchronously, and so the peer is imported with this module: where it is missing the
 * import itself fails, with `ERR_MODULE_NOT_FOUND` of Node or the message of the bundler. (Files load it when they meet YAML: `MISSING_PEER`.)
 *
 * Without a schema the type is a cast: `yamlCodec<Interface>()` believes what the store holds.
 *
 * What is written is read again first. A member that is `undefined` is left out, an item `null`, and a `Date` comes back as text.
 *
 * @returns a codec that rejects what is not YAML, saying line and column, and refuses to write `undefined`, and whatever has
 * functions, symbols, bytes, Maps or Sets in it
 */
export function yamlCodec<T = unknown>(): Codec<T> {
  return {
    name: 'yaml',
    decode: (raw) => {
      const text = decodeText(raw);
      try {
        return parseYaml(text) as T;
      } catch (cause) {
        const { reason, line, column } = yamlFault(cause);
        const where = line === undefined ? {} : { line, column: column ?? 1 };
        const message = line === undefined ? reason : `${reason} (line ${line}, column ${column ?? 1})`;
        throw new DatasyncError('DECODE_FAILED', message, { cause, ...where });
      }
    },
    encode: (value, key) => {
      try {
        // dump() makes an empty text of it, which no parser reads.
        if (value === undefined) throw new TypeError('it is undefined');
        const text = dump(value);
        // It has tags for bytes and sets, which no value has that is read here: the key would be rejected from now on.
        parseYaml(text);
        return encodeText(text);
      } catch (cause) {
        const message = `the value of ${JSON.stringify(key)} cannot be written as YAML: ${messageOf(cause)}`;
        throw new DatasyncError('ENCODE_FAILED', message, { cause, key });
      }
    },
  };
}
