import { DatasyncError } from '../../model/errors.ts';

/** How the keys of a store are texts. */
interface Encoding {
  readonly backend: string;
  readonly keyEncoding: string;
  /** Whether a prefix has bytes of its own, and so keys that begin with it. */
  readonly isEncodable: (prefix: string) => boolean;
}

/**
 * What no key can begin with would be watched as something else.
 *
 * @param prefixes those that come later, from an Observable, are looked at when a connection is opened
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function checkPrefixes(where: string, prefixes: unknown, { backend, keyEncoding, isEncodable }: Encoding): void {
  if (!Array.isArray(prefixes)) return;
  const wrong = (prefixes as readonly string[]).find((prefix) => !isEncodable(prefix));
  if (wrong === undefined) return;
  const message = `${where}: no key starts with ${JSON.stringify(wrong)}, which cannot be written in ${keyEncoding} (keyEncoding)`;
  throw new DatasyncError('INVALID_CONFIG', message, { backend });
}
