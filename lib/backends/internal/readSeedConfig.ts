import { DatasyncError } from '../../model/errors.ts';
import { expectation, isObject, shown } from '../../model/options.ts';
import { closest } from './closest.ts';
import { camelCase, type SeedConfig, SeedKey, type SeedKeys } from './seedKeys.ts';

/** Where a configuration comes from, for messages. */
export interface SeedOrigin {
  /** Who reads it: `etcdConfig`; or the name of the file. */
  readonly where: string;
  /** For the error: `etcd`. */
  readonly backend: string;
  readonly file?: string;
  /** Where a member stands, by the names that lead to it; both numbers start at 1. */
  readonly placeOf?: (path: readonly string[]) => { readonly line: number; readonly column: number } | undefined;
}

/**
 * Reads a configuration with the keys of the seeds: all of it is checked, what is unknown is refused.
 *
 * A key without a value (`status-path:`), and one that is `undefined`, is the same as none.
 *
 * @param required the keys of the table that must be there
 * @returns the options, in camel case
 * @throws DatasyncError `INVALID_CONFIG`, naming the key, what was expected, and file, line and column where there are
 */
export function readSeedConfig<const K extends SeedKeys>(
  config: unknown,
  keys: K,
  origin: SeedOrigin,
  required: readonly (keyof K & string)[] = [],
): SeedConfig<K> {
  const read = readTable(config, keys, origin, []);
  for (const key of required)
    if (!Object.hasOwn(read, camelCase(key))) throw invalid(origin, `the key '${key}' is missing`, []);
  return read;
}

function readTable(config: unknown, keys: SeedKeys, origin: SeedOrigin, path: readonly string[]): object {
  if (!isObject(config) || Array.isArray(config)) {
    const what = path.length === 0 ? 'a configuration' : `'${path.join('.')}'`;
    throw invalid(origin, `${what} must be a table of keys, not ${shown(config)}; ${known(keys)}`, path);
  }
  const read: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const full = [...path, key];
    const name = full.join('.');
    const own = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (own === undefined) {
      const meant = closest(key, Object.keys(keys));
      const hint = meant === undefined ? '' : `did you mean '${[...path, meant].join('.')}'? `;
      throw invalid(origin, `unknown key '${name}'; ${hint}${known(keys)}`, full);
    }
    if (value === undefined || value === null) continue;
    if (!(own instanceof SeedKey)) read[camelCase(key)] = readTable(value, own, origin, full);
    else if (own.leaf[0](value)) read[camelCase(key)] = own.read(value);
    else {
      const expected = own.isSecret ? `${own.leaf[1]} (a number needs quotes)` : expectation(value, own.leaf);
      throw invalid(origin, `'${name}' must be ${expected}`, full);
    }
  }
  return read;
}

function known(keys: SeedKeys): string {
  return `known are ${Object.keys(keys).join(', ')}`;
}

function invalid(
  { where, backend, file, placeOf }: SeedOrigin,
  message: string,
  path: readonly string[],
): DatasyncError {
  const place = path.length === 0 ? undefined : placeOf?.(path);
  const at = place === undefined ? where : `${where}:${place.line}:${place.column}`;
  return new DatasyncError('INVALID_CONFIG', `${at}: ${message}`, {
    backend,
    ...(file === undefined ? {} : { file }),
    ...place,
  });
}
