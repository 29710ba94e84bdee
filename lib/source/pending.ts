import { appended } from '../internal/appended.ts';
import { sameBytes } from '../internal/bytes.ts';
import { type Outcome, outcomes } from '../model/ack.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Change, KeyValue, Rejected, ResyncDiff } from '../model/values.ts';
import type { Settled } from './frames.ts';
import { type Held, rejectedOf } from './heldMap.ts';
import type { Committed, Step } from './shadow.ts';

/** The truth a subscriber is led to: the shadow of its source. */
export interface View<T> {
  get(key: string): Held<T> | undefined;
  /** Gives a key that cannot be decoded the last good value that this subscriber was told. */
  restore(key: string, good: KeyValue<T>): Held<T>;
  keys(): IterableIterator<string>;
  snapshot(): Snapshot<T>;
  rejected(): readonly Rejected<T>[];
  readonly revision: number;
  readonly prefixes: readonly string[];
}

/** What becomes one ChangeEvent. */
export interface Batch<T> {
  readonly revision: number;
  readonly steps: readonly Step<T>[];
  readonly coalesced: boolean;
  readonly settled: readonly Settled[];
}

/** The data of a batch as it is told; both empty where nothing is left to tell. */
export function toldOf<T>(steps: readonly Step<T>[]): { changes: Change<T>[]; rejected: Rejected<T>[] } {
  let changes: Change<T>[] | undefined;
  const rejected: Rejected<T>[] = [];
  for (const { key, before, after, revision } of steps) {
    if (unchanged(before, after)) continue;
    const old = before?.good;
    const now = after?.good;
    const prevValue = old?.value;
    if (now === undefined) {
      // A key that only ever was rejected is told gone once; one whose good value vanished behind a bad one too.
      if (after === undefined || old !== undefined)
        changes = appended(changes, withFrom({ op: 'delete', key, prevValue, revision }, old));
    } else if (after!.error === undefined || now !== old) {
      const change = { op: 'put', key, value: now.value, prevValue, revision: now.revision } as const;
      changes = appended(changes, withFrom(change, now));
    }
    if (after?.error !== undefined) rejected.push(rejectedOf(key, after));
  }
  return { changes: changes ?? [], rejected };
}

/** The change of an entry that says whose it is says it too. */
function withFrom<T>(change: Change<T>, entry: KeyValue<T> | undefined): Change<T> {
  return entry?.from === undefined ? change : { ...change, from: entry.from };
}

/**
 * What this subscriber has still to be told: exact batches up to a limit, then per key.
 *
 * It keeps what the subscriber *was* told, and only for the keys that wait: for every other key that is what the
 * view holds. So first previous value, last value and lost deletes come out right by construction, and there is no
 * second Map of everything.
 */
export class Pending<T> {
  readonly #view: View<T>;
  readonly #limit: number;
  /** Nothing was told yet: everything in the view is new. */
  #untold = true;
  #queue: Batch<T>[] = [];
  #head = 0;
  #queued = 0;
  /** Key → what was told of it, and the revision of its latest change. */
  #dirty = new Map<string, { readonly told: Held<T> | undefined; readonly revision: number }>();
  #dirtyRevision = 0;
  #dirtySettled: Settled[] = [];

  /** @param limit how many changes are kept one by one */
  constructor(view: View<T>, limit: number) {
    this.#view = view;
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#queued === 0 && this.#dirty.size === 0 && this.#dirtySettled.length === 0;
  }

  /** Whether the next {@link take} has something: not before the first resync. */
  get canTake(): boolean {
    return !this.#untold && !this.isEmpty;
  }

  /** How many changes wait. */
  get lag(): number {
    return this.#queued + this.#dirty.size;
  }

  /** What the subscriber was told of a key last. */
  told(key: string): Held<T> | undefined {
    if (this.#untold) return undefined;
    for (const { steps } of this.#queue.slice(this.#head)) {
      const step = steps.find((waiting) => waiting.key === key);
      if (step !== undefined) return step.before;
    }
    const waiting = this.#dirty.get(key);
    return waiting === undefined ? this.#view.get(key) : waiting.told;
  }

  /** @returns false where the batch no longer fits into the exact queue */
  push(batch: Batch<T>): boolean {
    if (this.#untold) {
      this.#dirtySettled.push(...batch.settled);
      return true;
    }
    const fits = this.#dirty.size === 0 && this.#queued + batch.steps.length <= this.#limit;
    if (fits) {
      this.#queue.push(batch);
      this.#queued += batch.steps.length;
    } else {
      this.#fold(batch.steps);
      this.#dirtyRevision = batch.revision;
      this.#dirtySettled.push(...batch.settled);
    }
    return fits;
  }

  /** What the next resync will tell. */
  commit(committed: Committed<T>, settled: readonly Settled[]): void {
    this.#dirtySettled.push(...settled);
    if (this.#untold) return;
    if (committed !== 'everything') this.#foldQueueAnd(committed);
    else if (this.#queued === 0 && this.#dirty.size === 0) this.#untold = true;
    else
      this.#foldQueueAnd(
        Array.from(this.#view.keys(), (key) => ({ key, before: undefined, after: this.#view.get(key), revision: 0 })),
      );
  }

  /** The next batch: the oldest exact one, then all that waits per key. */
  take(): Batch<T> | undefined {
    if (!this.canTake) return undefined;
    if (this.#queued > 0) {
      const batch = this.#queue[this.#head++]!;
      this.#queued -= batch.steps.length;
      if (this.#head > 1_000 || this.#queued === 0) {
        this.#queue.splice(0, this.#head);
        this.#head = 0;
      }
      return batch;
    }
    const dirty = this.#dirty;
    const settled = this.#dirtySettled;
    this.#dirty = new Map();
    this.#dirtySettled = [];
    const steps = Array.from(dirty, ([key, { told, revision }]) => ({
      key,
      before: told,
      after: this.#now(key, told),
      revision,
    }));
    return { revision: this.#dirtyRevision, steps, coalesced: true, settled };
  }

  /** Everything that waits, as the diff of a resync; the subscriber is then at the view. */
  takeAll(): { diff: ResyncDiff<T>; settled: readonly Settled[] } {
    if (!this.#untold) this.#foldQueueAnd([]);
    const diff = this.#untold ? { added: this.#view.snapshot().items, changed: [], removed: [] } : this.#diff();
    const settled = this.#dirtySettled;
    this.#untold = false;
    this.#dirty = new Map();
    this.#dirtySettled = [];
    return { diff, settled };
  }

  /** The subscription is over: every frame that still waits learns it. */
  close(outcome: Outcome = outcomes.cancelled): void {
    const waiting = [...this.#queue.slice(this.#head).flatMap((batch) => batch.settled), ...this.#dirtySettled];
    this.#queue = [];
    this.#head = this.#queued = 0;
    this.#dirty = new Map();
    this.#dirtySettled = [];
    for (const settled of waiting) settled(outcome);
  }

  #foldQueueAnd(steps: readonly Step<T>[]): void {
    const queue = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = this.#queued = 0;
    // What waits per key already is newer than the queue: what was told comes from the queue first.
    const newer = this.#dirty;
    if (queue.length > 0) this.#dirty = new Map();
    for (const batch of queue) {
      this.#fold(batch.steps);
      this.#dirtySettled.push(...batch.settled);
    }
    if (queue.length > 0) for (const [key, entry] of newer) this.#foldOne(key, entry.told, entry.revision);
    this.#fold(steps);
  }

  #fold(steps: readonly Step<T>[]): void {
    for (const { key, before, revision } of steps) this.#foldOne(key, before, revision);
  }

  #foldOne(key: string, before: Held<T> | undefined, revision: number): void {
    const known = this.#dirty.get(key);
    this.#dirty.set(key, { told: known === undefined ? before : known.told, revision });
  }

  /**
   * What the view holds of a key that waited. If it went and came back undecodable meanwhile, the subscriber was told of
   * neither: what it was told last stays.
   */
  #now(key: string, told: Held<T> | undefined): Held<T> | undefined {
    const held = this.#view.get(key);
    if (held?.error === undefined || held.good !== undefined || told?.good === undefined) return held;
    return this.#view.restore(key, told.good);
  }

  #diff(): ResyncDiff<T> {
    const added: KeyValue<T>[] = [];
    const changed: (KeyValue<T> & { prevValue: T | undefined })[] = [];
    const removed: { key: string; prevValue: T | undefined }[] = [];
    for (const [key, { told }] of this.#dirty) {
      const held = this.#now(key, told);
      const old = told?.good;
      const now = held?.good;
      if (unchanged(told, held)) continue;
      if (now === undefined) {
        if (old !== undefined || (told !== undefined && held === undefined))
          removed.push({ key, prevValue: old?.value });
      } else if (old === undefined) added.push(now);
      else if (old !== now && !(held?.error !== undefined && isSame(old, now)))
        changed.push({ ...now, prevValue: old.value });
    }
    return { added, changed, removed };
  }
}

/** Read twice: the last good value of a key that is undecodable now is another object after its prefix was listed anew. */
function isSame<T>(a: KeyValue<T>, b: KeyValue<T>): boolean {
  return a === b || (a.revision === b.revision && Object.is(a.value, b.value));
}

/** Nothing to tell: the same state, or one that came back without a revision of its own. */
function unchanged<T>(before: Held<T> | undefined, after: Held<T> | undefined): boolean {
  if (before === after) return true;
  if (before === undefined || after === undefined || before.error !== undefined || after.error !== undefined)
    return false;
  if (before.ownRevision !== after.ownRevision) return false;
  // What was folded from events has no raw value.
  return before.raw === undefined ? Object.is(before.good?.value, after.good?.value) : sameBytes(before.raw, after.raw);
}
