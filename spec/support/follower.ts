import type { Subscription } from 'rxjs';
import { expect, onTestFinished, vi } from 'vitest';
import type { DatasyncError } from '../../lib/model/errors.ts';
import type { DatasyncEvent, ResyncEvent, Source } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';

/** Waits for a condition, without a word about how long it takes. */
export function until(condition: () => void, timeout = 40_000): Promise<void> {
  return vi.waitFor(condition, { timeout, interval: 10 });
}

/** A consumer that follows diffs and changes alone, and holds each event to what was told before it. */
export class Follower<T> {
  readonly events: DatasyncEvent<T>[] = [];
  readonly statuses: SourceStatus[] = [];
  readonly state: Map<string, T> = new Map();
  /** Promises that were broken, in words. */
  readonly broken: string[] = [];
  error: DatasyncError | undefined;
  readonly #mayCoalesce: boolean;
  #subscription: Subscription | undefined;
  #revision = 0;

  /** @param mayCoalesce whether states in between may be skipped */
  constructor(mayCoalesce = false) {
    this.#mayCoalesce = mayCoalesce;
  }

  /** Subscribes, and unsubscribes with the test. `observer`: to be put into the configuration of the source. */
  static of<T>(
    make: (observer: { next: (status: SourceStatus) => void }) => Source<T>,
    { mayCoalesce = false } = {},
  ): Follower<T> {
    const follower = new Follower<T>(mayCoalesce);
    const source = make({ next: (status) => follower.statuses.push(status) });
    follower.#subscription = source.subscribe({
      next: (event) => follower.#take(event),
      error: (error: unknown) => {
        follower.error = error as DatasyncError;
      },
    });
    onTestFinished(() => follower.unsubscribe());
    return follower;
  }

  unsubscribe(): void {
    this.#subscription?.unsubscribe();
  }

  get resyncs(): ResyncEvent<T>[] {
    return this.events.filter((event) => event.type === 'resync');
  }

  get reasons(): string[] {
    return this.resyncs.map(({ reason }) => reason);
  }

  get status(): SourceStatus | undefined {
    return this.statuses.at(-1);
  }

  /** The revisions of its changes, in the order they came. */
  get revisions(): number[] {
    return this.events.filter(({ type }) => type === 'change').map(({ revision }) => revision);
  }

  /** Waits until it holds exactly this. */
  async holds(expected: Readonly<Record<string, T>>): Promise<void> {
    await until(() => {
      expect(this.error).toBeUndefined();
      expect(this.events).not.toEqual([]);
      expect(Object.fromEntries(this.state)).toEqual(expected);
    });
    expect(this.broken).toEqual([]);
  }

  #take(event: DatasyncEvent<T>): void {
    this.events.push(event);
    if (event.type === 'resync') {
      const { added, changed, removed } = event.diff;
      for (const { key, value } of [...added, ...changed]) this.state.set(key, value);
      for (const { key } of removed) this.state.delete(key);
      for (const { key, value } of event.entries.items)
        if (!Object.is(this.state.get(key), value)) this.broken.push(`the resync's diff does not lead to ${key}`);
      if (this.state.size !== event.entries.size) this.broken.push("the resync's diff leaves keys over");
      if (event.revision < this.#revision && event.reason !== 'regressed') this.broken.push('went back in silence');
    } else {
      if (event.revision <= this.#revision) this.broken.push(`${event.revision} came after ${this.#revision}`);
      if (event.coalesced && !this.#mayCoalesce) this.broken.push(`${event.revision} is coalesced`);
      for (const change of event.changes) {
        if (!Object.is(change.prevValue, this.state.get(change.key)))
          this.broken.push(`${event.revision}: previous value of ${change.key} is ${change.prevValue}`);
        if (change.op === 'put') this.state.set(change.key, change.value);
        else this.state.delete(change.key);
      }
    }
    this.#revision = event.revision;
  }
}
