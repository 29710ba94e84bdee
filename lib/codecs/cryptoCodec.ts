import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { decodeText, encodeText } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';
import { decode, encode } from '../model/coding.ts';
import { DatasyncError } from '../model/errors.ts';
import { checkOptions, oneOf, type Rules, rule, withMethods } from '../model/options.ts';

/** A key for AES. */
export interface CryptoKeyConfig {
  /** Written before each value in the clear, so that the key is found again: a text of at most 255 bytes. */
  readonly id: string;
  /** 16, 24 or 32 random bytes: AES-128, AES-192 or AES-256. Not a password: derive bytes from one by `scrypt`. */
  readonly key: Uint8Array;
}

/** How values are encrypted. */
export interface CryptoCodecConfig {
  /** The newest first: it encrypts. The others decrypt what was written before. */
  readonly keys: readonly CryptoKeyConfig[];
  /**
   * Whether a value decrypts only under the store's key that it was written to, so that nobody can swap two values. Turn it
   * off where programs see the same value under different keys (namespaces). All of them must agree.
   *
   * @defaultValue true
   */
  readonly bindKey?: boolean;
  /**
   * How values are written: `'bytes'`, or `'json'`, a JSON text `"aes-gcm:…"` in base64, a third longer, for files and for
   * stores of texts. Both are read.
   *
   * @defaultValue 'bytes'
   */
  readonly format?: 'bytes' | 'json';
}

const rules: Rules = {
  codec: withMethods('a codec: { name, decode, encode }', 'decode', 'encode'),
  keys: [
    isKeys,
    'a list of { id, key }, newest first: different ids of 1 to 255 bytes, keys of 16, 24 or 32 bytes (Uint8Array)',
    wrongKey,
  ],
  bindKey: rule.flag,
  format: oneOf('bytes', 'json'),
};

// A value: these two, the length of the id, the id, the initialisation vector, the ciphertext, the tag.
const magic = 0xae;
const version = 1;
const ivLength = 12;
const tagLength = 16;

const textPrefix = 'aes-gcm:';
const quote = 0x22;

/**
 * Encrypts what another codec writes, by AES-GCM: whoever has no key neither reads values nor changes them unseen. Keys of
 * the store, the sizes of values and when they change stay visible. Needs Node.
 *
 * To change the key, put the new one first and keep the old one until everything has been written again; do so before
 * one key has encrypted 2^32 values.
 *
 * Every encryption is different. So an equal value put again is a change, and `compareAndSwap` and `compareAndDelete` of a
 * broker, which compare bytes, never match.
 *
 * Errors: `DECODE_FAILED` for what is not encrypted, what was changed or moved to another key of the store, and a key id
 * that is not among `keys`; also where the decrypted value is not what `codec` reads, without the reason, which could quote
 * it. `ENCODE_FAILED` as of `codec`.
 *
 * @example
 * const codec = cryptoCodec(jsonCodec<Secret>(), { keys: [{ id: '2026', key: readFileSync('2026.key') }] });
 *
 * @param codec between plain bytes and values
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong; keys are not quoted
 */
export function cryptoCodec<T>(codec: Codec<T>, config: CryptoCodecConfig): Codec<T> {
  checkOptions('cryptoCodec', { ...config, codec }, rules, ['codec', 'keys']);
  const { bindKey = true, format = 'bytes' } = config;
  const keys = new Map(config.keys.map(({ id, key }) => [id, createSecretKey(key)]));
  const newest = config.keys[0]!.id;
  const bound = (header: Uint8Array, key: string): Uint8Array => (bindKey ? joined(header, encodeText(key)) : header);

  return {
    name: `encrypted ${codec.name}`,
    encode: (value, key) => {
      const id = encodeText(newest);
      const header = joined(Uint8Array.of(magic, version, id.length), id);
      const iv = randomBytes(ivLength);
      const cipher = createCipheriv(algorithmOf(keys.get(newest)!), keys.get(newest)!, iv, {
        authTagLength: tagLength,
      });
      cipher.setAAD(bound(header, key));
      const text = joined(cipher.update(encode(codec, value, key)), cipher.final());
      const raw = joined(header, iv, text, cipher.getAuthTag());
      return format === 'bytes' ? raw : encodeText(JSON.stringify(textPrefix + Buffer.from(raw).toString('base64')));
    },
    decode: (raw, key) => {
      const what = `the value of ${JSON.stringify(key)}`;
      const refuse = (message: string) => new DatasyncError('DECODE_FAILED', `${what} ${message}`, { key });
      const parts = partsOf(raw);
      if (parts === undefined) throw refuse('is not encrypted by cryptoCodec, or was cut short');
      const { id, header, iv, text, tag } = parts;
      const secret = keys.get(id);
      if (secret === undefined) {
        throw refuse(
          `is encrypted with the key ${JSON.stringify(id)}, which is not among: ${[...keys.keys()].join(', ')}`,
        );
      }
      const decipher = createDecipheriv(algorithmOf(secret), secret, iv, { authTagLength: tagLength });
      decipher.setAAD(bound(header, key));
      decipher.setAuthTag(tag);
      let plain: Uint8Array;
      try {
        plain = joined(decipher.update(text), decipher.final());
      } catch {
        const moved = bindKey ? ', was moved here from another key of the store,' : '';
        throw refuse(
          `does not decrypt: it was changed${moved} or was written with another key named ${JSON.stringify(id)}`,
        );
      }
      try {
        return decode(codec, plain, key);
      } catch {
        // What a parser says may quote the secret, and errors are logged.
        throw refuse(`decrypts, but not to valid ${codec.name}`);
      }
    },
  };
}

function partsOf(given: Uint8Array) {
  const raw = given[0] === quote ? fromText(given) : given;
  const idEnd = 3 + (raw?.[2] ?? 0);
  const ivEnd = idEnd + ivLength;
  const textEnd = (raw?.length ?? 0) - tagLength;
  if (raw === undefined || raw[0] !== magic || raw[1] !== version || textEnd < ivEnd) return undefined;
  return {
    id: Buffer.from(raw.subarray(3, idEnd)).toString('utf8'),
    header: raw.subarray(0, idEnd),
    iv: raw.subarray(idEnd, ivEnd),
    text: raw.subarray(ivEnd, textEnd),
    tag: raw.subarray(textEnd),
  };
}

function fromText(raw: Uint8Array): Uint8Array | undefined {
  try {
    const text: unknown = JSON.parse(decodeText(raw));
    if (typeof text !== 'string' || !text.startsWith(textPrefix)) return undefined;
    return Buffer.from(text.slice(textPrefix.length), 'base64');
  } catch {
    return undefined;
  }
}

function algorithmOf(key: KeyObject): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  return `aes-${(key.symmetricKeySize! * 8) as 128 | 192 | 256}-gcm`;
}

/** Plain bytes of their own, whatever the parts are: no Buffer leaves this file. */
function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function isKeys(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && wrongKey(value) === undefined;
}

/** Which of them is wrong, and how; nothing is quoted, since it may be the secret. */
function wrongKey(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `it is of type ${typeof value}`;
  const seen = new Map<string, number>();
  for (const [index, entry] of (value as readonly (Partial<CryptoKeyConfig> | null | undefined)[]).entries()) {
    const { id, key } = entry ?? {};
    if (typeof id !== 'string') return `the id of element ${index} is of type ${typeof id}`;
    const { length } = encodeText(id);
    if (length < 1 || length > 255) return `the id of element ${index} has ${length} bytes`;
    if (!(key instanceof Uint8Array)) return `the key of element ${index} is no Uint8Array`;
    if (![16, 24, 32].includes(key.length)) return `the key of element ${index} has ${key.length} bytes`;
    if (seen.has(id)) return `elements ${seen.get(id)} and ${index} have the same id`;
    seen.set(id, index);
  }
  return undefined;
}
