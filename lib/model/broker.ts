/// <reference lib="esnext.disposable" preserve="true" />
import type { Outcome } from './ack.ts';
import type { KeyValue } from './values.ts';

/** Options of a write. */
export interface PutOptions {
  /** Milliseconds until the key vanishes; rounded up where the store is coarser. Default: never. */
  readonly ttl?: number;
  /**
   * `client`: the key vanishes when the broker is closed, or when its program has ended or was not heard of for a while; the
   * broker keeps it alive meanwhile. Not together with `ttl`. Default: it stays.
   */
  readonly lifetime?: 'client';
}

/** Options of one commit. */
export interface CommitOptions {
  /** Milliseconds to wait for subscribers (only where the broker waits for them); then their outcome is `timedOut`. Default: no limit. */
  readonly timeout?: number;
}

/** What a write did. */
export interface WriteResult {
  /** The store's revision of the write; missing where the store has none. */
  readonly revision?: number;
  /** Milliseconds until the key vanishes, where a `ttl` was asked for and the store made it longer. */
  readonly ttl?: number;
}

/** One write of a transaction, over bytes. */
export type RawWrite =
  | ({ readonly op: 'put'; readonly key: string; readonly value: Uint8Array } & PutOptions)
  | { readonly op: 'delete'; readonly key: string };

/** What one subscriber said of a commit. */
export interface SubscriberOutcome {
  readonly subscriber: string;
  readonly outcome: Outcome;
}

/** What a commit returns. `outcomes` only where the store is in this process and knows its subscribers. */
export interface CommitResult extends WriteResult {
  readonly outcomes?: readonly SubscriberOutcome[];
}

/** Which keys: all that start with `prefix`, or from `start` (inclusive) to `end` (exclusive). */
export type KeyRange = { readonly prefix: string } | { readonly start: string; readonly end: string };

/** What a store can do as a broker. A method that is declared away is refused with `UNSUPPORTED` before anything is sent. */
export interface BrokerCapabilities {
  readonly write: boolean;
  readonly ttl: boolean;
  /** `lifetime: 'client'` */
  readonly lifetime: boolean;
  readonly transactions: boolean;
  readonly compareAndSwap: boolean;
  readonly deletePrefix: boolean;
  /** Why something is declared away. */
  readonly reasons?: Readonly<
    Partial<Record<'write' | 'ttl' | 'lifetime' | 'transactions' | 'compareAndSwap' | 'deletePrefix', string>>
  >;
}

/**
 * What a store implements to become a broker: whole keys and bytes, no prefix, no codec, no builder.
 * A method that its capabilities declare away is never called, and need not be there; one that they promise must be.
 */
export interface CoreBroker {
  /** For messages. */
  readonly name: string;
  readonly capabilities: BrokerCapabilities;
  /** The entry of a key; `undefined`: it is absent. */
  get(key: string): Promise<KeyValue<Uint8Array> | undefined>;
  /** Sorted by key; pages as the store gives them. */
  list(range: KeyRange): AsyncIterable<readonly KeyValue<Uint8Array>[]>;
  /** As `list`, without the values. */
  listKeys(range: KeyRange): AsyncIterable<readonly string[]>;
  /** Writes one key, and resolves on the store's commit. With `write`. */
  put?(key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult>;
  /** Deletes one key; a key that is absent is no error. With `write`. */
  delete?(key: string): Promise<WriteResult & { readonly existed: boolean }>;
  /** Deletes every key that starts with `prefix`, and says how many there were. With `deletePrefix`. */
  deletePrefix?(prefix: string): Promise<WriteResult & { readonly deleted: number }>;
  /** All of it or nothing; each key comes once. With `transactions`. */
  commit?(writes: readonly RawWrite[], options: CommitOptions): Promise<CommitResult>;
  /** Puts `value` if the key holds exactly `expected`; `undefined`: if it is absent. With `compareAndSwap`. */
  compareAndSwap?(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    options: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }>;
  /** Deletes the key if it holds exactly `expected`. With `compareAndSwap`. */
  compareAndDelete?(key: string, expected: Uint8Array): Promise<WriteResult & { readonly deleted: boolean }>;
  /** Releases what was made for the broker, and nothing that was passed in. */
  close(): Promise<void>;
}

/** What `get` found. */
export type GetResult<T> =
  | { readonly found: true; readonly key: string; readonly value: T; readonly revision: number }
  | { readonly found: false; readonly key: string };

/**
 * Reads and writes one store, typed by a codec and seen through a prefix: keys are given and returned without it.
 *
 * Every method resolves after the store's own commit, or rejects with a `DatasyncError`.
 */
export interface Broker<T> extends AsyncDisposable {
  readonly capabilities: BrokerCapabilities;
  /** `found: false` for a key that is not there. */
  get(key: string): Promise<GetResult<T>>;
  /** All entries of a range, sorted by key. Default: everything under the broker's prefix. */
  list(range?: KeyRange): Promise<readonly KeyValue<T>[]>;
  /** As `list`, the keys alone. */
  listKeys(range?: KeyRange): Promise<readonly string[]>;
  /** Writes one key, whether it was there or not. */
  put(key: string, value: T, options?: PutOptions): Promise<WriteResult>;
  /** `existed: false` for a key that was not there: no error, no event. */
  delete(key: string): Promise<WriteResult & { readonly existed: boolean }>;
  /** Deletes every key that starts with `prefix` (a raw string prefix), as one transaction. */
  deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }>;
  /** Writes the key if it is absent; `created` says whether it was. */
  putIfNotExists(key: string, value: T, options?: PutOptions): Promise<WriteResult & { readonly created: boolean }>;
  /** Compared by the bytes the codec writes; `undefined` means absent. */
  compareAndSwap(
    key: string,
    expected: T | undefined,
    value: T,
    options?: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }>;
  /** Deletes the key if it holds `expected`, compared by the bytes the codec writes. */
  compareAndDelete(key: string, expected: T): Promise<WriteResult & { readonly deleted: boolean }>;
  /** Begins a transaction; nothing is sent before its `commit`. */
  txn(): Txn<T>;
  /** The same store under a longer prefix. */
  under(prefix: string): Broker<T>;
  /** Releases what this broker made; a client that was passed in stays open. */
  close(): Promise<void>;
}

/** A transaction being written down. The same key twice: the last one wins. Used once. */
export interface Txn<T> {
  /** Adds a write. @returns the same transaction */
  put(key: string, value: T, options?: PutOptions): Txn<T>;
  /** Adds a delete. @returns the same transaction */
  delete(key: string): Txn<T>;
  /** Writes everything at once; resolves on the store's commit. */
  commit(options?: CommitOptions): Promise<CommitResult>;
}
