import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { isText } from '../internal/namedBytes.ts';
import { isAboutKey, isWrongType } from './failures.ts';
import { type KeyEncoding, keyArgument, keyBytes } from './keys.ts';
import { Pace } from './pace.ts';
import { readBy } from './readBy.ts';
import type { RedisCall, RedisReader } from './readers.ts';

/** The values of some keys that are strings; `null` for all others, `undefined` where it is known that there is none. */
export type ReadStrings = (keys: readonly (string | Buffer)[]) => Promise<readonly (Buffer | null | undefined)[]>;

/** Of {@link ResolvedRedisOptions}. */
export interface ReadingOptions {
  readonly keyEncoding: KeyEncoding;
  readonly readers: readonly RedisReader[];
  readonly batch: number;
  readonly timeout: number;
}

/** How often a key is looked at whose type changes all the time: it will be announced again anyway. */
const looks = 3;

/** Reads the present value of keys, whatever they hold. */
export class Reading {
  readonly #strings: ReadStrings;
  readonly #call: RedisCall;
  readonly #encoding: KeyEncoding;
  readonly #readers: ReadonlyMap<string, RedisReader>;
  readonly #timeout: number;
  readonly #pace: Pace;

  constructor(strings: ReadStrings, call: RedisCall, { keyEncoding, readers, batch, timeout }: ReadingOptions) {
    this.#strings = strings;
    this.#call = call;
    this.#encoding = keyEncoding;
    this.#readers = new Map(readers.map((reader) => [reader.type, reader]));
    this.#timeout = timeout;
    this.#pace = new Pace(batch);
  }

  /** Those of the keys that exist. */
  async read(names: readonly string[]): Promise<readonly RawEntry[]> {
    const all: RawEntry[] = [];
    for (let start = 0; start < names.length; ) {
      const { count } = this.#pace;
      // A page of SCAN is often a little longer than was asked for: the rest is not worth a question of its own.
      const isRest = names.length - start <= count + count / 8;
      const some = isRest ? names.slice(start) : names.slice(start, start + count);
      const entries = await this.#readSome(some);
      this.#pace.took(some.length, sizeOf(entries));
      if (some.length === names.length) return entries;
      for (const each of entries) all.push(each);
      start += some.length;
    }
    return all;
  }

  async #readSome(names: readonly string[]): Promise<readonly RawEntry[]> {
    const keys = names.map((name) => keyArgument(name, this.#encoding));
    const values = await this.#strings(keys);
    const entries: RawEntry[] = [];
    const open: number[] = [];
    for (const [index, value] of values.entries()) {
      if (value === null) open.push(index);
      else if (value !== undefined) entries.push(entry(names[index]!, value));
    }
    if (open.length === 0 || !(await this.#exist(open.map((index) => keys[index]!)))) return entries;
    const found = await Promise.all(open.map((index) => this.#readOther(names[index]!)));
    for (const each of found) if (each !== undefined) entries.push(each);
    return entries;
  }

  /** Mostly they have been deleted, and one question shows it for all of them. */
  async #exist(keys: readonly (string | Buffer)[]): Promise<boolean> {
    if (keys.length === 1) return true;
    try {
      return (await this.#call('EXISTS', keys)) !== 0;
    } catch (error) {
      // In a cluster they lie in many places.
      if (isAboutKey(error)) return true;
      throw error;
    }
  }

  async #readOther(name: string): Promise<RawEntry | undefined> {
    const key = keyBytes(name, this.#encoding);
    let type = '';
    let broken: { readonly error: unknown } | undefined;
    // A reader may make of its errors what it likes; those of the connection are none of the value.
    const call: RedisCall = (command, ...args) =>
      this.#call(command, ...args).catch((error: unknown) => {
        if (!isAboutKey(error)) broken = { error };
        throw error;
      });
    for (let look = 0; look < looks; look++) {
      type = String(await call('TYPE', key));
      if (type === 'none') return undefined;
      const reader = type === 'string' ? stringReader : this.#readers.get(type);
      if (reader === undefined) return { key: name, error: unreadable(name, type) };
      try {
        const value = await readBy(reader, call, key, this.#timeout);
        return value === undefined ? undefined : entry(name, value);
      } catch (error) {
        if (broken !== undefined) throw (broken as { readonly error: Error }).error;
        if (isWrongType(error)) continue;
        return { key: name, error: refused(name, type, error) };
      }
    }
    return { key: name, error: unreadable(name, type) };
  }
}

const stringReader: RedisReader = {
  type: 'string',
  read: async (call, key) => ((await call('GET', key)) as Buffer | null) ?? undefined,
};

function sizeOf(entries: readonly RawEntry[]): number {
  let size = 0;
  for (const each of entries) size += ('error' in each ? each.raw : each.value)?.length ?? 0;
  return size;
}

function entry(key: string, value: Uint8Array): RawEntry {
  // Not a Buffer: its JSON and its equality are others.
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (isText(key)) return { key, value: bytes };
  const message = `the key ${JSON.stringify(key)} is not UTF-8; set keyEncoding: 'latin1' to read keys byte by byte`;
  return { key, raw: bytes, error: new DatasyncError('DECODE_FAILED', message, { backend: 'redis', key }) };
}

function unreadable(key: string, type: string): DatasyncError {
  const shipped = ({ hash: 'hashReader()', 'ReJSON-RL': 'jsonReader()' } as Record<string, string>)[type];
  const message = `${JSON.stringify(key)} holds a value of type ${type}, which is no bytes: give a reader for it (readers: [${shipped ?? `{ type: '${type}', read }`}])`;
  return new DatasyncError('UNSUPPORTED', message, { backend: 'redis', key });
}

function refused(key: string, type: string, cause: unknown): DatasyncError {
  const message = `the reader for ${type} could not read ${JSON.stringify(key)}: ${messageOf(cause)}`;
  return new DatasyncError('DECODE_FAILED', message, { cause, backend: 'redis', key });
}
