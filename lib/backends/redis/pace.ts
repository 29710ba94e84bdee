/** More than that is not asked for at once: it would hold up the server, and stand in memory twice. */
const roomy = 16 * 2 ** 20;

/** Values of 1 MB are as much as that. */
const first = 16;

/**
 * How many values are asked for at once: as many as come to 16 MB, judged by the last ones, and never many more than before,
 * since nobody knows how large the next ones are.
 */
export class Pace {
  readonly #most: number;
  #count: number;

  /** @param most how many at most, however small they are */
  constructor(most: number) {
    this.#most = most;
    this.#count = Math.min(most, first);
  }

  get count(): number {
    return this.#count;
  }

  /** So many were asked for, and so many bytes have come. */
  took(count: number, bytes: number): void {
    const fitting = Math.max(1, Math.floor((roomy * count) / Math.max(1, bytes)));
    // A few small ones say nothing about many.
    const more = count < this.#count ? this.#count : this.#count * 4;
    this.#count = Math.min(fitting, more, this.#most);
  }
}
