/** The longest that a timer can be. */
const longest = 2 ** 31 - 1;

/**
 * How long the watches of one source may owe an answer, before their stream is taken for dead.
 *
 * A message only shows when all of it has come, so a large one on a slow link looks like silence; and so does a server that
 * reads up a long history in which nothing is ours. Therefore each stream that is given up has the next one from there wait
 * twice as long: sooner or later everything comes through. Where nobody has ever answered the question how far a stream is, as
 * etcd's own proxy does not, they all wait longer.
 */
export class Patience {
  readonly #first: number;
  /** How many streams were given up, by the revision at which they stood. */
  readonly #given = new Map<number, number>();
  #all = 0;
  #isAnswered = false;

  /** @param first milliseconds */
  constructor(first: number) {
    this.#first = first;
  }

  /** @returns milliseconds */
  at(revision: number): number {
    const given = Math.max(this.#given.get(revision) ?? 0, this.#isAnswered ? 0 : this.#all);
    return Math.min(this.#first * 2 ** given, longest);
  }

  /** A stream that stood there was given up. */
  gave(revision: number): void {
    this.#all++;
    this.#given.set(revision, (this.#given.get(revision) ?? 0) + 1);
  }

  /** One that began there has come further. */
  passed(revision: number): void {
    this.#given.delete(revision);
  }

  /** A server said how far a stream is. */
  answered(): void {
    this.#isAnswered = true;
  }
}
