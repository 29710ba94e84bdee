import type { ChangeEvent, DatasyncEvent, ResyncEvent } from '../../model/events.ts';
import type { Change, KeyValue, Rejected } from '../../model/values.ts';
import { type Held, HeldMap } from '../../source/heldMap.ts';
import type { View } from '../../source/pending.ts';
import type { Step } from '../../source/shadow.ts';

/** The state of a source, folded from its events: what the shadow is for frames. */
export class Folded<T> extends HeldMap<T> implements View<T> {
  /** Those of the last event. */
  revision = 0;
  prefixes: readonly string[] = [];
  /** A resync has come. */
  synced = false;

  /** @returns what changed, each key once; before the first resync nothing does */
  apply(event: DatasyncEvent<T>): Step<T>[] {
    if (event.type === 'change' && !this.synced) return [];
    const steps = event.type === 'resync' ? this.#replace(event) : this.#change(event);
    this.revision = event.revision;
    return steps;
  }

  /** A key that went and came back undecodable stays gone: whoever is told late is told the same as all others. */
  restore(key: string): Held<T> {
    return this.get(key)!;
  }

  #replace(event: ResyncEvent<T>): Step<T>[] {
    const { entries, epoch, revision, prefixes } = event;
    const steps: Step<T>[] = [];
    const gone = new Set(this.keys());
    const bad = new Map(event.rejected.map((item) => [item.key, item]));
    const isNews = newsOf(event, this.revision);
    for (const item of entries.items) {
      const { key } = item;
      const rejected = bad.get(key);
      const before = this.get(key);
      bad.delete(key);
      gone.delete(key);
      const old = before?.good;
      const isKnown = old !== undefined && !isNews(old, item);
      if (isKnown && before!.error === rejected?.error) continue;
      // What can be decoded again is another entry, also where it is equal; what no longer can is the same one.
      const good = isKnown && rejected !== undefined ? old : { ...item };
      steps.push(this.#set(key, this.#held(good, rejected), item.revision));
    }
    let kept = false;
    for (const [key, rejected] of bad) {
      gone.delete(key);
      const before = this.get(key);
      // A list by hand cannot know the last good value.
      const good = epoch === 0 ? before?.good : undefined;
      kept ||= good !== undefined;
      if (before === undefined || before.error !== rejected.error || before.good !== good)
        steps.push(this.#set(key, this.#held(good, rejected), revision));
    }
    for (const key of gone) steps.push(this.#set(key, undefined, revision));
    // The list as it came, so that all who are told of it hold one.
    this.shown = kept ? undefined : entries;
    this.prefixes = prefixes;
    this.synced = true;
    return steps;
  }

  #change({ changes, rejected, revision }: ChangeEvent<T>): Step<T>[] {
    const steps = new Map<string, Step<T>>();
    for (const change of changes) {
      const { key } = change;
      const after = change.op === 'put' ? this.#held(entryOf(change), undefined) : undefined;
      if (after !== undefined || this.get(key) !== undefined) steps.set(key, this.#set(key, after, change.revision));
    }
    for (const item of rejected) {
      const { key } = item;
      const earlier = steps.get(key);
      const step = this.#set(key, this.#held(this.get(key)?.good, item), revision);
      steps.set(key, earlier === undefined ? step : { ...step, before: earlier.before });
    }
    return [...steps.values()];
  }

  #held(good: KeyValue<T> | undefined, rejected: Rejected<T> | undefined): Held<T> {
    return { good, raw: rejected?.raw, ownRevision: good?.revision, error: rejected?.error, mark: 0 };
  }

  #set(key: string, after: Held<T> | undefined, revision: number): Step<T> {
    const before = this.get(key);
    if (after === undefined) this.drop(key);
    else this.put(key, after);
    this.shown = undefined;
    return { key, before, after, revision };
  }
}

/**
 * Whether an entry of a resync is another than the one held. A source says it in its diff; of events by hand it is one
 * that has neither the same value nor, in a history that did not go back, the same revision.
 */
function newsOf<T>(
  { epoch, diff, reason, revision }: ResyncEvent<T>,
  known: number,
): (old: KeyValue<T>, item: KeyValue<T>) => boolean {
  const wentBack = reason === 'regressed' || revision < known;
  const named = epoch === 0 ? undefined : new Set([...diff.added, ...diff.changed].map(({ key }) => key));
  return (old, item) => {
    if (old === item) return false;
    if (Object.is(old.value, item.value)) return named !== undefined && old.revision !== item.revision;
    return wentBack || old.revision !== item.revision || named?.has(item.key) === true;
  };
}

function entryOf<T>({ key, value, revision, from }: Extract<Change<T>, { op: 'put' }>): KeyValue<T> {
  return from === undefined ? { key, value, revision } : { key, value, revision, from };
}
