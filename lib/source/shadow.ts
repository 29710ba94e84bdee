import { appended } from '../internal/appended.ts';
import { sameBytes } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';
import { decode } from '../model/coding.ts';
import type { DatasyncError } from '../model/errors.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { KeyValue } from '../model/values.ts';
import type { RawChange, RawEntry } from './frames.ts';
import { type Held, HeldMap } from './heldMap.ts';
import { isUnder } from './prefixes.ts';

/** One key, before and after. */
export interface Step<T> {
  readonly key: string;
  readonly before: Held<T> | undefined;
  readonly after: Held<T> | undefined;
  readonly revision: number;
}

/** What a commit changed: `everything` where there was nothing before, so that a first listing costs no second list. */
export type Committed<T> = readonly Step<T>[] | 'everything';

/**
 * The store's side: one Map of decoded entries. A listing is staged page by page and invisible until it is committed;
 * a value whose raw bytes we hold already is not decoded again.
 */
export class Shadow<T> extends HeldMap<T> {
  readonly #codec: Codec<T>;
  readonly #backend: string;

  #listing = 0;
  #staged = new Map<string, Held<T>>();
  #items: KeyValue<T>[] = [];
  /** The staged items are no longer what `#items` says (a key came twice): build them from the Map. */
  #itemsStale = false;
  #seen = 0;

  constructor(codec: Codec<T>, backend: string) {
    super();
    this.#codec = codec;
    this.#backend = backend;
  }

  /** What a first listing changed, in steps. */
  everything(revision: number): Step<T>[] {
    return Array.from(this.entries, ([key, after]) => ({ key, before: undefined, after, revision }));
  }

  /** Gives a key that cannot be decoded a last good value. */
  restore(key: string, good: KeyValue<T>): Held<T> {
    const held: Held<T> = { ...this.entries.get(key)!, good };
    this.put(key, held);
    this.shown = undefined;
    return held;
  }

  /** Takes one page of a listing. `revision` is given to the keys that come without one of their own. */
  stage(entries: readonly RawEntry[], prefixes: readonly string[], revision: number): void {
    if (this.#seen === 0) this.#listing++;
    const mark = this.#listing;
    for (const entry of entries) {
      const { key } = entry;
      if (!isUnder(key, prefixes)) continue;
      const known = this.entries.get(key);
      // A listing without a fixed position may give a key twice; the later one is the newer.
      const again = known?.mark === mark;
      let held = this.#read(entry, known, revision);
      // What cannot be decoded has the value before it as its last good one.
      const before = held.error !== undefined && (known === undefined || again) ? this.#staged.get(key) : undefined;
      if (before !== undefined) held = this.#read(entry, before, revision);
      held.mark = mark;
      const { size } = this.#staged;
      if (held !== known) this.#staged.set(key, held);
      // A look at a large Map is dear: what was in it already has not made it larger.
      const twice = known === undefined ? this.#staged.size === size : again;
      if (held === known && twice) this.#staged.delete(key);
      if (known !== undefined) known.mark = mark;
      if (twice) {
        this.#itemsStale = true;
        continue;
      }
      this.#seen++;
      if (held.good !== undefined) this.#items.push(held.good);
    }
  }

  /** Forgets what was staged: the listing broke. */
  discard(): void {
    this.#staged = new Map();
    this.#items = [];
    this.#itemsStale = false;
    this.#seen = 0;
  }

  /**
   * Makes the staged listing the truth, in one step.
   *
   * @param scope which prefixes were listed: what was not seen there is gone
   * @param prefixes what is watched: all else goes too
   */
  commit(scope: readonly string[], prefixes: readonly string[], revision: number): Committed<T> {
    const staged = this.#staged;
    const items = this.#items;
    const whole = !this.#itemsStale;
    const mark = this.#seen === 0 ? ++this.#listing : this.#listing;
    const seen = this.#seen;
    this.discard();
    this.shown = undefined;

    if (this.entries.size === 0) {
      this.entries = staged;
      for (const [key, held] of staged) if (held.error !== undefined) this.bad.set(key, held);
      if (whole) this.shown = new Snapshot(items);
      return 'everything';
    }
    const steps: Step<T>[] = [];
    for (const [key, after] of staged) {
      const before = this.entries.get(key);
      if (before === after) continue;
      this.put(key, after);
      steps.push({ key, before, after, revision: after.ownRevision ?? revision });
    }
    if (seen < this.entries.size) {
      for (const [key, before] of this.entries) {
        if (before.mark === mark || (!isUnder(key, scope) && isUnder(key, prefixes))) continue;
        this.drop(key);
        steps.push({ key, before, after: undefined, revision });
      }
    }
    if (whole && seen === this.entries.size) this.shown = new Snapshot(items);
    return steps;
  }

  /** Drops what is no longer watched. */
  keepOnly(prefixes: readonly string[], revision: number): Step<T>[] {
    const steps: Step<T>[] = [];
    for (const [key, before] of this.entries) {
      if (isUnder(key, prefixes)) continue;
      this.drop(key);
      steps.push({ key, before, after: undefined, revision });
    }
    if (steps.length > 0) this.shown = undefined;
    return steps;
  }

  /**
   * Applies one frame of changes. A key that comes twice becomes one step, a key that does not change none.
   *
   * @returns the steps, and how many deletes named a key that was not there
   */
  apply(
    changes: readonly RawChange[],
    prefixes: readonly string[],
    revision: number,
  ): { steps: Step<T>[]; unknownDeletes: number } {
    let steps: Step<T>[] | undefined;
    let unknownDeletes = 0;
    const first = changes.length > 1 ? new Map<string, number>() : undefined;
    for (const change of changes) {
      const { key } = change;
      if (!isUnder(key, prefixes)) continue;
      const now = this.entries.get(key);
      const earlier = first?.get(key);
      let after: Held<T> | undefined;
      if (change.op === 'put') {
        after = this.#read(change, now, revision);
        if (after === now) continue;
        this.put(key, after);
      } else {
        if (now === undefined) {
          if (earlier === undefined) unknownDeletes++;
          continue;
        }
        this.drop(key);
      }
      const step: Step<T> = { key, before: now, after, revision: change.revision ?? revision };
      if (earlier === undefined) {
        first?.set(key, steps?.length ?? 0);
        steps = appended(steps, step);
      } else steps![earlier] = { ...step, before: steps![earlier]!.before };
    }
    if (steps === undefined) return { steps: [], unknownDeletes };
    this.shown = undefined;
    return {
      steps: first === undefined ? steps : steps.filter(({ before, after }) => before !== after),
      unknownDeletes,
    };
  }

  /** Whether every change is what we hold already: a frame that was sent twice. */
  holds(changes: readonly RawChange[], prefixes: readonly string[]): boolean {
    return changes.every((change) => {
      if (!isUnder(change.key, prefixes)) return true;
      const held = this.entries.get(change.key);
      if (change.op === 'delete') return held === undefined;
      if (held === undefined || held.ownRevision !== change.revision) return false;
      return 'error' in change ? held.error === change.error : sameBytes(held.raw, change.value);
    });
  }

  /** The new state of a key, or `known` itself where nothing is new. */
  #read(entry: RawEntry, known: Held<T> | undefined, revision: number): Held<T> {
    const { key } = entry;
    const ownRevision = entry.revision;
    const sameRevision = known !== undefined && known.ownRevision === ownRevision;
    if ('error' in entry) {
      if (sameRevision && known.error === entry.error) return known;
      return { good: known?.good, raw: entry.raw, ownRevision, error: entry.error, mark: 0 };
    }
    const raw = entry.value;
    const at = ownRevision ?? revision;
    const same = known !== undefined && sameBytes(known.raw, raw);
    if (same && known.error === undefined) {
      if (sameRevision) return known;
      return { good: { key, value: known.good!.value, revision: at }, raw, ownRevision, error: undefined, mark: 0 };
    }
    try {
      const value = decode(this.#codec, raw, key, this.#backend);
      return { good: { key, value, revision: at }, raw, ownRevision, error: undefined, mark: 0 };
    } catch (error) {
      if (same && sameRevision) return known;
      return { good: known?.good, raw, ownRevision, error: error as DatasyncError, mark: 0 };
    }
  }
}
