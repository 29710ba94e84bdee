import { isPromiseLike } from '../internal/isPromiseLike.ts';
import type { Codec } from './codec.ts';
import { DatasyncError, type DatasyncErrorDetails, type ErrorCode, messageOf, reasonOf } from './errors.ts';

/**
 * A raw value as the codec reads it.
 *
 * @param backend left out by a codec that reads through another one
 * @throws DatasyncError `DECODE_FAILED` with backend and key
 */
export function decode<T>(codec: Pick<Codec<T>, 'name' | 'decode'>, raw: Uint8Array, key: string, backend?: string): T {
  let value: T;
  try {
    value = codec.decode(raw, key);
  } catch (cause) {
    throw coded('DECODE_FAILED', `the value of ${JSON.stringify(key)} is not valid ${codec.name}`, cause, key, backend);
  }
  if (value !== undefined && !isPromiseLike(value)) return value;
  const returned = isPromiseLike(value) ? refused(value, 'decode') : 'returned undefined';
  const message = `the ${codec.name} codec ${returned} for ${JSON.stringify(key)}`;
  throw new DatasyncError('DECODE_FAILED', message, whereOf(key, backend));
}

/**
 * A value as the codec writes it.
 *
 * @param backend left out by a codec that writes through another one
 * @throws DatasyncError `ENCODE_FAILED` with backend and key
 */
export function encode<T>(
  codec: Pick<Codec<T>, 'name' | 'encode'>,
  value: T,
  key: string,
  backend?: string,
): Uint8Array {
  let raw: unknown;
  try {
    raw = codec.encode(value, key);
  } catch (cause) {
    const message = `the value of ${JSON.stringify(key)} cannot be written as ${codec.name}`;
    throw coded('ENCODE_FAILED', message, cause, key, backend);
  }
  if (raw instanceof Uint8Array) return raw;
  const made = isPromiseLike(raw)
    ? `${refused(raw, 'encode')} for`
    : `made ${typeof raw}, not bytes (Uint8Array), of the value of`;
  const message = `the ${codec.name} codec ${made} ${JSON.stringify(key)}`;
  throw new DatasyncError('ENCODE_FAILED', message, whereOf(key, backend));
}

function refused(promise: PromiseLike<unknown>, method: string): string {
  // Nobody waits for it: when it fails, that must not end the process.
  if (promise instanceof Promise) promise.catch(() => undefined);
  return `is asynchronous, and ${method} must not be (it returned a Promise)`;
}

function coded(code: ErrorCode, what: string, cause: unknown, key: string, backend: string | undefined): DatasyncError {
  // A codec that explains itself is quoted; ours name the key already.
  const message = cause instanceof DatasyncError ? reasonOf(cause) : `${what}: ${messageOf(cause)}`;
  return new DatasyncError(code, message, { cause, ...whereOf(key, backend) });
}

function whereOf(key: string, backend: string | undefined): DatasyncErrorDetails {
  return backend === undefined ? { key } : { backend, key };
}
