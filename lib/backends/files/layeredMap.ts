/** A layer that is larger than this part of what is below it is merged with it. */
const share = 1 / 8;

/**
 * A Map that is another one but for some keys: made in the time that those take, where a copy takes as long as there are keys.
 * What is below must not change any more.
 */
export class LayeredMap<V> implements ReadonlyMap<string, V> {
  readonly #below: ReadonlyMap<string, V>;
  /** `undefined`: deleted. */
  readonly #layer: ReadonlyMap<string, V | undefined>;
  readonly size: number;

  private constructor(below: ReadonlyMap<string, V>, layer: ReadonlyMap<string, V | undefined>, size: number) {
    this.#below = below;
    this.#layer = layer;
    this.size = size;
  }

  /** @param changes new values by key; `undefined`: there is none any more */
  static of<V extends object>(
    before: ReadonlyMap<string, V>,
    changes: ReadonlyMap<string, V | undefined>,
  ): ReadonlyMap<string, V> {
    const [below, layer] =
      before instanceof LayeredMap
        ? [before.#below as ReadonlyMap<string, V>, new Map<string, V | undefined>(before.#layer)]
        : [before, new Map<string, V | undefined>()];
    let { size } = before;
    for (const [key, value] of changes) {
      size += Number(value !== undefined) - Number(before.has(key));
      layer.set(key, value);
    }
    const layered = new LayeredMap<V>(below, layer, size);
    return layer.size > below.size * share ? new Map(layered) : layered;
  }

  get(key: string): V | undefined {
    return this.#layer.has(key) ? this.#layer.get(key) : this.#below.get(key);
  }

  has(key: string): boolean {
    return this.#layer.has(key) ? this.#layer.get(key) !== undefined : this.#below.has(key);
  }

  *entries(): MapIterator<[string, V]> {
    for (const entry of this.#below) if (!this.#layer.has(entry[0])) yield entry;
    for (const [key, value] of this.#layer) if (value !== undefined) yield [key, value];
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(each: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) each(value, key, this);
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }
}
