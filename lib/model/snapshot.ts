import { jsonOf } from '../internal/bytes.ts';
import type { KeyValue } from './values.ts';

/**
 * The whole view at one point: immutable, and as cheap as the array it holds.
 *
 * `items` is in arrival order; `get`, `has`, `under` and `sorted` sort once, on first use, by UTF-16 code unit
 * (not by bytes: the two differ for characters beyond U+FFFF). Keys that arrived sorted cost one pass.
 */
export class Snapshot<T> implements Iterable<KeyValue<T>> {
  /** All entries, in arrival order; each key once. */
  readonly items: readonly KeyValue<T>[];
  #sorted: readonly KeyValue<T>[] | undefined;

  /** @param items each key at most once; not copied */
  constructor(items: readonly KeyValue<T>[]) {
    this.items = items;
  }

  /** How many keys. */
  get size(): number {
    return this.items.length;
  }

  /** The entry of one key. O(log n) after the first call. */
  get(key: string): KeyValue<T> | undefined {
    const sorted = this.sorted();
    const item = sorted[lowerBound(sorted, key)];
    return item?.key === key ? item : undefined;
  }

  /** Whether the key has a value. O(log n) after the first call. */
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** All entries whose key starts with `prefix` (a raw string prefix, no path rules), sorted. */
  under(prefix: string): readonly KeyValue<T>[] {
    const sorted = this.sorted();
    const start = lowerBound(sorted, prefix);
    let low = start;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]!.key.startsWith(prefix)) low = middle + 1;
      else high = middle;
    }
    return sorted.slice(start, low);
  }

  /** All entries sorted by key, by UTF-16 code unit. */
  sorted(): readonly KeyValue<T>[] {
    this.#sorted ??= isSorted(this.items) ? this.items : [...this.items].sort(byKey);
    return this.#sorted;
  }

  /** In arrival order, as `items`. */
  [Symbol.iterator](): IterableIterator<KeyValue<T>> {
    return this.items[Symbol.iterator]();
  }

  /** Sorted entries; bytes as text or base64. */
  toJSON(): unknown {
    return this.sorted().map(jsonOfKeyValue);
  }
}

/** @internal */
export function jsonOfKeyValue(item: KeyValue<unknown>): unknown {
  return { ...item, value: jsonOf(item.value) };
}

function byKey(a: KeyValue<unknown>, b: KeyValue<unknown>): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function isSorted(items: readonly KeyValue<unknown>[]): boolean {
  for (let i = 1; i < items.length; i++) if (items[i - 1]!.key > items[i]!.key) return false;
  return true;
}

function lowerBound(items: readonly KeyValue<unknown>[], key: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
