import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FilesStatusConfig, filesStatus } from '../../lib/backends/files/index.ts';
import type { Broker } from '../../lib/model/broker.ts';
import { temporaryDirectory } from './files.ts';

/** A directory of its own, and the path of a status file in it. */
export function place(name = 'status.json'): { dir: string; path: string } {
  const dir = temporaryDirectory();
  return { dir, path: join(dir, name) };
}

/** A status broker that is closed with the test. */
export function statusAt(path: string, config: Partial<FilesStatusConfig<unknown>> = {}): Broker<unknown> {
  const broker = filesStatus({ path, ...config });
  onTestFinished(() => broker.close());
  return broker;
}
