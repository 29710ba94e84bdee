import { Known } from './known.ts';

/** What one subscription knows under one of its prefixes, over all its connections. */
export class Memory {
  readonly prefix: string;
  /** All keys under it; where it is split, those that lie in no sub-prefix. */
  readonly own: Known;
  /** By sub-prefix. */
  readonly subs: Map<string, Known> = new Map();
  readonly #separator: string | undefined;

  /**
   * @param separator `undefined`: it is not split
   * @param others what is known already, of other prefixes
   */
  constructor(prefix: string, separator: string | undefined, others: Iterable<Memory>) {
    this.prefix = prefix;
    this.#separator = separator;
    this.own = new Known(prefix, (key) => this.#subOf(key) === undefined);
    for (const other of others) {
      for (const known of [other.own, ...other.subs.values()]) {
        for (const seen of known.all()) if (seen.key.startsWith(prefix)) this.#of(seen.key).learn(seen);
      }
    }
  }

  /** What is known under a sub-prefix. */
  sub(name: string): Known {
    const known = this.subs.get(name) ?? new Known(name);
    this.subs.set(name, known);
    return known;
  }

  #of(key: string): Known {
    const name = this.#subOf(key);
    return name === undefined ? this.own : this.sub(name);
  }

  /** The start of a key up to the first separator after the prefix. */
  #subOf(key: string): string | undefined {
    if (this.#separator === undefined) return undefined;
    const at = key.indexOf(this.#separator, this.prefix.length);
    return at < 0 ? undefined : key.slice(0, at + this.#separator.length);
  }
}
