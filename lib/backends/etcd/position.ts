import { ContinuityLost } from '../../source/frames.ts';
import { type Cursor, type Header, RangeAnswer } from './answers.ts';
import { type KeyEncoding, keyBytes } from './keys.ts';
import { encodeMessage } from './wire.ts';

/**
 * How far a subscription has come, and by what to recognise the store again. A store whose data was wiped or restored keeps
 * its cluster id, and may have grown beyond the revision we know: then a key that had a certain history at that revision
 * has another one, or none.
 */
export interface EtcdPosition {
  readonly revision: number;
  readonly cluster: string;
  readonly term: number;
  /**
   * Some of the keys that were there at the revision, as they were. Without any there is nothing to recognise the store by but
   * cluster, term and revision.
   */
  readonly witnesses: readonly Witness[];
}

/** One key as it was. */
export interface Witness {
  readonly key: string;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
}

/** So many are kept: all but one stay until they are changed or deleted, however short the others live. */
export const kept = 8;

export function witnessOf(key: string, { created, modified, version }: Cursor): Witness {
  return { key, created, modified, version };
}

/** The one that was put last: the histories of two stores are the most likely to differ in it. */
function newestOf(witnesses: readonly Witness[]): Witness | undefined {
  let newest: Witness | undefined;
  for (const each of witnesses) if (newest === undefined || each.modified > newest.modified) newest = each;
  return newest;
}

/** Whether a key that was put at a revision would be kept. */
function isWanted(witnesses: readonly Witness[], modified: number): boolean {
  return witnesses.length < kept || modified > newestOf(witnesses)!.modified;
}

/** With another one, of a newer state of its key, or of another key; where there are enough, it takes the place of the newest. */
export function withWitness(witnesses: readonly Witness[], another: Witness): readonly Witness[] {
  const others = witnesses.filter(({ key }) => key !== another.key);
  if (!isWanted(others, another.modified)) return others;
  const newest = others.length < kept ? undefined : newestOf(others);
  return [...others.filter((each) => each !== newest), another];
}

/**
 * One linearizable read of one key. It fails where there is no leader, the token has run out, the permission is gone, or
 * the history up to the position; and its answer shows whether this is the same store.
 *
 * @param key read where the position has no witnesses
 */
export function proofRequest(at: EtcdPosition, key: Uint8Array, encoding: KeyEncoding): Uint8Array {
  const { revision } = at;
  const witness = newestOf(at.witnesses);
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
  const { cluster, term } = at;
  checkSame(at, answer.header);
  if (!isUnchanged(at, answer))
    throw new ContinuityLost('regressed', `the store has another history (cluster ${cluster}, term ${term})`);
}

/** The same read as {@link proofRequest} makes, of the key as it is now: that is there also where the history is compacted. */
export function presentRequest(at: EtcdPosition, key: Uint8Array, encoding: KeyEncoding): Uint8Array {
  return proofRequest({ ...at, revision: 0 }, key, encoding);
}

/**
 * Whether the key by which the store is recognised is as it was.
 *
 * @throws ContinuityLost where the answer is from another store
 */
export function isPresent(at: EtcdPosition, answer: RangeAnswer): boolean {
  checkSame(at, answer.header);
  return isUnchanged(at, answer);
}

function isUnchanged({ witnesses }: EtcdPosition, answer: RangeAnswer): boolean {
  const witness = newestOf(witnesses);
  if (witness === undefined) return true;
  const { cursor } = answer;
  return (
    answer.next() &&
    cursor.created === witness.created &&
    cursor.modified === witness.modified &&
    cursor.version === witness.version
  );
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
