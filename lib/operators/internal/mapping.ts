import { isPromiseLike } from '../../internal/isPromiseLike.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { type ChangeEvent, type DatasyncEvent, ResyncEvent } from '../../model/events.ts';
import { Snapshot } from '../../model/snapshot.ts';
import type { Change, KeyValue, Rejected, ResyncDiff } from '../../model/values.ts';

/** What is held of one key; a change makes a new one. */
interface Held<T, U> {
  /** As it came. */
  readonly item: KeyValue<T>;
  /** As it was told last; missing where no value could be mapped so far. */
  readonly good: KeyValue<U> | undefined;
  /** Set while the value that came cannot be mapped. */
  readonly error: DatasyncError | undefined;
}

/**
 * Events with their values mapped. A value that cannot be mapped is rejected here, and the last good one stays.
 *
 * It holds what was told of each key, and compares a resync with that: the diff of the resync goes back behind an event
 * that failed, and names what was never told here. So the last good value is the one told last, and a value that stays the
 * same object, or the same text, is mapped once.
 */
export class Mapping<T, U> {
  readonly #project: (value: T, key: string) => U;
  #held = new Map<string, Held<T, U>>();
  /** The keys that were rejected above, by what was said of them. */
  #rejected = new Map<string, Rejected<T>>();
  /** The resync that the view began with. */
  #base: Pick<ResyncEvent<T>, 'epoch' | 'prefixes'> | undefined;
  /** What the view has come to since. */
  #revision = 0;

  /** @param project pure; what it throws must be a DatasyncError, `undefined` is a refusal too */
  constructor(project: (value: T, key: string) => U) {
    this.#project = project;
  }

  /** An event, and from now on the view with it. */
  take(event: ResyncEvent<T>): ResyncEvent<U>;
  take(event: ChangeEvent<T>): ChangeEvent<U>;
  take(event: DatasyncEvent<T>): DatasyncEvent<U>;
  take(event: DatasyncEvent<T>): DatasyncEvent<U> {
    this.#revision = event.revision;
    return event.type === 'resync' ? this.#takeResync(event) : this.#takeChange(event);
  }

  /** Nothing for these keys, but the view is at this revision now. */
  passed(revision: number): void {
    this.#revision = revision;
  }

  /** The view as it came, as a resync that tells nothing new; `undefined` before the first one. */
  again(): ResyncEvent<T> | undefined {
    if (this.#base === undefined) return undefined;
    return new ResyncEvent({
      ...this.#base,
      revision: this.#revision,
      reason: 'nacked',
      entries: new Snapshot(Array.from(this.#held.values(), ({ item }) => item)),
      diff: { added: [], changed: [], removed: [] },
      rejected: [...this.#rejected.values()],
    });
  }

  #takeResync(event: ResyncEvent<T>): ResyncEvent<U> {
    const before = this.#held;
    const held = new Map<string, Held<T, U>>();
    const items: KeyValue<U>[] = [];
    const rejected: Rejected<U>[] = [];
    const rejectedBefore = this.#rejected;
    this.#rejected = new Map(event.rejected.map((item) => [item.key, item]));
    for (const item of event.entries.items) {
      const one = this.#read(item, before.get(item.key));
      held.set(item.key, one);
      if (one.good !== undefined) items.push(one.good);
      if (one.error !== undefined && !this.#rejected.has(item.key)) rejected.push(refused(one, one.error));
    }
    for (const item of event.rejected) rejected.push(withLastGood(item, held.get(item.key)?.good));
    this.#held = held;
    this.#base = { epoch: event.epoch, prefixes: event.prefixes };
    return event.with<U>({ entries: new Snapshot(items), diff: this.#diff(before, rejectedBefore), rejected });
  }

  #takeChange(event: ChangeEvent<T>): ChangeEvent<U> {
    const changes: Change<U>[] = [];
    const rejected: Rejected<U>[] = [];
    const above = new Set(event.rejected.map(({ key }) => key));
    for (const change of event.changes) {
      const { key, revision, from } = change;
      const whose = from === undefined ? undefined : { from };
      const known = this.#held.get(key);
      const prevValue = this.#previous(key, change.prevValue, known);
      this.#rejected.delete(key);
      if (change.op === 'delete') {
        this.#held.delete(key);
        changes.push({ op: 'delete', key, prevValue, revision, ...whose });
        continue;
      }
      const now = this.#read({ key, value: change.value, revision, ...whose }, known);
      this.#held.set(key, now);
      if (now.error === undefined) {
        changes.push({ op: 'put', key, value: now.good!.value, prevValue, revision, ...whose });
      }
      if (now.error !== undefined && !above.has(key)) rejected.push(refused(now, now.error));
    }
    for (const item of event.rejected) {
      this.#rejected.set(item.key, item);
      rejected.push(withLastGood(item, this.#held.get(item.key)?.good));
    }
    return event.with<U>({ changes, rejected });
  }

  /** The diff against what was taken before. A key that can be read again is told, also where it has the same value. */
  #diff(before: ReadonlyMap<string, Held<T, U>>, rejectedBefore: ReadonlyMap<string, Rejected<T>>): ResyncDiff<U> {
    const added: KeyValue<U>[] = [];
    const changed: (KeyValue<U> & { prevValue: U | undefined })[] = [];
    const removed: { key: string; prevValue: U | undefined }[] = [];
    for (const [key, { item, good, error }] of this.#held) {
      if (good === undefined) continue;
      const old = before.get(key);
      if (old?.good === undefined) added.push(good);
      else if (error === undefined) {
        const isSame = old.item.revision === item.revision && Object.is(old.item.value, item.value);
        const isRecovered = old.error !== undefined || (rejectedBefore.has(key) && !this.#rejected.has(key));
        if (!isSame || isRecovered) changed.push({ ...good, prevValue: old.good.value });
      }
    }
    for (const [key, { good }] of before) if (!this.#held.has(key)) removed.push({ key, prevValue: good?.value });
    for (const key of rejectedBefore.keys()) {
      if (!before.has(key) && !this.#held.has(key) && !this.#rejected.has(key))
        removed.push({ key, prevValue: undefined });
    }
    return { added, changed, removed };
  }

  #read(item: KeyValue<T>, known: Held<T, U> | undefined): Held<T, U> {
    if (known !== undefined && Object.is(known.item.value, item.value)) {
      if (known.item.revision === item.revision && known.item.from === item.from) return known;
      if (known.error !== undefined) return { ...known, item };
      return { item, good: withValue(item, known.good!.value), error: undefined };
    }
    try {
      return { item, good: withValue(item, this.#mapped(item.value, item.key)), error: undefined };
    } catch (error) {
      return { item, good: known?.good, error: error as DatasyncError };
    }
  }

  /** A previous value: the one held, but before the first resync. What could not be mapped was never told. */
  #previous(key: string, value: T | undefined, known: Held<T, U> | undefined): U | undefined {
    if (value === undefined) return undefined;
    if (known !== undefined && Object.is(known.item.value, value)) return known.good?.value;
    try {
      return this.#mapped(value, key);
    } catch {
      return known?.good?.value;
    }
  }

  #mapped(value: T, key: string): U {
    const mapped = this.#project(value, key);
    if (mapped !== undefined) return mapped;
    throw new DatasyncError('DECODE_FAILED', `mapValue: the function returned undefined for ${JSON.stringify(key)}`, {
      key,
    });
  }
}

/** What a user's function throws, with the key. */
export function explained<T, U>(project: (value: T, key: string) => U): (value: T, key: string) => U {
  return (value, key) => {
    try {
      const mapped = project(value, key);
      if (!isPromiseLike(mapped)) return mapped;
      // Nobody waits for it: when it fails, that must not end the process.
      mapped.then(undefined, () => undefined);
      throw new TypeError('the function is asynchronous, and must not be (it returned a Promise)');
    } catch (cause) {
      const message = `mapValue: the value of ${JSON.stringify(key)} cannot be mapped: ${messageOf(cause)}`;
      throw new DatasyncError('DECODE_FAILED', message, { key, cause });
    }
  };
}

/** An entry with another value; whose it is stays with it. */
function withValue<U>({ key, revision, from }: KeyValue<unknown>, value: U): KeyValue<U> {
  return from === undefined ? { key, value, revision } : { key, value, revision, from };
}

function refused<T, U>({ item, good }: Held<T, U>, error: DatasyncError): Rejected<U> {
  const raw = item.value instanceof Uint8Array ? item.value : undefined;
  return withLastGood<T, U>({ key: item.key, raw, error }, good);
}

function withLastGood<T, U>({ key, raw, error }: Rejected<T>, good: KeyValue<U> | undefined): Rejected<U> {
  return { key, raw, error, ...(good === undefined ? {} : { lastGood: good.value }) };
}
