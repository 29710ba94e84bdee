import type { RawChange } from '../../source/frames.ts';
import type { Witness } from './position.ts';

/** What one transaction did under all prefixes. */
interface Transaction {
  readonly revision: number;
  readonly changes: RawChange[];
  /** The keys that it put. */
  readonly witnesses: Witness[];
}

/**
 * Several watches of one stream, told as one: a revision is told when every watch has said all it has to say of it. Until then
 * its changes wait here; a watch that has nothing to say is heard by the progress of the stream.
 */
export class Alignment {
  readonly #heard: number[];
  readonly #waiting = new Map<number, Transaction>();

  /** @param from all watches begin after this revision */
  constructor(watches: number, from: number) {
    this.#heard = new Array<number>(watches).fill(from);
  }

  /** Up to it everything is known. */
  get revision(): number {
    return Math.min(...this.#heard);
  }

  /** Whether changes wait for a watch that has not been heard. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** @returns whether a watch has said everything up to a revision already */
  hasHeard(watch: number, revision: number): boolean {
    return revision <= this.#heard[watch]!;
  }

  /** @param witness of a put */
  add(change: RawChange, revision: number, witness: Witness | undefined): void {
    const known = this.#waiting.get(revision) ?? { revision, changes: [], witnesses: [] };
    this.#waiting.set(revision, known);
    known.changes.push(change);
    if (witness !== undefined) known.witnesses.push(witness);
  }

  /** A watch has said all it has to say up to a revision; without one: all of them. */
  hear(revision: number, watch?: number): void {
    this.#heard.forEach((heard, index) => {
      if (watch === undefined || watch === index) this.#heard[index] = Math.max(heard, revision);
    });
  }

  /** What is complete now, in order. */
  take(): readonly Readonly<Transaction>[] {
    const { revision: known } = this;
    const complete = [...this.#waiting.values()].filter(({ revision }) => revision <= known);
    for (const { revision } of complete) this.#waiting.delete(revision);
    return complete.sort((a, b) => a.revision - b.revision);
  }
}
