import { lastValueFrom, reduce } from 'rxjs';
import type { CommitResult, CoreBroker, KeyRange, PutOptions, RawWrite, WriteResult } from '../../model/broker.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { KeyValue } from '../../model/values.ts';
import type { RawEntry } from '../../source/frames.ts';
import type { Access } from './access.ts';
import { type RedisArgument, type RedisBatch, send } from './client.ts';
import { isReply } from './failures.ts';
import { commonPrefix, type KeyEncoding, keyBytes } from './keys.ts';
import { Lifetimes } from './lifetimes.ts';
import { listed } from './listing.ts';
import type { RedisReader } from './readers.ts';
import { Reading } from './reading.ts';
import { remove, swap } from './scripts.ts';
import { checkSameSlot } from './slots.ts';
import { stringsOf } from './strings.ts';

/** See {@link RedisBrokerConfig}, with the defaults. */
export interface RedisCoreOptions {
  readonly sessionTtl: number;
  readonly keyEncoding: KeyEncoding;
  readonly readers: readonly RedisReader[];
  readonly batch: number;
  readonly timeout: number;
}

/** What Redis can do as a broker. */
export class RedisCore implements CoreBroker {
  readonly name = 'redis';
  readonly capabilities = {
    write: true,
    ttl: true,
    lifetime: true,
    transactions: true,
    compareAndSwap: true,
    deletePrefix: true,
  } as const;
  readonly #access: Access;
  readonly #options: RedisCoreOptions;
  readonly #reading: Reading;
  readonly #lifetimes: Lifetimes;

  constructor(access: Access, options: RedisCoreOptions) {
    this.#access = access;
    this.#options = options;
    const { read } = access;
    this.#reading = new Reading(stringsOf(read, access.isCluster), read, options);
    this.#lifetimes = new Lifetimes(access, options.sessionTtl);
  }

  async get(key: string): Promise<KeyValue<Uint8Array> | undefined> {
    const [entry] = await refusing(this.#reading.read([key]));
    return entry === undefined ? undefined : whole(entry);
  }

  async *list(range: KeyRange): AsyncGenerator<readonly KeyValue<Uint8Array>[]> {
    const entries = await this.#scan(range, (names) => this.#reading.read(names));
    yield [...entries.values()].map(whole).sort(byKey);
  }

  async *listKeys(range: KeyRange): AsyncGenerator<readonly string[]> {
    yield [...(await this.#keys(range))].sort();
  }

  async put(key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    checkSize(key, value);
    const bytes = this.#bytes(key);
    const change = { op: 'put', key, value, ...options } as const;
    await this.#write([change], () => this.#access.write('SET', bytes, value, ...this.#expiry(options)));
    return rounded(options);
  }

  async delete(key: string): Promise<WriteResult & { readonly existed: boolean }> {
    const bytes = this.#bytes(key);
    const count = await this.#write([{ op: 'delete', key }], () => this.#access.write('UNLINK', bytes));
    return { existed: count === 1 };
  }

  async deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }> {
    // What has vanished against our will is not to come back either.
    const names = [...new Set([...(await this.#keys({ prefix })), ...this.#lifetimes.under(prefix)])];
    const { batch } = this.#options;
    let deleted = 0;
    for (let start = 0; start < names.length; start += batch) {
      const some = names.slice(start, start + batch);
      const groups = this.#access.isCluster ? some.map((name) => [name]) : [some];
      const counts = groups.map((group) => {
        const keys = group.map((name) => this.#bytes(name));
        const changes = group.map((key) => ({ op: 'delete', key }) as const);
        return this.#write(changes, () => this.#access.write('UNLINK', keys));
      });
      for (const count of await Promise.all(counts)) deleted += Number(count);
    }
    return { deleted };
  }

  async commit(writes: readonly RawWrite[]): Promise<CommitResult> {
    if (writes.length === 0) return {};
    for (const write of writes) if (write.op === 'put') checkSize(write.key, write.value);
    const names = writes.map(({ key }) => key);
    const keys = names.map((name) => this.#bytes(name));
    if (this.#access.isCluster) checkSameSlot('commit', names, keys);
    const fill = (batch: RedisBatch): void => {
      for (const [index, write] of writes.entries()) {
        const key = keys[index]!;
        if (write.op === 'delete') void send(batch, 'UNLINK', [key]);
        else void send(batch, 'SET', [key, write.value, ...this.#expiry(write)]);
      }
    };
    const isDone = (results: Awaited<ReturnType<RedisBatch['exec']>>, index: number): boolean =>
      !(results?.[index]?.[0] instanceof Error);
    const results = await this.#write(writes, () => this.#access.transaction(fill), isDone);
    const failed = (results ?? []).map(([error]) => error).find((error) => error instanceof Error);
    if (failed !== undefined) throw refused(failed);
    return {};
  }

  async compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    options: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }> {
    checkSize(key, value);
    const bytes = this.#bytes(key);
    const expiry = this.#expiry(options);
    const { write } = this.#access;
    const swapped = await this.#write(
      [{ op: 'put', key, value, ...options }],
      async () =>
        expected === undefined
          ? (await write('SET', bytes, value, 'NX', ...expiry)) !== null
          : (await swap.run(write, bytes, expected, value, expiry[1] ?? '')) === 1,
      (isSwapped) => isSwapped,
    );
    return swapped ? { swapped, ...rounded(options) } : { swapped };
  }

  async compareAndDelete(key: string, expected: Uint8Array): Promise<WriteResult & { readonly deleted: boolean }> {
    const bytes = this.#bytes(key);
    const send = async (): Promise<boolean> => (await remove.run(this.#access.write, bytes, expected)) === 1;
    return { deleted: await this.#write([{ op: 'delete', key }], send, (isDeleted) => isDeleted) };
  }

  async close(): Promise<void> {
    await this.#lifetimes.close();
    this.#access.close();
  }

  #bytes(key: string): Buffer {
    return keyBytes(key, this.#options.keyEncoding);
  }

  #expiry({ ttl, lifetime }: PutOptions): readonly RedisArgument[] {
    const milliseconds = lifetime === 'client' ? this.#lifetimes.ttl : ttl;
    return milliseconds === undefined ? [] : ['PX', String(Math.ceil(milliseconds))];
  }

  /** @param isDone whether the write of that index was done. Default: all were */
  #write<T>(
    writes: readonly RawWrite[],
    send: () => Promise<T>,
    isDone: (answer: T, index: number) => boolean = () => true,
  ): Promise<T> {
    const changes = writes.map((write) => {
      const lasts = write.op === 'put' && write.lifetime === 'client';
      return { name: write.key, lasting: lasts ? { key: this.#bytes(write.key), value: write.value } : undefined };
    });
    return refusing(this.#lifetimes.write(changes, send, isDone));
  }

  /** Of each key what `read` makes of it, once. */
  async #scan<E extends { readonly key: string }>(
    range: KeyRange,
    read: (names: readonly string[]) => Promise<readonly E[]>,
  ): Promise<ReadonlyMap<string, E>> {
    const prefix = 'prefix' in range ? range.prefix : commonPrefix([range.start, range.end]);
    const isWanted = (name: string): boolean =>
      'prefix' in range ? name.startsWith(prefix) : name >= range.start && name < range.end;
    const found = new Map<string, E>();
    if ('start' in range && range.start >= range.end) return found;
    for (const call of await this.#access.masters()) {
      const pages = listed(call, (names) => read(names.filter(isWanted)), [prefix], this.#options);
      const all = pages.pipe(reduce((entries, page) => entries.concat(page), [] as E[]));
      for (const each of await refusing(lastValueFrom(all, { defaultValue: [] }))) found.set(each.key, each);
    }
    return found;
  }

  async #keys(range: KeyRange): Promise<Iterable<string>> {
    return (await this.#scan(range, (names) => Promise.resolve(names.map((key) => ({ key }))))).keys();
  }
}

function whole(entry: RawEntry): KeyValue<Uint8Array> {
  if ('error' in entry) throw entry.error;
  return { key: entry.key, value: entry.value, revision: 0 };
}

/** What is longer than that, Redis takes for a broken protocol: it closes the connection, with all that others have asked for. */
const longest = 512 * 2 ** 20;

/** @throws DatasyncError `TOO_LARGE` */
function checkSize(key: string, value: Uint8Array): void {
  if (value.length <= longest) return;
  const message = `the value of ${JSON.stringify(key)} has ${value.length} bytes, and Redis takes 512 MB (${longest})`;
  throw new DatasyncError('TOO_LARGE', message, { backend: 'redis', key });
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

/** A fraction of a millisecond is more than Redis knows. */
function rounded({ ttl }: PutOptions): WriteResult {
  return ttl === undefined || Number.isInteger(ttl) ? {} : { ttl: Math.ceil(ttl) };
}

async function refusing<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw isReply(error) ? refused(error) : error;
  }
}

function refused(cause: unknown): DatasyncError {
  return new DatasyncError('REFUSED', messageOf(cause), { cause, backend: 'redis' });
}
