import type { Observable } from 'rxjs';
import { fromPages } from '../../source/fromPages.ts';
import { isUnder } from '../../source/prefixes.ts';
import { commonPrefix, globOf, type KeyEncoding, keyBytes, keyText } from './keys.ts';
import type { RedisCall } from './readers.ts';

/** One step of `SCAN`: where to go on, and what was found. */
type Scanned = readonly [cursor: Buffer, keys: readonly Buffer[]];

/**
 * Everything under some prefixes on one server, once through all of its keys, in pages. The next page is asked for while
 * the values of this one are read.
 */
export function listed<E>(
  call: RedisCall,
  read: (names: readonly string[]) => Promise<readonly E[]>,
  prefixes: readonly string[],
  { keyEncoding, batch }: { readonly keyEncoding: KeyEncoding; readonly batch: number },
): Observable<readonly E[]> {
  const common = commonPrefix(prefixes);
  const match = common === '' ? [] : ['MATCH', globOf(keyBytes(common, keyEncoding))];
  const scan = (cursor: Buffer | string): Promise<Scanned> => {
    const scanned = call('SCAN', cursor, ...match, 'COUNT', batch) as Promise<Scanned>;
    // It may fail before anybody asks how it went.
    scanned.catch(() => undefined);
    return scanned;
  };
  return fromPages<readonly E[], Promise<Scanned>>(async (asked = scan('0'), signal) => {
    const [cursor, keys] = await asked;
    const isLast = cursor.toString() === '0';
    const next = isLast || signal.aborted ? undefined : scan(cursor);
    const names = keys.map((key) => keyText(key, keyEncoding));
    const page = await read(prefixes.length === 1 ? names : names.filter((name) => isUnder(name, prefixes)));
    return next === undefined ? { page } : { page, next };
  });
}
