import type {
  Broker,
  BrokerCapabilities,
  CommitOptions,
  CommitResult,
  CoreBroker,
  GetResult,
  KeyRange,
  PutOptions,
  RawWrite,
  Txn,
  WriteResult,
} from '../model/broker.ts';
import type { Codec } from '../model/codec.ts';
import { decode, encode } from '../model/coding.ts';
import { DatasyncError } from '../model/errors.ts';
import { checkArgument, checkOptions } from '../model/options.ts';
import type { KeyValue } from '../model/values.ts';
import {
  brokerRules,
  type CompleteCore,
  checkCore,
  checkKey,
  checkPut,
  checkRange,
  checkSupport,
  commitRules,
  coreRule,
} from './checks.ts';

/** How a broker sees its store. */
export interface BrokerConfig<T> {
  /** Put before every key, and taken off every key that is returned: a raw string prefix. Default: `''`. */
  readonly prefix?: string;
  readonly codec: Codec<T>;
}

/**
 * A broker over what a store can do with bytes. All brokers are made by it, so they agree in everything a store does not
 * decide: keys are seen without the prefix, values through the codec, a missing key is `found: false` or `existed: false`
 * and never an error, and what a store cannot do is refused with `UNSUPPORTED` and its reason before anything is sent.
 *
 * Errors: `INVALID_KEY`, `INVALID_CONFIG` (options), `ENCODE_FAILED`, `DECODE_FAILED` (with backend and whole key),
 * `UNSUPPORTED`; what the store rejects with is passed on.
 *
 * @param core the store
 * @param config see {@link BrokerConfig}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong, or the store lacks a method that its
 * capabilities promise
 */
export function brokerFrom<T>(core: CoreBroker, config: BrokerConfig<T>): Broker<T> {
  checkArgument('brokerFrom', 'core', core, coreRule);
  checkOptions('brokerFrom', config, brokerRules, ['codec']);
  checkCore(core);
  return new PrefixedBroker(core, config.prefix ?? '', config.codec, () => core.close());
}

class PrefixedBroker<T> implements Broker<T> {
  readonly #core: CompleteCore;
  readonly #prefix: string;
  readonly #codec: Codec<T>;
  #close: () => Promise<void>;

  constructor(core: CompleteCore, prefix: string, codec: Codec<T>, close: () => Promise<void>) {
    this.#core = core;
    this.#prefix = prefix;
    this.#codec = codec;
    this.#close = close;
  }

  get capabilities(): BrokerCapabilities {
    return this.#core.capabilities;
  }

  async get(key: string): Promise<GetResult<T>> {
    const item = await this.#core.get(this.#whole(key));
    if (item === undefined) return { found: false, key };
    return { found: true, key, value: this.#decode(item), revision: item.revision };
  }

  async list(range?: KeyRange): Promise<readonly KeyValue<T>[]> {
    const items: KeyValue<T>[] = [];
    for await (const page of this.#core.list(this.#wholeRange('list', range))) {
      for (const item of page)
        items.push({ key: this.#own(item.key), value: this.#decode(item), revision: item.revision });
    }
    return items;
  }

  async listKeys(range?: KeyRange): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const page of this.#core.listKeys(this.#wholeRange('listKeys', range))) {
      for (const key of page) keys.push(this.#own(key));
    }
    return keys;
  }

  async put(key: string, value: T, options: PutOptions = {}): Promise<WriteResult> {
    const whole = this.#whole(key);
    this.#checkPut('put', options);
    return this.#core.put(whole, this.#encode(value, whole), options);
  }

  async delete(key: string): Promise<WriteResult & { readonly existed: boolean }> {
    const whole = this.#whole(key);
    checkSupport('delete', this.#core, 'write');
    return this.#core.delete(whole);
  }

  async deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }> {
    const whole = this.#whole(prefix);
    checkSupport('deletePrefix', this.#core, 'write', 'deletePrefix');
    return this.#core.deletePrefix(whole);
  }

  async putIfNotExists(
    key: string,
    value: T,
    options: PutOptions = {},
  ): Promise<WriteResult & { readonly created: boolean }> {
    const { swapped, ...result } = await this.#swap('putIfNotExists', key, undefined, value, options);
    return { ...result, created: swapped };
  }

  async compareAndSwap(
    key: string,
    expected: T | undefined,
    value: T,
    options: PutOptions = {},
  ): Promise<WriteResult & { readonly swapped: boolean }> {
    return this.#swap('compareAndSwap', key, expected, value, options);
  }

  async compareAndDelete(key: string, expected: T): Promise<WriteResult & { readonly deleted: boolean }> {
    const whole = this.#whole(key);
    checkSupport('compareAndDelete', this.#core, 'write', 'compareAndSwap');
    return this.#core.compareAndDelete(whole, this.#encode(expected, whole));
  }

  txn(): Txn<T> {
    checkSupport('txn', this.#core, 'write', 'transactions');
    return new Writes(
      (key, value, options) => {
        const whole = this.#whole(key);
        this.#checkPut('txn().put', options);
        return { op: 'put', key: whole, value: this.#encode(value, whole), ...options };
      },
      (key) => ({ op: 'delete', key: this.#whole(key) }),
      this.#core,
    );
  }

  under(prefix: string): Broker<T> {
    // One view that is closed must not close the others.
    return new PrefixedBroker(this.#core, this.#whole(prefix), this.#codec, () => Promise.resolve());
  }

  async close(): Promise<void> {
    const close = this.#close;
    this.#close = () => Promise.resolve();
    await close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #swap(
    what: string,
    key: string,
    expected: T | undefined,
    value: T,
    options: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }> {
    const whole = this.#whole(key);
    checkSupport(what, this.#core, 'compareAndSwap');
    this.#checkPut(what, options);
    const old = expected === undefined ? undefined : this.#encode(expected, whole);
    return this.#core.compareAndSwap(whole, old, this.#encode(value, whole), options);
  }

  #checkPut(what: string, options: PutOptions): void {
    checkPut(what, options);
    checkSupport(what, this.#core, 'write');
    if (options.ttl !== undefined) checkSupport(`${what} with ttl`, this.#core, 'ttl');
    if (options.lifetime !== undefined) checkSupport(`${what} with lifetime`, this.#core, 'lifetime');
  }

  #whole(key: string): string {
    checkKey(key, this.#core.name);
    return this.#prefix + key;
  }

  #wholeRange(what: string, range: KeyRange = { prefix: '' }): KeyRange {
    checkRange(what, range);
    const prefix = this.#prefix;
    return 'prefix' in range
      ? { prefix: prefix + range.prefix }
      : { start: prefix + range.start, end: prefix + range.end };
  }

  #own(whole: string): string {
    return whole.slice(this.#prefix.length);
  }

  #decode({ key, value }: KeyValue<Uint8Array>): T {
    return decode(this.#codec, value, key, this.#core.name);
  }

  #encode(value: T, whole: string): Uint8Array {
    return encode(this.#codec, value, whole, this.#core.name);
  }
}

/** A transaction being written down. Bad keys and values throw at once: nothing of it is sent then. */
class Writes<T> implements Txn<T> {
  readonly #toPut: (key: string, value: T, options: PutOptions) => RawWrite;
  readonly #toDelete: (key: string) => RawWrite;
  readonly #core: CompleteCore;
  readonly #writes = new Map<string, RawWrite>();
  #committed = false;

  constructor(
    toPut: (key: string, value: T, options: PutOptions) => RawWrite,
    toDelete: (key: string) => RawWrite,
    core: CompleteCore,
  ) {
    this.#toPut = toPut;
    this.#toDelete = toDelete;
    this.#core = core;
  }

  put(key: string, value: T, options: PutOptions = {}): this {
    return this.#add(this.#toPut(key, value, options));
  }

  delete(key: string): this {
    return this.#add(this.#toDelete(key));
  }

  async commit(options: CommitOptions = {}): Promise<CommitResult> {
    checkOptions('commit', options, commitRules);
    this.#checkUnused();
    this.#committed = true;
    return this.#core.commit([...this.#writes.values()], options);
  }

  #add(write: RawWrite): this {
    this.#checkUnused();
    this.#writes.set(write.key, write);
    return this;
  }

  #checkUnused(): void {
    if (!this.#committed) return;
    throw new DatasyncError('INVALID_CONFIG', 'a transaction is used once: begin another with txn()', {
      backend: this.#core.name,
    });
  }
}
