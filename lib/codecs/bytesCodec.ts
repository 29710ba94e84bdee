import type { Codec } from '../model/codec.ts';

/** Raw bytes as they are. The default of every source but files. */
export const bytesCodec: Codec<Uint8Array> = {
  name: 'bytes',
  decode: (raw) => raw,
  encode: (value) => value,
};
