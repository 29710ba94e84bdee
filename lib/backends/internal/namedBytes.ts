import { isUtf8 } from 'node:buffer';

/** A byte that is no UTF-8 is shown as a lone surrogate, U+DC00 + byte. */
export const strange = 0xdc00;

/**
 * The name of a key whose bytes are no UTF-8. No text contains a lone surrogate, so no two keys share a name, and JSON
 * shows it as `\udcff`.
 */
export function nameOf(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const size = [1, 2, 3, 4].find((length) => at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)));
    text += size === undefined ? String.fromCharCode(strange + bytes[at]!) : bytes.toString('utf8', at, at + size);
    at += size ?? 1;
  }
  return text;
}

/** Whether a key is a text of its own, and not a name for bytes. */
export function isText(key: string): boolean {
  return !/\p{Surrogate}/u.test(key);
}
