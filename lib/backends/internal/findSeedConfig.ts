import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Surroundings, setting } from './flag.ts';

/**
 * Where the configuration file of a backend is, as cn-infra looks for it: the flag `--<name>-config`, else the variable
 * `<NAME>_CONFIG`, else `<name>.conf`. That path is tried as it is, then below `--config-dir` (`CONFIG_DIR`, else the
 * working directory). An empty flag turns the backend off.
 *
 * @param name `etcd`
 * @returns a path; `undefined`: there is no such file, or it is turned off. A file that was asked for by flag or variable and
 * does not exist is returned nevertheless: to read it says so, where cn-infra goes on without a word
 */
export function findSeedConfig(name: string, surroundings: Surroundings = {}): string | undefined {
  const asked = setting(`${name}-config`, surroundings);
  if (asked === '') return undefined;
  const path = asked ?? `${name}.conf`;
  if (existsSync(path)) return path;
  const directory = setting('config-dir', surroundings) ?? '';
  const below = join(directory, path);
  return existsSync(below) ? below : asked;
}
