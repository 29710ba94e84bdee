import { brokerFrom } from '../../broker/brokerFrom.ts';
import { brokerRules } from '../../broker/checks.ts';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import { sameBytes } from '../../internal/bytes.ts';
import type {
  Broker,
  CommitOptions,
  CommitResult,
  CoreBroker,
  KeyRange,
  PutOptions,
  RawWrite,
  SubscriberOutcome,
  Txn,
  WriteResult,
} from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { checkOptions } from '../../model/options.ts';
import type { KeyValue } from '../../model/values.ts';
import { checkStore, type MemoryStore } from './memoryStore.ts';

/** Configuration of {@link memoryBroker}. */
export interface MemoryBrokerConfig<T> {
  /** Put before every key: a raw string prefix. Default: `''`. */
  readonly prefix?: string;
  /** Default: `bytesCodec`. */
  readonly codec?: Codec<T>;
}

/** What a commit to a memory store did, and what its subscribers said. */
export interface MemoryCommitResult extends CommitResult {
  /** That of the commit; that of the store where nothing changed. */
  readonly revision: number;
  /** One per live `fromMemory` subscription that watches a touched key. */
  readonly outcomes: readonly SubscriberOutcome[];
}

/** A transaction on a memory store. */
export interface MemoryTxn<T> extends Txn<T> {
  /** Adds a write. @returns the same transaction */
  put(key: string, value: T, options?: PutOptions): MemoryTxn<T>;
  /** Adds a delete. @returns the same transaction */
  delete(key: string): MemoryTxn<T>;
  /**
   * Writes everything at once, then waits until every live `fromMemory` subscription that watches a touched key has
   * settled the event, and resolves with all their outcomes: `applied`, `failed` with its error, or merely `delivered`;
   * `cancelled` where one unsubscribed; `superseded` where nothing of it was left to tell; where one is slow and
   * was told several changes as one, that of the event that told them; `timedOut` where one said
   * nothing within `timeout` milliseconds: the write is done then, what became of it there is not known.
   *
   * Never await it inside a handler: the handler's own event cannot settle meanwhile.
   */
  commit(options?: CommitOptions): Promise<MemoryCommitResult>;
}

/** Reads and writes a memory store. `put` and `delete` do not wait for subscribers; `txn().commit()` does. */
export interface MemoryBroker<T> extends Broker<T> {
  /** Begins a transaction, whose `commit` also tells what the subscribers said. */
  txn(): MemoryTxn<T>;
  under(prefix: string): MemoryBroker<T>;
}

/**
 * A broker for a memory store: the local transport between parts of one program.
 *
 * @example
 * const { outcomes } = await memoryBroker(store, { codec }).txn().put('a', 1).put('b', 2).commit({ timeout: 5_000 });
 *
 * @param store where to write; it stays open, whoever closes the broker
 * @param config see {@link MemoryBrokerConfig}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function memoryBroker(store: MemoryStore, config?: MemoryBrokerConfig<Uint8Array>): MemoryBroker<Uint8Array>;
export function memoryBroker<T>(
  store: MemoryStore,
  config: MemoryBrokerConfig<T> & { readonly codec: Codec<T> },
): MemoryBroker<T>;
export function memoryBroker<T>(store: MemoryStore, config: MemoryBrokerConfig<T> = {}): MemoryBroker<T> {
  checkStore('memoryBroker', store);
  checkOptions('memoryBroker', config, brokerRules);
  const codec = config.codec ?? (bytesCodec as unknown as Codec<T>);
  // What the core below returns is what the narrower types promise.
  return brokerFrom(new MemoryCore(store), { prefix: config.prefix ?? '', codec }) as MemoryBroker<T>;
}

/** Each method does its work before it returns its promise: a read or a write is where it stands in the program. */
class MemoryCore implements CoreBroker {
  readonly name = 'memory';
  readonly capabilities = {
    write: true,
    ttl: true,
    lifetime: false,
    transactions: true,
    compareAndSwap: true,
    deletePrefix: true,
    reasons: { lifetime: 'the store ends with the program of its clients' },
  } as const;
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  get(key: string): Promise<KeyValue<Uint8Array> | undefined> {
    return Promise.resolve(this.#store.get(key));
  }

  list(range: KeyRange): AsyncIterable<readonly KeyValue<Uint8Array>[]> {
    return onePage(this.#entries(range));
  }

  listKeys(range: KeyRange): AsyncIterable<readonly string[]> {
    return onePage(this.#entries(range).map(({ key }) => key));
  }

  put(key: string, value: Uint8Array, options: PutOptions): Promise<{ readonly revision: number }> {
    return Promise.resolve({ revision: this.#store.put(key, value, options) });
  }

  delete(key: string): Promise<WriteResult & { readonly existed: boolean }> {
    const before = this.#store.revision;
    const revision = this.#store.apply([{ op: 'delete', key }]);
    return Promise.resolve(revision > before ? { existed: true, revision } : { existed: false });
  }

  deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }> {
    const writes = this.#store.entries(prefix).map(({ key }) => ({ op: 'delete', key }) as const);
    const deleted = writes.length;
    return Promise.resolve(deleted > 0 ? { deleted, revision: this.#store.apply(writes) } : { deleted });
  }

  async commit(writes: readonly RawWrite[], { timeout }: CommitOptions): Promise<MemoryCommitResult> {
    const { revision, report } = this.#store.commit(writes);
    return { revision, outcomes: await report.wait(timeout) };
  }

  compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    options: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }> {
    const swapped = sameBytes(this.#store.get(key)?.value, expected);
    return Promise.resolve(swapped ? { swapped, revision: this.#store.put(key, value, options) } : { swapped });
  }

  compareAndDelete(key: string, expected: Uint8Array): Promise<WriteResult & { readonly deleted: boolean }> {
    const deleted = sameBytes(this.#store.get(key)?.value, expected);
    return Promise.resolve(deleted ? { deleted, revision: this.#store.apply([{ op: 'delete', key }]) } : { deleted });
  }

  close(): Promise<void> {
    // Nothing was made for the broker.
    return Promise.resolve();
  }

  #entries(range: KeyRange): readonly KeyValue<Uint8Array>[] {
    if ('prefix' in range) return this.#store.entries(range.prefix);
    return this.#store.entries().filter(({ key }) => key >= range.start && key < range.end);
  }
}

async function* onePage<T>(page: T): AsyncGenerator<T> {
  yield await Promise.resolve(page);
}
