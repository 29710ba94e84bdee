import type { KeyValue, ResyncDiff } from '../../model/values.ts';

/**
 * How a snapshot differs from what was known before.
 *
 * @param wentBack revisions of the two do not compare
 * @param recovered whether a key could not be decoded in between
 */
export function diffOf<T>(
  before: ReadonlyMap<string, KeyValue<T>>,
  now: ReadonlyMap<string, KeyValue<T>>,
  wentBack: boolean,
  recovered: (key: string) => boolean,
): ResyncDiff<T> {
  const added: KeyValue<T>[] = [];
  const changed: (KeyValue<T> & { prevValue: T | undefined })[] = [];
  const removed: { key: string; prevValue: T | undefined }[] = [];
  for (const [key, item] of now) {
    const old = before.get(key);
    if (old === undefined) added.push(item);
    else if (recovered(key) || (wentBack ? !Object.is(old.value, item.value) : old.revision !== item.revision))
      changed.push({ ...item, prevValue: old.value });
  }
  for (const [key, { value }] of before) if (!now.has(key)) removed.push({ key, prevValue: value });
  return { added, changed, removed };
}
