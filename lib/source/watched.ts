import { coverOf, isUnder } from './prefixes.ts';

/** The prefixes of one subscription: what is wanted, what of it has been listed, and what the view shows. */
export class Watched {
  #wanted: readonly string[] | undefined;
  #shown: readonly string[] = [];
  #cover: readonly string[] = [];
  #listed: readonly string[] = [];

  /** Whether anybody has said what is wanted: an Observable of prefixes may not have emitted yet. */
  get isKnown(): boolean {
    return this.#wanted !== undefined;
  }

  /** Those of which the view is the whole truth, as the user gave them: a listing behind what is wanted. */
  get shown(): readonly string[] {
    return this.#shown;
  }

  /** The fewest prefixes that say the same as those wanted. Another array whenever others are wanted. */
  get cover(): readonly string[] {
    return this.#cover;
  }

  /** What of the cover has not been listed. */
  get missing(): readonly string[] {
    return this.#cover.filter((prefix) => !isUnder(prefix, this.#listed));
  }

  /** Whether the view shows the keys that are wanted, though perhaps under other prefixes. */
  get isShown(): boolean {
    return sameTexts(coverOf(this.#shown), this.#cover);
  }

  /** @returns what is new: nothing, other words for the same keys, or the keys */
  want(list: readonly string[]): 'nothing' | 'words' | 'keys' {
    const wanted = [...new Set(list)];
    if (this.#wanted !== undefined && sameTexts(wanted, this.#wanted)) return 'nothing';
    const cover = coverOf(wanted);
    const isOther = this.#wanted === undefined || !sameTexts(cover, this.#cover);
    this.#wanted = wanted;
    this.#cover = cover;
    this.#listed = cover.filter((prefix) => isUnder(prefix, this.#listed));
    return isOther ? 'keys' : 'words';
  }

  /** Nothing of it has been listed any more. */
  forget(): void {
    this.#listed = [];
  }

  /** A listing has ended: the view is what is wanted. */
  complete(): void {
    this.#listed = this.#cover;
    this.show();
  }

  /** The view is told under the prefixes that are wanted now. */
  show(): void {
    this.#shown = this.#wanted!;
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text) => b.includes(text));
}
