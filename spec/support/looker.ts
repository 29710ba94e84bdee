import { statSync } from 'node:fs';
import { afterEach, beforeEach, vi } from 'vitest';
import { resolveFilesOptions } from '../../lib/backends/files/config.ts';
import { type Scanned, scan } from '../../lib/backends/files/scan.ts';

/** What a look at a file finds so many milliseconds after the last write. */
export type Look = (file: string, last: Scanned, later: number, options?: object) => Promise<Scanned>;

/** Looks with a clock of our own, while that of the file system goes on. To be called where tests are described. */
export function looker(): Look {
  let clock: number | undefined;
  beforeEach(() => {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => clock ?? now());
  });
  afterEach(() => {
    vi.restoreAllMocks();
    clock = undefined;
  });
  return (file, last, later, options = {}) => {
    clock = statSync(file).ctimeMs + later;
    return scan(resolveFilesOptions('spec', { paths: [file], ...options }), last, new AbortController().signal);
  };
}
