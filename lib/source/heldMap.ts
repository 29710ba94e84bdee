import type { DatasyncError } from '../model/errors.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { KeyValue, Rejected } from '../model/values.ts';

/**
 * What the store holds for one key, as far as we were told. Immutable but for the mark: a change makes a new one, so
 * that whoever still holds the old one (a pending change, a snapshot) holds the old state.
 */
export interface Held<T> {
  /** The last good value; missing where there never was one. */
  readonly good: KeyValue<T> | undefined;
  readonly raw: Uint8Array | undefined;
  /** The store's own revision of the key, where it gives one. */
  readonly ownRevision: number | undefined;
  /** Set while `raw` cannot be decoded. */
  readonly error: DatasyncError | undefined;
  /** The last listing that saw it. */
  mark: number;
}

/** Keys with what is held of each, and how a resync shows them. */
export class HeldMap<T> {
  protected entries: Map<string, Held<T>> = new Map();
  /** The keys among them that cannot be decoded now. */
  protected readonly bad: Map<string, Held<T>> = new Map();
  /** Until something changes. */
  protected shown: Snapshot<T> | undefined;

  get(key: string): Held<T> | undefined {
    return this.entries.get(key);
  }

  /** The view: every key with a good value, in arrival order. The same object until something changes. */
  snapshot(): Snapshot<T> {
    if (this.shown === undefined) {
      const items: KeyValue<T>[] = [];
      for (const { good } of this.entries.values()) if (good !== undefined) items.push(good);
      this.shown = new Snapshot(items);
    }
    return this.shown;
  }

  /** Every key that cannot be decoded now. */
  rejected(): readonly Rejected<T>[] {
    return Array.from(this.bad, ([key, held]) => rejectedOf(key, held));
  }

  keys(): IterableIterator<string> {
    return this.entries.keys();
  }

  protected put(key: string, held: Held<T>): void {
    this.entries.set(key, held);
    if (held.error !== undefined) this.bad.set(key, held);
    else if (this.bad.size > 0) this.bad.delete(key);
  }

  protected drop(key: string): void {
    this.entries.delete(key);
    if (this.bad.size > 0) this.bad.delete(key);
  }
}

/** How a key that cannot be decoded is told. */
export function rejectedOf<T>(key: string, held: Held<T>): Rejected<T> {
  const { raw, error, good } = held;
  return { key, raw, error: error!, ...(good === undefined ? {} : { lastGood: good.value }) };
}
