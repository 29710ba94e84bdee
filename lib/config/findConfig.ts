import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Surroundings, setting } from '../backends/internal/flag.ts';

/**
 * Where the configuration file of a backend is, as cn-infra looks for it: the flag `--<name>-config`, else the variable
 * `<NAME>_CONFIG`, else `<name>.conf`. That path is tried as it is, then below `--config-dir` (`CONFIG_DIR`, else the
 * working directory). An empty flag turns the backend off.
 *
 * Flags are read from `process.argv`, written `--name value` or `--name=value`; an empty variable is the same as none.
 *
 * @example
 * const file = findConfig('filedb');
 * const filedb = file === undefined ? undefined : createFiles(await filedbConfig(file));
 *
 * @param name `filedb`, `etcd` …
 * @param surroundings the arguments and variables to look at instead of those of the process
 * @returns a path; `undefined`: there is no such file, or it is turned off. A file that was asked for by flag or variable and
 * does not exist is returned nevertheless: whoever reads it says so, where cn-infra goes on without a word
 * @throws DatasyncError `INVALID_CONFIG`, where a flag has no value
 */
export function findConfig(name: string, surroundings: Surroundings = {}): string | undefined {
  const asked = setting(`${name}-config`, surroundings);
  if (asked === '') return undefined;
  const path = asked ?? `${name}.conf`;
  if (existsSync(path)) return path;
  const below = join(setting('config-dir', surroundings) ?? '', path);
  return existsSync(below) ? below : asked;
}
