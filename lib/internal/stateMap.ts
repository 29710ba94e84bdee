/** Few entries per bucket keep a change cheap; few buckets keep the copy of their list cheap. */
const entriesPerBucket = 32;

type Bucket<T> = ReadonlyMap<string, T>;

/**
 * An immutable Map: a change makes a new one in O(√n) by copying one small bucket and the list of buckets, and shares
 * the rest. Iteration is in no particular order.
 */
export class StateMap<T> implements ReadonlyMap<string, T> {
  // Not `#`: deep equality must see it, or two states with as many keys would be equal for `node:assert`.
  private readonly buckets: readonly (Bucket<T> | undefined)[];
  readonly #mask: number;
  readonly size: number;

  private constructor(buckets: readonly (Bucket<T> | undefined)[], size: number) {
    this.buckets = buckets;
    this.#mask = buckets.length - 1;
    this.size = size;
  }

  static from<T>(entries: Iterable<readonly [string, T]>, expected: number): StateMap<T> {
    const buckets = new Array<Map<string, T> | undefined>(bucketsFor(expected)).fill(undefined);
    const mask = buckets.length - 1;
    let size = 0;
    for (const [key, value] of entries) {
      const bucket = (buckets[hash(key) & mask] ??= new Map());
      if (!bucket.has(key)) size++;
      bucket.set(key, value);
    }
    return new StateMap(buckets, size);
  }

  /** The Map with some entries replaced (`undefined`: removed); itself where nothing is different. */
  with(changes: Iterable<readonly [string, T | undefined]>): StateMap<T> {
    let buckets: (Bucket<T> | undefined)[] | undefined;
    const copied = new Map<number, Map<string, T>>();
    let size = this.size;
    for (const [key, value] of changes) {
      const index = hash(key) & this.#mask;
      const now = copied.get(index) ?? this.buckets[index];
      const had = now?.has(key) === true;
      if (value === undefined ? !had : had && Object.is(now.get(key), value)) continue;
      let bucket = copied.get(index);
      if (bucket === undefined) {
        bucket = new Map(this.buckets[index]);
        copied.set(index, bucket);
        buckets ??= this.buckets.slice();
        buckets[index] = bucket;
      }
      if (value === undefined) bucket.delete(key);
      else bucket.set(key, value);
      size += (value === undefined ? 0 : 1) - (had ? 1 : 0);
    }
    if (buckets === undefined) return this;
    const map = new StateMap(buckets, size);
    return size > buckets.length * entriesPerBucket * 2 ? StateMap.from(map, size) : map;
  }

  get(key: string): T | undefined {
    return this.buckets[hash(key) & this.#mask]?.get(key);
  }

  has(key: string): boolean {
    return this.buckets[hash(key) & this.#mask]?.has(key) === true;
  }

  forEach(visit: (value: T, key: string, map: ReadonlyMap<string, T>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): MapIterator<[string, T]> {
    for (const bucket of this.buckets) if (bucket !== undefined) yield* bucket;
  }

  *keys(): MapIterator<string> {
    for (const [key] of this) yield key;
  }

  *values(): MapIterator<T> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, T]> {
    return this.entries();
  }

  /** An object, sorted by key: `JSON.stringify` of a Map would be `{}`. */
  toJSON(): Record<string, T> {
    return Object.fromEntries([...this].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  // What Node's `console.log` shows; elsewhere nobody asks.
  static {
    Object.defineProperty(StateMap.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: StateMap<unknown>): Map<string, unknown> {
        return new Map(this);
      },
    });
  }
}

function bucketsFor(size: number): number {
  let buckets = 1;
  while (buckets * entriesPerBucket < size) buckets *= 2;
  return buckets;
}

// FNV-1a over UTF-16 code units.
function hash(key: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  return h ^ (h >>> 15);
}
