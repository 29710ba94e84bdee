/** Few entries per bucket keep a change cheap, more of them the memory small. */
const entriesPerBucket = 8;

type Bucket<T> = ReadonlyMap<string, T>;
/** Buckets that are copied together. */
type Chunk<T> = readonly (Bucket<T> | undefined)[];

/**
 * An immutable Map: a change makes a new one in O(√n) by copying one small bucket, the chunk it stands in and the list of
 * chunks, and shares the rest. Iteration is in no particular order.
 */
export class StateMap<T> implements ReadonlyMap<string, T> {
  // Not `#`: deep equality must see it, or two states with as many keys would be equal for `node:assert`.
  private readonly chunks: readonly Chunk<T>[];
  /** A hash says by these bits where its bucket stands in its chunk, by those above them which chunk it is. */
  readonly #bits: number;
  readonly size: number;

  private constructor(chunks: readonly Chunk<T>[], size: number) {
    this.chunks = chunks;
    this.#bits = 31 - Math.clz32(chunks[0]!.length);
    this.size = size;
  }

  static from<T>(entries: Iterable<readonly [string, T]>, expected: number): StateMap<T> {
    const buckets = new Array<Map<string, T> | undefined>(bucketsFor(expected)).fill(undefined);
    const mask = buckets.length - 1;
    let size = 0;
    for (const [key, value] of entries) {
      const index = hash(key) & mask;
      const bucket = buckets[index] ?? new Map<string, T>();
      buckets[index] = bucket;
      if (!bucket.has(key)) size++;
      bucket.set(key, value);
    }
    return new StateMap(chunksOf(buckets), size);
  }

  /** The Map with some entries replaced (`undefined`: removed); itself where nothing is different. */
  with(changes: Iterable<readonly [string, T | undefined]>): StateMap<T> {
    let chunks: (Bucket<T> | undefined)[][] | undefined;
    const copied = new Map<number, Map<string, T>>();
    let size = this.size;
    for (const [key, value] of changes) {
      const index = this.#indexOf(key);
      const now = copied.get(index) ?? this.#bucketAt(index);
      const had = now?.has(key) === true;
      if (value === undefined ? !had : had && Object.is(now.get(key), value)) continue;
      let bucket = copied.get(index);
      if (bucket === undefined) {
        bucket = new Map(now);
        copied.set(index, bucket);
        // Each of them is copied too before it is written to.
        chunks ??= this.chunks.slice() as (Bucket<T> | undefined)[][];
        const number = index >>> this.#bits;
        if (chunks[number] === this.chunks[number]) chunks[number] = chunks[number]!.slice();
        chunks[number]![index & ((1 << this.#bits) - 1)] = bucket;
      }
      if (value === undefined) bucket.delete(key);
      else bucket.set(key, value);
      size += (value === undefined ? 0 : 1) - (had ? 1 : 0);
    }
    if (chunks === undefined) return this;
    const map = new StateMap(chunks, size);
    return size > (chunks.length << this.#bits) * entriesPerBucket * 2 ? StateMap.from(map, size) : map;
  }

  get(key: string): T | undefined {
    return this.#bucketAt(this.#indexOf(key))?.get(key);
  }

  has(key: string): boolean {
    return this.#bucketAt(this.#indexOf(key))?.has(key) === true;
  }

  forEach(visit: (value: T, key: string, map: ReadonlyMap<string, T>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): MapIterator<[string, T]> {
    for (const chunk of this.chunks) for (const bucket of chunk) if (bucket !== undefined) yield* bucket;
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

  #indexOf(key: string): number {
    return hash(key) & ((this.chunks.length << this.#bits) - 1);
  }

  #bucketAt(index: number): Bucket<T> | undefined {
    return this.chunks[index >>> this.#bits]![index & ((1 << this.#bits) - 1)];
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

/** As many chunks as each has buckets, or half as many. */
function chunksOf<B>(buckets: readonly B[]): B[][] {
  const length = 2 ** Math.ceil(Math.log2(buckets.length) / 2);
  return Array.from({ length: buckets.length / length }, (_, number) =>
    buckets.slice(number * length, (number + 1) * length),
  );
}

// FNV-1a over UTF-16 code units.
function hash(key: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  return h ^ (h >>> 15);
}
