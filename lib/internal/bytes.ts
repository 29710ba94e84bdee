const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * The text of UTF-8 bytes.
 *
 * @throws TypeError where the bytes are not UTF-8: replacement characters would change a value without a sign.
 */
export function decodeText(bytes: Uint8Array): string {
  return strict.decode(bytes);
}

/** Whether two raw values are the same, byte for byte; two absent values are. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  // Eight at a time: a third less than one by one.
  const eights = a.length & ~7;
  let i = 0;
  for (; i < eights; i += 8) {
    const different =
      (a[i]! ^ b[i]!) |
      (a[i + 1]! ^ b[i + 1]!) |
      (a[i + 2]! ^ b[i + 2]!) |
      (a[i + 3]! ^ b[i + 3]!) |
      (a[i + 4]! ^ b[i + 4]!) |
      (a[i + 5]! ^ b[i + 5]!) |
      (a[i + 6]! ^ b[i + 6]!) |
      (a[i + 7]! ^ b[i + 7]!);
    if (different !== 0) return false;
  }
  for (; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What `JSON.stringify` shows of a value: bytes as text, or `{ base64 }` where they are not UTF-8; all else as it is. */
export function jsonOf(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  try {
    return decodeText(value);
  } catch {
    return { base64: toBase64(value) };
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

// Neither Buffer (Node) nor btoa (no types in the core) is at hand here, and this is for messages, not for bulk.
function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const word = (a << 16) | (b << 8) | c;
    const left = bytes.length - i;
    text += alphabet[word >> 18]! + alphabet[(word >> 12) & 63]!;
    text += (left > 1 ? alphabet[(word >> 6) & 63]! : '=') + (left > 2 ? alphabet[word & 63]! : '=');
  }
  return text;
}
