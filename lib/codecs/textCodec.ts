import { decodeText, encodeText } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';
import { shown } from '../model/options.ts';

/** UTF-8 text; bytes that are not UTF-8, and what is no text or has half a character (a lone surrogate), are rejected, not replaced. */
export const textCodec: Codec<string> = {
  name: 'text',
  decode: decodeText,
  encode: (value: unknown) => {
    if (typeof value !== 'string') throw new TypeError(`it is no text: ${shown(value)}`);
    if (/\p{Surrogate}/u.test(value)) throw new TypeError('it has half a character (a lone surrogate) in it');
    return encodeText(value);
  },
};
