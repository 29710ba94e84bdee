import { ContinuityLost } from '../../source/frames.ts';
import { type KeyEncoding, keyBytes } from './keys.ts';
import { type Cursor, encodeMessage, type Header, RangeAnswer } from './wire.ts';

/**
 * How far a subscription has come, and by what to recognise the store again. A store whose data was wiped or restored keeps
 * its cluster id, and may have grown beyond the revision we know: then a key that had a certain history at that revision
 * has another one, or none.
 */
export interface EtcdPosition {
  readonly revision: number;
  readonly cluster: string;
  readonly term: number;
  /** A key that was there at the revision; without one there is nothing to recognise the store by but numbers. */
  readonly witness: Witness | undefined;
}

/** One key as it was. */
export interface Witness {
  readonly key: string;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
}

export function witnessOf(key: string, { created, modified, version }: Cursor): Witness {
  return { key, created, modified, version };
}

/**
 * One linearizable read of one key. It fails where there is no leader, the token has run out, the permission is gone, or
 * the history up to the position; and its answer shows whether this is the same store.
 *
 * @param key read where the position has no witness
 */
export function proofRequest(at: EtcdPosition, key: Uint8Array, encoding: KeyEncoding): Uint8Array {
  const { witness, revision } = at;
  // An empty key cannot be asked for.
  const first = key.length === 0 ? Uint8Array.of(0) : key;
  return encodeMessage({
    1: witness === undefined ? first : keyBytes(witness.key, encoding),
    3: 1,
    4: revision,
    8: true,
  });
}

/** @throws ContinuityLost where the answer is from another store than the one the position is of */
export function checkProof(at: EtcdPosition, answer: RangeAnswer): void {
  const { cluster, term, witness } = at;
  checkSame(at, answer.header);
  if (witness === undefined) return;
  const { cursor } = answer;
  const isSame =
    answer.next() &&
    cursor.created === witness.created &&
    cursor.modified === witness.modified &&
    cursor.version === witness.version;
  if (!isSame)
    throw new ContinuityLost('regressed', `the store has another history (cluster ${cluster}, term ${term})`);
}

/** @throws ContinuityLost where the header is one of another store, or of an older state of it */
export function checkSame({ cluster, term, revision }: EtcdPosition, header: Header): void {
  if (header.cluster !== cluster)
    throw new ContinuityLost('regressed', `another cluster answers: ${header.cluster} instead of ${cluster}`);
  if (header.term < term || header.revision < revision) {
    const now = `revision ${header.revision} in term ${header.term}`;
    throw new ContinuityLost('regressed', `the store went back from revision ${revision} in term ${term} to ${now}`);
  }
}

/** A read of one key as it is now, with nothing of it but the header. */
export function headerRequest(key: Uint8Array): Uint8Array {
  return encodeMessage({ 1: key.length === 0 ? Uint8Array.of(0) : key, 3: 1, 8: true });
}

export function headerOf(message: Buffer): Header {
  return new RangeAnswer(message).header;
}
