import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Subscription } from 'rxjs';
import { expect, onTestFinished, vi } from 'vitest';
import { type FromFilesConfig, fromFiles } from '../../lib/backends/files/index.ts';
import type { DatasyncError } from '../../lib/model/errors.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';

/** A directory of its own, which somebody has to remove. */
export function ownDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'rx-datasync-')));
}

/** A directory of its own, removed with the test. */
export function temporaryDirectory(): string {
  const directory = ownDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Entries as a YAML file. */
export function yaml(values: Readonly<Record<string, unknown>>): string {
  const items = Object.entries(values).map(([key, value]) => `  - key: ${key}\n    value: ${JSON.stringify(value)}\n`);
  return items.length === 0 ? 'data: []\n' : `data:\n${items.join('')}`;
}

/** Entries as a JSON file. */
export function json(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ data: Object.entries(values).map(([key, value]) => ({ key, value })) }, undefined, 2);
}

/** Writes a file, with its directories; the format is that of the name. */
export function write(path: string, values: Readonly<Record<string, unknown>> | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof values === 'string' ? values : path.endsWith('.json') ? json(values) : yaml(values));
}

/** Waits for a condition, without a word about how long it takes. */
export function until(condition: () => void, { timeout = 15_000 } = {}): Promise<void> {
  return vi.waitFor(condition, { timeout, interval: 10 });
}

/** Everything that a source of files told. */
export class Recorded {
  readonly events: DatasyncEvent<unknown>[] = [];
  readonly statuses: SourceStatus[] = [];
  error: DatasyncError | undefined;
  /** What a consumer holds that follows diffs and changes alone. */
  readonly followed: Map<string, unknown> = new Map();
  subscription: Subscription | undefined;

  get status(): SourceStatus {
    return this.statuses.at(-1)!;
  }

  /** Why the subscription is stale. */
  get stale(): DatasyncError | undefined {
    return this.status.stale?.cause as DatasyncError | undefined;
  }

  get state(): Record<string, unknown> {
    return Object.fromEntries(this.followed);
  }

  /** All that was told, a line per resync and per key; the lines of one event are sorted. */
  get log(): string[] {
    return this.events.flatMap((event) => (event.type === 'resync' ? [`resync ${event.reason}`] : linesOf(event)));
  }

  take(event: DatasyncEvent<unknown>): void {
    this.events.push(event);
    if (event.type === 'resync') {
      for (const { key, value } of [...event.diff.added, ...event.diff.changed]) this.followed.set(key, value);
      for (const { key } of event.diff.removed) this.followed.delete(key);
      expect(this.state).toEqual(Object.fromEntries(event.entries.items.map(({ key, value }) => [key, value])));
      return;
    }
    for (const change of event.changes) {
      expect(change.prevValue).toEqual(this.followed.get(change.key));
      if (change.op === 'put') this.followed.set(change.key, change.value);
      else this.followed.delete(change.key);
    }
  }
}

function linesOf(event: Extract<DatasyncEvent<unknown>, { type: 'change' }>): string[] {
  const shown = (value: unknown) => (value === undefined ? 'none' : JSON.stringify(value));
  const changes = event.changes.map((change) =>
    change.op === 'put'
      ? `put ${change.key} ${shown(change.prevValue)} > ${shown(change.value)}`
      : `delete ${change.key} ${shown(change.prevValue)}`,
  );
  return [...changes.sort(), ...event.rejected.map(({ key }) => `reject ${key}`).sort()];
}

/** Subscribes, and unsubscribes with the test. */
export function record(config: Partial<FromFilesConfig<unknown>> & { readonly paths: readonly string[] }): Recorded {
  const recorded = new Recorded();
  const source = fromFiles({
    prefixes: [''],
    ...config,
    statusObserver: { next: (status) => recorded.statuses.push(status) },
  });
  recorded.subscription = source.subscribe({
    next: (event) => recorded.take(event),
    error: (error: unknown) => {
      recorded.error = error as DatasyncError;
    },
  });
  onTestFinished(() => recorded.subscription?.unsubscribe());
  return recorded;
}

/** Subscribes, and waits for the first resync. */
export async function recordLive(config: Parameters<typeof record>[0]): Promise<Recorded> {
  const recorded = record(config);
  await until(() => expect(recorded.events.length).toBeGreaterThan(0));
  return recorded;
}
