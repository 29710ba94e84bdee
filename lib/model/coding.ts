import type { Codec } from './codec.ts';
import { DatasyncError, type ErrorCode, messageOf, reasonOf } from './errors.ts';

/**
 * A raw value as the codec reads it.
 *
 * @throws DatasyncError `DECODE_FAILED` with backend and key
 */
export function decode<T>(codec: Codec<T>, raw: Uint8Array, key: string, backend: string): T {
  let value: T;
  try {
    value = codec.decode(raw, key);
  } catch (cause) {
    throw coded('DECODE_FAILED', `the value of ${JSON.stringify(key)} is not valid ${codec.name}`, {
      cause,
      backend,
      key,
    });
  }
  if (value !== undefined) return value;
  throw new DatasyncError('DECODE_FAILED', `the ${codec.name} codec returned undefined for ${JSON.stringify(key)}`, {
    backend,
    key,
  });
}

/**
 * A value as the codec writes it.
 *
 * @throws DatasyncError `ENCODE_FAILED` with backend and key
 */
export function encode<T>(codec: Codec<T>, value: T, key: string, backend: string): Uint8Array {
  let raw: unknown;
  try {
    raw = codec.encode(value, key);
  } catch (cause) {
    throw coded('ENCODE_FAILED', `the value of ${JSON.stringify(key)} cannot be written as ${codec.name}`, {
      cause,
      backend,
      key,
    });
  }
  if (raw instanceof Uint8Array) return raw;
  const message = `the ${codec.name} codec made ${typeof raw} of the value of ${JSON.stringify(key)}, not bytes (Uint8Array)`;
  throw new DatasyncError('ENCODE_FAILED', message, { backend, key });
}

function coded(
  code: ErrorCode,
  what: string,
  details: { cause: unknown; backend: string; key: string },
): DatasyncError {
  const { cause } = details;
  // A codec that explains itself is quoted; ours name the key already.
  const message = cause instanceof DatasyncError ? reasonOf(cause) : `${what}: ${messageOf(cause)}`;
  return new DatasyncError(code, message, details);
}
