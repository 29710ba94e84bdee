import { map, NEVER, type Observable, timer } from 'rxjs';
import type { DatasyncEvent, ResyncDiff } from '../../lib/index.ts';
import type { Behaviour } from './script.ts';

/** What a step of a consumer's work may leave behind. */
type Write = readonly [key: string, value: string | undefined];

/**
 * The consumer of the oracle: it follows the events in three ways at once, and fails as the script says.
 *
 * `told` is what the events said; `byDiff` and `byEntries` are what a consumer holds that works from the diff, or from
 * the entries, of a resync, and that holds nothing, a part or all of an event it failed on.
 */
export class Consumer {
  readonly problems: string[] = [];
  told: ReadonlyMap<string, string> = new Map();
  readonly byDiff = new Map<string, string>();
  byEntries = new Map<string, string>();
  /** Whether an event has ever been failed on, or cut off: then a diff may name more than it must. */
  failed = false;
  synced = false;
  revision = Number.NEGATIVE_INFINITY;
  epoch = 0;

  /** Takes an event over, completely or in part, and checks that it fits what was told before. */
  take(event: DatasyncEvent<string>, applied: Behaviour['applied']): void {
    const told = new Map(this.told);
    if (event.type === 'resync') {
      this.#checkResync(event.diff, event.entries.items, told);
      if (event.epoch !== this.epoch + 1) this.#problem(`epoch ${event.epoch} after ${this.epoch}`);
      if (event.revision < this.revision && event.reason !== 'regressed') {
        this.#problem(`resync at ${event.revision} after ${this.revision} without regressed`);
      }
      this.epoch = event.epoch;
      this.synced = true;
      this.told = new Map(event.entries.items.map(({ key, value }) => [key, value]));
      this.#apply(this.byDiff, writesOf(event.diff), applied);
      if (applied === 'all') this.byEntries = new Map(this.told);
      else this.#apply(this.byEntries, [...this.told], applied);
    } else {
      if (!this.synced) this.#problem('a change before the first resync');
      if (event.epoch !== this.epoch) this.#problem(`a change of epoch ${event.epoch} in epoch ${this.epoch}`);
      if (event.revision <= this.revision) this.#problem(`a change at ${event.revision} after ${this.revision}`);
      for (const change of event.changes) {
        if (change.prevValue !== told.get(change.key)) {
          this.#problem(`prevValue of ${change.key} is ${change.prevValue}, told was ${told.get(change.key)}`);
        }
        if (change.op === 'put') told.set(change.key, change.value);
        else told.delete(change.key);
      }
      this.told = told;
      const writes = event.changes.map((change): Write => [change.key, change.op === 'put' ? change.value : undefined]);
      this.#apply(this.byDiff, writes, applied);
      this.#apply(this.byEntries, writes, applied);
    }
    this.revision = event.revision;
  }

  /** The work as `ackWithCallback` wants it. */
  work(event: DatasyncEvent<string>, behaviour: Behaviour): Observable<unknown> | undefined {
    this.take(event, behaviour.applied);
    const fails = behaviour.says === 'fail';
    if (fails) this.failed = true;
    const outcome = (): void => {
      if (fails) throw new Error('as the script says');
    };
    if (behaviour.delay === Infinity) return NEVER;
    if (behaviour.delay > 0) return timer(behaviour.delay).pipe(map(outcome));
    outcome();
    return undefined;
  }

  #apply(held: Map<string, string>, writes: readonly Write[], applied: Behaviour['applied']): void {
    if (applied === 'none') return;
    writes.forEach(([key, value], index) => {
      if (applied === 'part' && index % 2 === 1) return;
      if (value === undefined) held.delete(key);
      else held.set(key, value);
    });
  }

  #checkResync(
    diff: ResyncDiff<string>,
    items: readonly { key: string; value: string }[],
    told: Map<string, string>,
  ): void {
    const before = new Map(told);
    for (const [key, value] of writesOf(diff)) {
      if (value === undefined) told.delete(key);
      else told.set(key, value);
    }
    const now = new Map(items.map(({ key, value }) => [key, value]));
    if (now.size !== items.length) this.#problem('a resync names a key twice');
    const difference = differenceOf(told, now);
    if (difference !== undefined) this.#problem(`told and diff do not make the entries: ${difference}`);
    if (this.failed) return;
    for (const { key } of diff.added) if (before.has(key)) this.#problem(`${key} is added, and was told before`);
    for (const { key, prevValue } of [...diff.changed, ...diff.removed]) {
      if (before.get(key) !== prevValue)
        this.#problem(`the diff's prevValue of ${key} is ${prevValue}, told was ${before.get(key)}`);
    }
  }

  #problem(text: string): void {
    this.problems.push(text);
  }
}

function writesOf(diff: ResyncDiff<string>): Write[] {
  return [
    ...[...diff.added, ...diff.changed].map(({ key, value }): Write => [key, value]),
    ...diff.removed.map(({ key }): Write => [key, undefined]),
  ];
}

/** The first key in which two views differ. */
export function differenceOf(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string | undefined {
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(key) !== b.get(key)) return `${key} is ${a.get(key)}, and should be ${b.get(key)}`;
  }
  return undefined;
}
