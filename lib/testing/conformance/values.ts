import { decodeText, encodeText } from '../../internal/bytes.ts';
import type { Codec } from '../../model/codec.ts';

/** Stands for a value that the codec of the suite refuses, whatever else the store asks of values. */
export const bad: unique symbol = Symbol('bad');

/** JSON, but for one text: every store, also one that holds JSON only, can hold what it refuses. */
export const codec: Codec<unknown> = {
  name: 'conformance',
  decode: (raw) => {
    const value: unknown = JSON.parse(decodeText(raw));
    if (value === 'BAD') throw new Error('the suite asked for a value that cannot be decoded');
    return value;
  },
  encode: (value) => encodeText(JSON.stringify(value === bad ? 'BAD' : value)),
};
