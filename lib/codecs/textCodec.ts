import { decodeText, encodeText } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';

/** UTF-8 text; bytes that are not UTF-8 are rejected, not replaced. */
export const textCodec: Codec<string> = {
  name: 'text',
  decode: decodeText,
  encode: encodeText,
};
