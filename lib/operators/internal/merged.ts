import type { DatasyncEvent } from '../../model/events.ts';
import type { KeyValue } from '../../model/values.ts';
import { type Held, HeldMap } from '../../source/heldMap.ts';
import type { View } from '../../source/pending.ts';
import type { Step } from '../../source/shadow.ts';
import { Folded } from './folded.ts';

/** What is shown of a key, and what of the sources it is made of. */
interface Shown<T> extends Held<T> {
  /** Of the first source that has the key at all: whether it is rejected. */
  readonly first: Held<T>;
  /** The entry of the first source that has a good value for it. */
  readonly best: KeyValue<T> | undefined;
}

/**
 * Several states as one: of each key that of the first source that has it, with a revision of our own.
 *
 * A source that has only ever had an undecodable value of a key does not hide the value of one below it: the key is
 * rejected, and that value is the last good one.
 */
export class Merged<T> extends HeldMap<T> implements View<T> {
  readonly #sources: readonly { readonly name: string; readonly state: Folded<T> }[];
  /** Counts what is told; what comes before the first resync is one with it. */
  revision = 1;
  counting = false;

  /** @param names the first one wins */
  constructor(names: readonly string[]) {
    super();
    this.#sources = names.map((name) => ({ name, state: new Folded<T>() }));
  }

  get prefixes(): readonly string[] {
    return [...new Set(this.#sources.flatMap(({ state }) => state.prefixes))];
  }

  /** Whether a source has told its state. */
  has(name: string): boolean {
    return this.#of(name).synced;
  }

  /** As of any state: see {@link Folded.restore}. */
  restore(key: string): Held<T> {
    return this.get(key)!;
  }

  /** What an event of one source changes in the whole. */
  apply(name: string, event: DatasyncEvent<T>): Step<T>[] {
    const steps = this.#of(name).apply(event);
    const revision = this.counting ? this.revision + 1 : this.revision;
    const changed: Step<T>[] = [];
    for (const { key } of steps) {
      const before = this.get(key);
      const after = this.#shownOf(key, before as Shown<T> | undefined, revision);
      if (after === before) continue;
      if (after === undefined) this.drop(key);
      else this.put(key, after);
      changed.push({ key, before, after, revision });
    }
    if (changed.length > 0) this.shown = undefined;
    if (changed.length > 0 || event.type === 'resync') this.revision = revision;
    return changed;
  }

  #of(name: string): Folded<T> {
    return this.#sources.find((source) => source.name === name)!.state;
  }

  #shownOf(key: string, before: Shown<T> | undefined, revision: number): Shown<T> | undefined {
    let first: Held<T> | undefined;
    let best: KeyValue<T> | undefined;
    let from = '';
    for (const { name, state } of this.#sources) {
      const held = state.get(key);
      first ??= held;
      best = held?.good;
      from = name;
      if (best !== undefined) break;
    }
    if (first === undefined) return undefined;
    if (before?.first === first && before.best === best) return before;
    const { raw, error } = first;
    // What can be decoded again is another entry, also where it is equal.
    const recovered = before?.error !== undefined && error === undefined;
    const known = before?.best === best && !recovered ? before?.good : undefined;
    const good = known ?? (best && { key, value: best.value, revision, from });
    return { good, raw, ownRevision: revision, error, mark: 0, first, best };
  }
}
