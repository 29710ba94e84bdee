import { isUtf8 } from 'node:buffer';
import { DatasyncError } from '../../model/errors.ts';
import { checkPrefixes } from '../internal/checkPrefixes.ts';
import { isText, nameOf, strange } from '../internal/namedBytes.ts';

/** How the bytes of a key are a text. */
export type KeyEncoding = 'utf8' | 'latin1';

/** The text of a key; one with lone surrogates where the bytes are no UTF-8, see {@link isText}. */
export function keyText(bytes: Buffer, encoding: KeyEncoding): string {
  const text = bytes.toString(encoding);
  // Only where something was replaced, or the key itself holds a replacement character.
  return encoding === 'latin1' || !text.includes('\ufffd') || isUtf8(bytes) ? text : nameOf(bytes);
}

/**
 * The bytes of a key, also of one that {@link keyText} had to give a name.
 *
 * @throws DatasyncError `INVALID_KEY` where it has none of its own: they would be those of another key
 */
export function keyBytes(key: string, encoding: KeyEncoding): Buffer {
  const bytes = ownBytes(key, encoding);
  if (bytes !== undefined) return bytes;
  const message = `the key ${JSON.stringify(key)} cannot be written in ${encoding}`;
  throw new DatasyncError('INVALID_KEY', message, { backend: 'redis', key });
}

/** @throws DatasyncError `INVALID_CONFIG` where no key can start with one of them */
export function checkKeyPrefixes(where: string, prefixes: unknown, keyEncoding: KeyEncoding = 'utf8'): void {
  const isEncodable = (prefix: string): boolean => ownBytes(prefix, keyEncoding) !== undefined;
  checkPrefixes(where, prefixes, { backend: 'redis', keyEncoding, isEncodable });
}

function ownBytes(key: string, encoding: KeyEncoding): Buffer | undefined {
  if (encoding === 'latin1') return /[^\0-\xff]/.test(key) ? undefined : Buffer.from(key, encoding);
  if (isText(key)) return Buffer.from(key);
  const parts = Array.from(key, (character) => {
    const code = character.codePointAt(0)!;
    const isByte = code >= strange && code <= strange + 0xff;
    return isByte ? Buffer.of(code - strange) : Buffer.from(character);
  });
  const bytes = Buffer.concat(parts);
  return keyText(bytes, encoding) === key ? bytes : undefined;
}

/** A key as an argument of a command: as it is where it may be, since ioredis sends texts in one piece, and bytes in three. */
export function keyArgument(key: string, encoding: KeyEncoding): string | Buffer {
  return encoding === 'utf8' && isText(key) ? key : keyBytes(key, encoding);
}

/** A glob that matches exactly what starts with these bytes. */
export function globOf(prefix: Buffer): Buffer {
  const escaped: number[] = [];
  for (const byte of prefix) {
    if ('*?[\\'.includes(String.fromCharCode(byte))) escaped.push(0x5c);
    escaped.push(byte);
  }
  return Buffer.from([...escaped, 0x2a]);
}

/** What all of them start with. */
export function commonPrefix(prefixes: readonly string[]): string {
  let common = prefixes[0] ?? '';
  for (const prefix of prefixes) while (!prefix.startsWith(common)) common = common.slice(0, -1);
  // Half of a character outside the basic plane is the start of nothing.
  return /[\ud800-\udbff]$/.test(common) ? common.slice(0, -1) : common;
}
