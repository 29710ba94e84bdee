import type Consul from 'consul';
import { from, map, mergeMap, type Observable, of, reduce } from 'rxjs';
import { encodeText } from '../../internal/bytes.ts';
import { DatasyncError } from '../../model/errors.ts';
import { isListed, type Listed, parsed } from './answers.ts';
import { refusal } from './failures.ts';
import { type Answer, ask, consistent, type Limits } from './http.ts';
import { pathOf, spoken } from './keys.ts';

/** Operations that Consul takes in one transaction. */
export const mostOperations = 64;

/** Bytes of a transaction of reads: well below what Consul takes (512 kB), also where a key is written with escapes. */
const mostBytes = 131_072;

/** Bytes of a read in a transaction, without its key. */
const aroundKey = 40;

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
  const parts: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const key of keys) {
    bytes += Buffer.byteLength(key) + aroundKey;
    if (bytes > mostBytes || parts.at(-1)!.length === mostOperations) {
      parts.push([]);
      bytes = Buffer.byteLength(key) + aroundKey;
    }
    parts.at(-1)!.push(key);
  }
  return from(parts).pipe(mergeMap((part) => inTransaction(client, part, limits), concurrency));
}

function inTransaction(client: Consul, keys: readonly string[], limits: Limits): Observable<Read> {
  const body = encodeText(JSON.stringify(keys.map((Key) => ({ KV: { Verb: 'get', Key } }))));
  return ask(client, { method: 'PUT', path: '/txn', query: consistent, body }, limits).pipe(
    mergeMap((answer) => {
      // Whoever has set a lower limit than Consul's own.
      if (answer.status !== 413 || keys.length === 1) return of(readOf(keys, answer));
      const half = keys.length >> 1;
      return from([keys.slice(0, half), keys.slice(half)]).pipe(
        mergeMap((part) => inTransaction(client, part, limits), 1),
      );
    }),
  );
}

function readOf(keys: readonly string[], answer: Answer): Read {
  if (answer.status !== 200 && answer.status !== 409) throw refusal(what, answer);
  const { Results, Errors } = parsed(what, answer) as {
    readonly Results?: readonly { readonly KV?: unknown }[] | null;
    readonly Errors?: readonly { readonly OpIndex?: unknown }[] | null;
  };
  if (answer.status === 200) return { found: keys, entries: (Results ?? []).map(({ KV }) => KV).filter(isListed) };
  const missing = new Set((Errors ?? []).map(({ OpIndex }) => OpIndex));
  return { found: keys.filter((_, index) => !missing.has(index)), entries: undefined };
}

/** Whether these keys are there, and the token may not read them; otherwise a list that lacks them is older than they are. */
export function areDenied(client: Consul, keys: ReadonlySet<string>, limits: Limits): Observable<boolean> {
  return from([...keys].slice(0, concurrency)).pipe(
    mergeMap((key) => ask(client, { method: 'GET', path: pathOf(key), query: consistent }, limits)),
    reduce((all, { status }) => all && status === 403, keys.size > 0),
  );
}

/** Nothing where the token may read all keys under a prefix; what does not exist is then not merely hidden. */
export function checkReadable(client: Consul, prefix: string, limits: Limits): Observable<void> {
  // Any key under it will do, it need not exist.
  const known = spoken(prefix);
  const key = known === '' ? 'any' : known;
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
