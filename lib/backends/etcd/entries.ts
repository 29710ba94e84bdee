import { DatasyncError } from '../../model/errors.ts';
import { FatalError, type RawEntry } from '../../source/frames.ts';
import { isText } from '../internal/namedBytes.ts';
import type { Cursor } from './answers.ts';
import { type KeyEncoding, keyText } from './keys.ts';
import { safe } from './wire.ts';

/** The key a cursor stands on. */
export function keyAt(message: Buffer, { keyStart, keyEnd }: Cursor, encoding: KeyEncoding): string {
  return keyText(message, keyStart, keyEnd, encoding);
}

/**
 * The key a cursor stands on, with its value.
 *
 * @param copies whether the value gets memory of its own: one that stays in the message keeps all of that alive
 * @throws FatalError where its revision is beyond what a number can carry
 */
export function entryAt(message: Buffer, cursor: Cursor, encoding: KeyEncoding, copies: boolean): RawEntry {
  const { valueStart, valueEnd, modified: revision } = cursor;
  if (!safe(revision)) throw unsafe(revision);
  const key = keyAt(message, cursor, encoding);
  const value = copies
    ? copied(message, valueStart, valueEnd)
    : new Uint8Array(message.buffer, message.byteOffset + valueStart, valueEnd - valueStart);
  return isText(key) ? { key, value, revision } : { key, error: notText(key), raw: value, revision };
}

/** Small values share memory, as Node's own small buffers do: memory for each of them would cost more than the rest. */
const slabSize = 8_192;
let slab = new Uint8Array(slabSize);
let used = 0;

function copied(message: Buffer, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length > slabSize / 8) return new Uint8Array(message.subarray(start, end));
  if (used + length > slabSize) {
    slab = new Uint8Array(slabSize);
    used = 0;
  }
  const value = new Uint8Array(slab.buffer, used, length);
  used += length;
  for (let at = 0; at < length; at++) value[at] = message[start + at]!;
  return value;
}

export function unsafe(revision: number): FatalError {
  return new FatalError(`the store's revision ${revision} is beyond 2^53 and cannot be told exactly`);
}

/** A key whose bytes are no text. */
export function notText(key: string): DatasyncError {
  const message = `the key ${JSON.stringify(key)} is not UTF-8; set keyEncoding: 'latin1' to read keys byte by byte`;
  return new DatasyncError('DECODE_FAILED', message, { backend: 'etcd', key });
}
