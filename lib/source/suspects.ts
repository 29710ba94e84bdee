import type { ChangeEvent, DatasyncEvent, ResyncEvent } from '../model/events.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { KeyValue, ResyncDiff } from '../model/values.ts';

/** A key of which we cannot say what the consumer holds. */
interface Suspect<T> {
  /** What it held before; `undefined`: nothing. */
  readonly before: T | undefined;
  /** What it may have been told since, last. */
  since: T | undefined;
  /** Whether a change of it has been thrown away since it was last told: a next one follows that, not what was told. */
  isBehind: boolean;
}

/**
 * The keys of events that failed, were cut off, or were thrown away: a consumer that was told of them may hold nothing,
 * a part or all. Every resync's diff names them all, until a resync that named them has been settled well.
 */
export class Suspects<T> {
  readonly #suspects = new Map<string, Suspect<T>>();
  readonly #ownDiffs: boolean;

  /** @param ownDiffs false where the diffs to amend are those of a source above, which does not know what is thrown away here */
  constructor(ownDiffs = true) {
    this.#ownDiffs = ownDiffs;
  }

  get size(): number {
    return this.#suspects.size;
  }

  /**
   * All keys of an event.
   *
   * @param held what the consumer held, of keys for which the event does not say it: of those whose changes were thrown
   * away for it, when it came; or of all, where a later resync has been settled well
   */
  add(event: DatasyncEvent<T>, held: ReadonlyMap<string, T | undefined> = new Map()): void {
    const before = (key: string, told: T | undefined): T | undefined => (held.has(key) ? held.get(key) : told);
    if (event.type === 'change') {
      for (const change of event.changes)
        this.#note(change.key, before(change.key, change.prevValue), change.op === 'put' ? change.value : undefined);
      return;
    }
    for (const { key, value } of event.diff.added) this.#note(key, before(key, undefined), value);
    for (const { key, value, prevValue } of event.diff.changed) this.#note(key, before(key, prevValue), value);
    for (const { key, prevValue } of event.diff.removed) this.#note(key, before(key, prevValue), undefined);
  }

  /** All keys of a change that was thrown away: the consumer was not told, so it still holds what it held before. */
  addUntold(change: ChangeEvent<T>): void {
    for (const { key, prevValue } of change.changes) {
      const known = this.#suspects.get(key);
      const before = known === undefined ? prevValue : known.before;
      const told = known === undefined || known.isBehind ? undefined : prevValue;
      const since = firstOf(known?.since, told);
      // Another object: a resync that named the one before does not clear this one.
      this.#suspects.set(key, { before, since, isBehind: true });
    }
  }

  /** A change is being told: what it puts is the last that the consumer may hold of a suspect. */
  told(change: ChangeEvent<T>): void {
    if (this.#suspects.size === 0) return;
    for (const item of change.changes) if (item.op === 'put') this.since(item.key, item.value);
  }

  /** A value was told of a key, and is the last that the consumer may hold. */
  since(key: string, value: T): void {
    const suspect = this.#suspects.get(key);
    if (suspect !== undefined) suspect.since = value;
  }

  /**
   * The diff with every suspect in it: absent now is `removed`, absent before is `added`, all else is `changed`, even
   * when equal. Previous values become those before the trouble; a `removed` is never taken out.
   *
   * @returns the diff, and what to say once the resync that carries it has been settled well
   */
  amend(diff: ResyncDiff<T>, entries: Snapshot<T>): { diff: ResyncDiff<T>; clear: () => void } {
    if (this.#suspects.size === 0) return { diff, clear: () => undefined };
    const named = new Map(this.#suspects);
    const others = <E extends { readonly key: string }>(items: readonly E[]): E[] =>
      items.filter(({ key }) => !named.has(key));
    const added: KeyValue<T>[] = others(diff.added);
    const changed = others(diff.changed);
    const removed = diff.removed.map((item) => {
      const suspect = named.get(item.key);
      if (suspect === undefined) return item;
      const { before, since } = suspect;
      return { key: item.key, prevValue: firstOf(before, since, this.#ownDiffs ? item.prevValue : undefined) };
    });
    const removedKeys = new Set(removed.map(({ key }) => key));
    for (const [key, suspect] of named) {
      // The resync that carries this diff tells it, and may fail as well.
      suspect.isBehind = false;
      const now = entries.get(key);
      const { before } = suspect;
      if (now === undefined) {
        const prevValue = firstOf(before, suspect.since);
        if (prevValue !== undefined && !removedKeys.has(key)) removed.push({ key, prevValue });
        continue;
      }
      suspect.since = now.value;
      if (before === undefined) added.push(now);
      else changed.push({ ...now, prevValue: before });
    }
    return {
      diff: { added, changed, removed },
      clear: () => {
        // A suspect that was noted again since is another one, and stays.
        for (const [key, suspect] of named) if (this.#suspects.get(key) === suspect) this.#suspects.delete(key);
      },
    };
  }

  #note(key: string, prevValue: T | undefined, value: T | undefined): void {
    const known = this.#suspects.get(key);
    if (known === undefined) {
      this.#suspects.set(key, { before: prevValue, since: value, isBehind: false });
      return;
    }
    const since = firstOf(value, prevValue, known.since);
    this.#suspects.set(key, { ...known, since });
  }
}

/** Every key an event tells something of. */
export function keysOf(event: DatasyncEvent<unknown>): string[] {
  const { added, changed, removed } =
    event.type === 'resync' ? event.diff : { added: event.changes, changed: [], removed: [] };
  return [...added, ...changed, ...removed].map(({ key }) => key);
}

/** The resync with the suspects in its diff, and what to say once it has been settled well. */
export function amended<T>(event: ResyncEvent<T>, suspects: Suspects<T>): { event: ResyncEvent<T>; clear: () => void } {
  const { diff, clear } = suspects.amend(event.diff, event.entries);
  return { event: diff === event.diff ? event : event.with({ diff }), clear };
}

/** The first that is there; null is a value. */
function firstOf<T>(...values: readonly (T | undefined)[]): T | undefined {
  return values.find((value) => value !== undefined);
}
