import { DatasyncError } from '../../model/errors.ts';

/** A surrogate without its other half: no text in UTF-8. */
const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** What Consul's HTTP server refuses in a path, unless it is configured otherwise: what Go's `unicode.IsPrint` does not print. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/** Consul's HTTP server normalises paths: these keys would be others. */
const normalised = /(^|\/)\.{1,2}(\/|$)/;

/** Why Consul cannot hold a key, or cannot be asked for it; `undefined`: it can. */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key.startsWith('/')) return "starts with a slash, which Consul's keys do not";
  if (key.includes('//')) return 'has two slashes in a row, which Consul takes for one';
  if (normalised.test(key)) return "has a part '.' or '..', which Consul resolves as in a path";
  if (lone.test(key)) return 'has half of a surrogate pair, which UTF-8 cannot write';
  return unprintable.test(key) ? 'has a character that cannot be printed, which Consul refuses' : undefined;
}

/** @throws DatasyncError `INVALID_KEY` */
export function checkKey(key: string): void {
  const fault = keyFault(key);
  if (fault !== undefined)
    throw new DatasyncError('INVALID_KEY', `the key ${JSON.stringify(key)} ${fault}`, { backend: 'consul', key });
}

/** Why Consul cannot be asked for a prefix; `undefined`: it can. */
export function prefixFault(prefix: string): string | undefined {
  const start = spoken(prefix);
  return start === '' ? undefined : keyFault(start);
}

/** The longest start of a prefix that survives as a path; `a/.` asks for `a/`. */
export function spoken(prefix: string): string {
  const unfinished = /(^|\/)\.{1,2}$/.exec(prefix);
  return unfinished === null ? prefix : prefix.slice(0, unfinished.index + unfinished[1]!.length);
}

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkPrefixes(where: string, prefixes: readonly string[]): void {
  for (const prefix of prefixes) {
    const fault = prefixFault(prefix);
    if (fault === undefined) continue;
    const message = `${where}: Consul cannot be asked for the prefix ${JSON.stringify(prefix)}: it ${fault}`;
    throw new DatasyncError('INVALID_CONFIG', message, { backend: 'consul' });
  }
}

/** The path of a key, or of the keys under a prefix. */
export function pathOf(key: string): string {
  return `/kv/${encodeURIComponent(key)}`;
}
