import type Consul from 'consul';
import { from, map, mergeMap, type Observable, of, reduce } from 'rxjs';
import { encodeText } from '../../internal/bytes.ts';
import { DatasyncError } from '../../model/errors.ts';
import { isListed, type Listed, parsed } from './answers.ts';
import { refusal } from './failures.ts';
import { ask, consistent, type Limits } from './http.ts';
import { pathOf } from './keys.ts';

/** Operations that Consul takes in one transaction. */
export const mostOperations = 64;

/** Requests at once. */
export const concurrency = 4;

const what = 'reading keys by their names';

/**
 * Which of these keys still exist. A list leaves out, without a sign, what the token may not read; a transaction of reads
 * names the keys that do not exist, whoever asks.
 */
export function existing(client: Consul, keys: readonly string[], limits: Limits): Observable<ReadonlySet<string>> {
  return inTransactions(client, keys, limits).pipe(
    reduce((all, { found }) => {
      for (const key of found) all.add(key);
      return all;
    }, new Set<string>()),
  );
}

/** The entries of these keys, without those that do not exist, or that the token may not read. */
export function entriesOf(client: Consul, keys: readonly string[], limits: Limits): Observable<readonly Listed[]> {
  return inTransactions(client, keys, limits).pipe(
    mergeMap(({ found, entries }) => (entries === undefined ? entriesOf(client, found, limits) : of(entries))),
    reduce((all, entries) => [...all, ...entries], [] as readonly Listed[]),
  );
}

/** What one transaction of reads says. */
interface Read {
  /** The keys that exist. */
  readonly found: readonly string[];
  /** `undefined`: some do not, and then it shows none. */
  readonly entries: readonly Listed[] | undefined;
}

function inTransactions(client: Consul, keys: readonly string[], limits: Limits): Observable<Read> {
  const parts: (readonly string[])[] = [];
  for (let start = 0; start < keys.length; start += mostOperations)
    parts.push(keys.slice(start, start + mostOperations));
  return from(parts).pipe(mergeMap((part) => inTransaction(client, part, limits), concurrency));
}

function inTransaction(client: Consul, keys: readonly string[], limits: Limits): Observable<Read> {
  const body = encodeText(JSON.stringify(keys.map((Key) => ({ KV: { Verb: 'get', Key } }))));
  return ask(client, { method: 'PUT', path: '/txn', query: consistent, body }, limits).pipe(
    map((answer) => {
      if (answer.status !== 200 && answer.status !== 409) throw refusal(what, answer);
      const { Results, Errors } = parsed(what, answer) as {
        readonly Results?: readonly { readonly KV?: unknown }[] | null;
        readonly Errors?: readonly { readonly OpIndex?: unknown }[] | null;
      };
      if (answer.status === 200) return { found: keys, entries: (Results ?? []).map(({ KV }) => KV).filter(isListed) };
      const missing = new Set((Errors ?? []).map(({ OpIndex }) => OpIndex));
      return { found: keys.filter((_, index) => !missing.has(index)), entries: undefined };
    }),
  );
}

/** Nothing where the token may read all keys under a prefix; what does not exist is then not merely hidden. */
export function checkReadable(client: Consul, prefix: string, limits: Limits): Observable<void> {
  // Any key under it will do, it need not exist.
  const key = prefix === '' ? 'any' : prefix;
  const shown = JSON.stringify(prefix);
  return ask(client, { method: 'GET', path: pathOf(key), query: consistent }, limits).pipe(
    map((answer) => {
      if (answer.status === 200 || answer.status === 404) return;
      const message = `no key is listed under ${shown}, and the token may not read there: this is not taken for empty`;
      if (answer.status === 403) throw new DatasyncError('ACCESS_DENIED', message, { backend: 'consul' });
      throw refusal(`looking whether the token may read ${shown}`, answer);
    }),
  );
}

/** What the status says of keys that the token cannot see. */
export function hiddenError(prefix: string, keys: ReadonlySet<string>): DatasyncError {
  const [first] = keys;
  const message = `the token cannot see ${keys.size} of the keys under ${JSON.stringify(prefix)} any more, ${JSON.stringify(first)} for one; they stay as they were`;
  return new DatasyncError('ACCESS_DENIED', message, { backend: 'consul' });
}
