import { isUtf8 } from 'node:buffer';
import { isText, nameOf, strange } from '../internal/namedBytes.ts';

/** How the bytes of a key are a text. */
export type KeyEncoding = 'utf8' | 'latin1';

/** The text of a key; one with lone surrogates where the bytes are no UTF-8, see {@link isText}. */
export function keyText(bytes: Buffer, encoding: KeyEncoding): string {
  const text = bytes.toString(encoding);
  // Only where something was replaced, or the key itself holds a replacement character.
  return encoding === 'latin1' || !text.includes('\ufffd') || isUtf8(bytes) ? text : nameOf(bytes);
}

/** The bytes of a key, also of one that {@link keyText} had to give a name. */
export function keyBytes(key: string, encoding: KeyEncoding): Buffer {
  if (encoding === 'latin1' || isText(key)) return Buffer.from(key, encoding);
  const parts = Array.from(key, (character) => {
    const code = character.codePointAt(0)!;
    const isByte = code >= strange && code <= strange + 0xff;
    return isByte ? Buffer.of(code - strange) : Buffer.from(character);
  });
  return Buffer.concat(parts);
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
