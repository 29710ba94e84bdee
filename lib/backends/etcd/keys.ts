import { isUtf8 } from 'node:buffer';
import { checkPrefixes } from '../internal/checkPrefixes.ts';
import { isText, nameOf } from '../internal/namedBytes.ts';

/** How the bytes of a key are a text. */
export type KeyEncoding = 'utf8' | 'latin1';

/** Everything from a key up to another one, which is not in it; `\0` there means: no end. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

const zero = Uint8Array.of(0);

/** The bytes of a key or prefix. */
export function keyBytes(key: string, encoding: KeyEncoding): Uint8Array {
  return new Uint8Array(Buffer.from(key, encoding));
}

/** Whether these bytes are those of this key alone. */
export function isEncodable(key: string, encoding: KeyEncoding): boolean {
  return encoding === 'utf8' ? isText(key) : !/[^\0-\xff]/.test(key);
}

/** @throws DatasyncError `INVALID_CONFIG` where no key can start with one of them */
export function checkKeyPrefixes(where: string, prefixes: unknown, keyEncoding: KeyEncoding = 'utf8'): void {
  const known = (prefix: string): boolean => isEncodable(prefix, keyEncoding);
  checkPrefixes(where, prefixes, { backend: 'etcd', keyEncoding, isEncodable: known });
}

/** Everything that starts with a prefix. */
export function prefixRange(prefix: string, encoding: KeyEncoding): KeyRange {
  const start = keyBytes(prefix, encoding);
  if (start.length === 0) return { start: zero, end: zero };
  return { start, end: after(start) };
}

/** The first key behind all that start with these bytes. */
function after(prefix: Uint8Array): Uint8Array {
  for (let last = prefix.length - 1; last >= 0; last--) {
    if (prefix[last] === 0xff) continue;
    const end = prefix.slice(0, last + 1);
    end[last]!++;
    return end;
  }
  return zero;
}

/** The smallest range that holds all of them. */
export function spanOf(ranges: readonly KeyRange[]): KeyRange {
  const isEndless = ranges.some(({ end }) => end.length === 1 && end[0] === 0);
  return {
    start: ranges.map(({ start }) => start).reduce((a, b) => (Buffer.compare(a, b) <= 0 ? a : b)),
    end: isEndless ? zero : ranges.map(({ end }) => end).reduce((a, b) => (Buffer.compare(a, b) >= 0 ? a : b)),
  };
}

/** The key right behind another. */
export function nextKey(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** The text of a key, within a message. A text with lone surrogates: the bytes were no UTF-8, see `isText`. */
export function keyText(message: Buffer, start: number, end: number, encoding: KeyEncoding): string {
  const text = message.toString(encoding, start, end);
  if (encoding === 'latin1' || !text.includes('\ufffd')) return text;
  const bytes = message.subarray(start, end);
  return isUtf8(bytes) ? text : nameOf(bytes);
}
