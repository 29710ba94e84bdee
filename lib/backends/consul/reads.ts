import { firstValueFrom } from 'rxjs';
import type { KeyRange } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { KeyValue } from '../../model/values.ts';
import { type Listed, listingOf, namesOf } from './answers.ts';
import type { About, ConsulCalls, Shown } from './calls.ts';
import { refusal } from './failures.ts';
import { checkReadable } from './hidden.ts';
import { consistent } from './http.ts';
import { pathOf, prefixFault, spoken } from './keys.ts';
import type { Only } from './operations.ts';

/** An entry, and what has to be known to write it only as long as it is so. */
export interface Found extends Only {
  readonly value: Uint8Array;
}

/** One key; `undefined`: it is absent. */
export async function find(calls: ConsulCalls, key: string, { what }: About): Promise<Found | undefined> {
  const answer = await calls.read({ method: 'GET', path: pathOf(key), query: consistent });
  if (answer.status !== 200 && answer.status !== 404) throw refusal(what, answer, { key });
  const [entry] = listingOf(what, answer).entries;
  return entry && { value: bytesOf(entry), index: entry.ModifyIndex, session: (entry as Partial<Shown>).Session };
}

/** The entries of a range, sorted by key. */
export async function list(calls: ConsulCalls, range: KeyRange): Promise<readonly KeyValue<Uint8Array>[]> {
  const { what, path, prefix, has } = readable(range);
  const entries = await confirmed(calls, prefix, async () => {
    const answer = await calls.read({ method: 'GET', path, query: { recurse: 'true', ...consistent } });
    return listingOf(what, answer).entries;
  });
  return entries
    .filter(({ Key }) => has(Key))
    .map((entry) => ({ key: entry.Key, value: bytesOf(entry), revision: entry.ModifyIndex }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The keys of a range, sorted. */
export async function listKeys(calls: ConsulCalls, range: KeyRange): Promise<readonly string[]> {
  const { what, path, prefix, has } = readable(range);
  const keys = await confirmed(calls, prefix, async () => {
    const answer = await calls.read({ method: 'GET', path, query: { keys: 'true', ...consistent } });
    return namesOf(what, answer).names;
  });
  return keys.filter(has).sort();
}

/** What a token may not read is not listed: nothing is nothing only where it may, before and after the list. */
async function confirmed<T>(
  calls: ConsulCalls,
  prefix: string,
  read: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const check = () => firstValueFrom(checkReadable(calls.client, prefix, calls.limits), { defaultValue: undefined });
  const first = await read();
  if (first.length > 0) return first;
  await check();
  const second = await read();
  if (second.length === 0) await check();
  return second;
}

interface Readable {
  readonly what: string;
  readonly path: string;
  readonly prefix: string;
  readonly has: (key: string) => boolean;
}

/** @throws DatasyncError `INVALID_KEY` */
function readable(range: KeyRange): Readable {
  const prefix = 'prefix' in range ? range.prefix : commonStart(range.start, range.end);
  const fault = prefixFault(prefix);
  if (fault !== undefined)
    throw new DatasyncError('INVALID_KEY', `no key starts with ${JSON.stringify(prefix)}: it ${fault}`, {
      backend: 'consul',
    });
  return {
    what: `listing the keys under ${JSON.stringify(prefix)}`,
    path: pathOf(spoken(prefix)),
    prefix,
    has: 'prefix' in range ? (key) => key.startsWith(prefix) : (key) => key >= range.start && key < range.end,
  };
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  // Half of a character is none.
  return a.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

function bytesOf({ Value }: Listed): Uint8Array {
  return Uint8Array.from(Buffer.from(Value ?? '', 'base64'));
}
