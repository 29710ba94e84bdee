import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The paths of all status files of this process, by name. They stay: a status is no configuration when its writer is closed. */
const paths = new Map<string, Set<string>>();

/**
 * Says that a path is that of a status file, which no source of this process reads as configuration.
 *
 * @returns its {@link canonical} path
 */
export function announceStatusFile(path: string): string {
  const place = canonical(path);
  const name = basename(place);
  paths.set(name, (paths.get(name) ?? new Set()).add(place));
  return place;
}

/**
 * Whether a file is a status file.
 *
 * @param real its path without any link
 */
export function isStatusFile(real: string): boolean {
  const known = paths.get(basename(real));
  // The directory may have come into being since, by a link.
  return known !== undefined && (known.has(real) || [...known].some((place) => canonical(place) === real));
}

/** An absolute path, by whatever links its directory is reached. */
export function canonical(path: string): string {
  const absolute = resolve(path);
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}
