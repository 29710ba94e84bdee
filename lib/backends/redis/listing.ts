import type { Observable } from 'rxjs';
import { fromPages } from '../../source/fromPages.ts';
import { isUnder } from '../../source/prefixes.ts';
import { commonPrefix, globOf, type KeyEncoding, keyBytes, keyText } from './keys.ts';
import type { RedisCall } from './readers.ts';

/** One step of `SCAN`: where to go on, and what was found. */
type Scanned = readonly [cursor: Buffer, keys: readonly Buffer[]];

/** A page whose values have been asked for, and the next step, unless it is the last. */
interface Page<E> {
  readonly entries: Promise<readonly E[]>;
  readonly next: Promise<Scanned> | undefined;
}

/**
 * Everything under some prefixes on one server, once through all of its keys, in pages. While the values of one page are
 * awaited, and taken in, those of the next are asked for already: two pages are on their way, and the server never waits.
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
    return begun(call('SCAN', cursor, ...match, 'COUNT', batch) as Promise<Scanned>);
  };
  const step = async (scanned: Promise<Scanned>, signal: AbortSignal): Promise<Page<E>> => {
    const [cursor, keys] = await scanned;
    const isLast = cursor.toString() === '0' || signal.aborted;
    const next = isLast ? undefined : scan(cursor);
    const names = keys.map((key) => keyText(key, keyEncoding));
    const entries = begun(read(prefixes.length === 1 ? names : names.filter((name) => isUnder(name, prefixes))));
    return { entries, next };
  };
  return fromPages<readonly E[], Promise<Page<E>>>(async (asked, signal) => {
    const { entries, next } = await (asked ?? step(scan('0'), signal));
    const ahead = next === undefined ? undefined : begun(step(next, signal));
    const page = await entries;
    return ahead === undefined ? { page } : { page, next: ahead };
  });
}

/** It may fail before anybody asks how it went. */
function begun<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
