import type { KeyRange as TextRange } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { KeyValue } from '../../model/values.ts';
import { isText } from '../internal/namedBytes.ts';
import type { RangeAnswer } from './answers.ts';
import { entryAt, keyAt, notText } from './entries.ts';
import { isEncodable, type KeyEncoding, type KeyRange, keyBytes, prefixRange } from './keys.ts';
import { safe } from './wire.ts';

/** @throws DatasyncError `INVALID_KEY` where etcd cannot have such a key */
export function keyOf(key: string, encoding: KeyEncoding): Uint8Array {
  if (key === '') throw new DatasyncError('INVALID_KEY', 'etcd has no empty key', { backend: 'etcd', key });
  return keyBytes(checked(key, encoding), encoding);
}

/** `undefined`: nothing can be in it. @throws DatasyncError `INVALID_KEY` */
export function rangeOf(range: TextRange, encoding: KeyEncoding): KeyRange | undefined {
  if ('prefix' in range) return prefixRange(checked(range.prefix, encoding), encoding);
  const start = keyBytes(checked(range.start, encoding), encoding);
  const end = keyBytes(checked(range.end, encoding), encoding);
  if (Buffer.compare(start, end) >= 0) return undefined;
  return { start: start.length === 0 ? Uint8Array.of(0) : start, end };
}

/** The entry that an answer stands on. @throws DatasyncError `DECODE_FAILED` where its key is no text */
export function readEntry({ message, cursor }: RangeAnswer, encoding: KeyEncoding): KeyValue<Uint8Array> {
  if (!safe(cursor.modified))
    throw new DatasyncError('UNSUPPORTED', 'a revision beyond 2^53 cannot be told exactly', { backend: 'etcd' });
  const entry = entryAt(message, cursor, encoding, true);
  if ('error' in entry) throw entry.error;
  return { key: entry.key, value: entry.value, revision: cursor.modified };
}

/** The key that an answer stands on. @throws DatasyncError `DECODE_FAILED` where it is no text */
export function readKey({ message, cursor }: RangeAnswer, encoding: KeyEncoding): string {
  const key = keyAt(message, cursor, encoding);
  if (!isText(key)) throw notText(key);
  return key;
}

function checked(key: string, encoding: KeyEncoding): string {
  if (isEncodable(key, encoding)) return key;
  const message = `the key ${JSON.stringify(key)} cannot be written in ${encoding}`;
  throw new DatasyncError('INVALID_KEY', message, { backend: 'etcd', key });
}
