import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** What one spec proved about one backend: a row of the table that ends every test run. */
export interface BackendRecord {
  readonly backend: string;
  /** Version of the server, or of the client library where there is no server. */
  readonly version: string;
  /** Invariants that ran, by their names in the contract: `I1`, `I2`, … */
  readonly invariants: readonly string[];
  readonly skipped: readonly { readonly invariant: string; readonly reason: string }[];
  /** Why the backend could not be started. With `DATASYNC_REQUIRE=all` this fails the run. */
  readonly missing?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Set by the reporter; absent when vitest runs with other reporters. */
    backendRecords?: string;
  }
}

/**
 * Adds a row to the backend table. May be called anywhere in a spec: at its top level, in a hook, in a test; records of
 * the same backend and version are merged. One file per call, since specs run in several threads and processes.
 */
export function recordBackend(record: BackendRecord): void {
  const directory = inject('backendRecords');
  if (directory !== undefined) writeFileSync(join(directory, `${randomUUID()}.json`), JSON.stringify(record));
}
