import { onTestFinished } from 'vitest';
import type { RedisClient } from '../../../lib/backends/redis/client.ts';
import { type FromRedisConfig, fromRedis } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { DatasyncError } from '../../../lib/model/errors.ts';
import type { DatasyncEvent } from '../../../lib/model/events.ts';
import type { SourceStatus } from '../../../lib/model/status.ts';
import { notation } from '../../../lib/testing/notation.ts';

/** Waits until nothing is missing. @throws Error that says what is */
export async function until(missing: () => unknown, patience = 20_000): Promise<void> {
  const end = performance.now() + patience;
  for (let what = await missing(); what !== undefined && what !== false; what = await missing()) {
    if (performance.now() > end) throw new Error(`waited ${patience} ms: ${String(what)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A subscriber that keeps a view by the changes alone, and finds out where an event does not fit to the one before. */
export class Follower {
  readonly view = new Map<string, string>();
  readonly events: string[] = [];
  readonly reasons: string[] = [];
  readonly statuses: SourceStatus[] = [];
  readonly wrong: string[] = [];
  readonly rejected = new Map<string, Error>();
  error: unknown;
  readonly #stop: () => void;

  constructor(client: RedisClient, config: Partial<FromRedisConfig<string>> = {}) {
    const source = fromRedis(client, {
      prefixes: [''],
      codec: textCodec,
      probeInterval: 200,
      timeout: 300,
      retry: { delay: 20, maxDelay: 200 },
      statusObserver: { next: (status) => this.statuses.push(status) },
      ...config,
    });
    const subscription = source.subscribe({
      next: (event) => this.#take(event),
      error: (error: unknown) => {
        this.error = error;
      },
    });
    this.#stop = () => subscription.unsubscribe();
    onTestFinished(this.#stop);
  }

  get state(): string | undefined {
    return this.statuses.at(-1)?.state;
  }

  /** The codes of the errors that statuses came with, while what was told may not be what the store holds. */
  get causes(): readonly string[] {
    return this.statuses.flatMap(({ stale, cause }) =>
      stale !== undefined && cause instanceof DatasyncError ? [cause.code] : [],
    );
  }

  /** Waits for its first resync. */
  async started(): Promise<this> {
    await until(() => this.error === undefined && this.reasons.length === 0 && 'no resync');
    return this;
  }

  /** Waits until it knows exactly this. */
  async knows(truth: () => Promise<ReadonlyMap<string, string>>, patience?: number): Promise<void> {
    await until(async () => {
      if (this.error !== undefined) throw this.error as Error;
      const wanted = await truth().catch(() => undefined);
      if (wanted === undefined) return 'the store does not answer';
      const keys = new Set([...wanted.keys(), ...this.view.keys()]);
      const off = [...keys].filter((key) => wanted.get(key) !== this.view.get(key));
      return (
        off.length > 0 &&
        `${off.length} keys differ, as ${off[0]}: ${this.view.get(off[0]!)}, not ${wanted.get(off[0]!)}; ${this.state} ${this.reasons} ${String(this.statuses.at(-1)?.cause)}`
      );
    }, patience);
  }

  unsubscribe(): void {
    this.#stop();
  }

  #take(event: DatasyncEvent<string>): void {
    for (const { key, error } of event.rejected) this.rejected.set(key, error);
    if (this.events.length < 1_000) this.events.push(notation.format(event).replaceAll('"', ''));
    if (event.type === 'change') {
      for (const change of event.changes) {
        this.#compare(change.key, change.prevValue);
        if (change.op === 'put') this.view.set(change.key, change.value);
        else this.view.delete(change.key);
      }
      return;
    }
    this.reasons.push(event.reason);
    const { added, changed, removed } = event.diff;
    for (const { key } of added) this.#compare(key, undefined);
    for (const { key, prevValue } of [...changed, ...removed]) this.#compare(key, prevValue);
    for (const { key, value } of [...added, ...changed]) this.view.set(key, value);
    for (const { key } of removed) this.view.delete(key);
    const same =
      event.entries.size === this.view.size &&
      event.entries.items.every(({ key, value }) => this.view.get(key) === value);
    if (!same) this.wrong.push(`the diff of the resync ${event.epoch} does not lead to its entries`);
  }

  #compare(key: string, prevValue: string | undefined): void {
    const known = this.view.get(key);
    if (known !== prevValue) this.wrong.push(`${key} was ${prevValue}, and not ${known} as told before`);
  }
}
