import type { Capabilities } from '../../model/capabilities.ts';
import type { History } from '../history.ts';
import { type Fact, undecodable } from '../steps.ts';
import { bad } from './values.ts';

/** What a script writes: `undefined` deletes, {@link bad} cannot be decoded. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * What the store holds, and the record of it. A write is recorded before it begins, since it may be told before anybody
 * knows its revision.
 */
export class Truth {
  readonly values: Map<string, unknown> = new Map();
  readonly #history: History;
  readonly #isCounted: boolean;
  #revision = 0;
  /** By key: the facts of the write that it was written in, whose revisions may be known later. */
  #written = new Map<string, ReadonlyMap<string, Fact<unknown>>>();

  constructor(history: History, { revision }: Capabilities) {
    this.#history = history;
    this.#isCounted = revision !== 'store';
    history.truth(0, []);
  }

  /** @returns what is told the revision of the write, once that is known */
  begin(values: Values): (revision: number | undefined) => void {
    const facts = new Map<string, Fact<unknown>>();
    // A delete of what is not there is no write.
    const real = Object.entries(values).filter(([key, value]) => value !== undefined || this.values.has(key));
    if (real.length === 0) return () => undefined;
    const set = (revision: number): void => {
      for (const [key, value] of real) {
        facts.set(key, value === undefined ? undefined : { value: value === bad ? undecodable : value, revision });
      }
    };
    // The next one, until it is known better.
    const guess = this.#revision + 1;
    set(guess);
    this.#revision = guess;
    const step = { type: 'write' as const, revision: guess, facts, whole: false };
    const index = this.#history.add(step) - 1;
    for (const [key, fact] of facts) {
      if (fact === undefined) this.values.delete(key);
      else this.values.set(key, fact.value);
      this.#written.set(key, facts);
    }
    return (revision) => {
      if (this.#isCounted) return;
      if (revision === undefined)
        throw new Error('`write` of the subject returned no revision, and `capabilities.revision` is `store`');
      if (revision === guess) return;
      set(revision);
      this.#revision = Math.max(this.#revision, revision);
      Object.assign(this.#history.steps[index]!, { revision });
    };
  }

  /** Everything is gone. */
  wiped(): void {
    this.values.clear();
    this.#revision = this.#isCounted ? this.#revision + 1 : 0;
    this.#history.write({ revision: this.#revision, whole: true });
  }

  /** @returns what is called when everything is as it is now */
  saved(): () => void {
    const [revision, values] = [this.#revision, [...this.values]];
    const written = new Map(this.#written);
    return () => {
      const facts = new Map(values.map(([key]) => [key, written.get(key)!.get(key)]));
      this.values.clear();
      for (const [key, value] of values) this.values.set(key, value);
      this.#written = written;
      // Where they are counted, nobody knows that it went back.
      this.#revision = this.#isCounted ? this.#revision + 1 : revision;
      this.#history.add({ type: 'write', revision: this.#revision, facts, whole: true });
    };
  }

  compacted(): void {
    this.#history.compacted(this.#revision);
  }
}
