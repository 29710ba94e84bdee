import { sameBytes } from '../../internal/bytes.ts';
import type {
  BrokerCapabilities,
  CommitResult,
  CoreBroker,
  KeyRange,
  PutOptions,
  RawWrite,
  WriteResult,
} from '../../model/broker.ts';
import type { KeyValue } from '../../model/values.ts';
import { type About, type ConsulCalls, type Operation, unexpected } from './calls.ts';
import { refusal } from './failures.ts';
import { stateOf } from './holders.ts';
import { checkKey } from './keys.ts';
import { about, bodyOf, checkValue, mustGoAlone } from './operations.ts';
import { pause } from './pause.ts';
import { find, list, listKeys } from './reads.ts';
import { ConsulWrites } from './writes.ts';

/** Limits of {@link ConsulCore}. */
export interface CoreOptions {
  /** Bytes of a value, and of a transaction. */
  readonly maxRequest: number;
  /** Milliseconds after which Consul gives up on this program. */
  readonly sessionTtl: number;
}

/** Consul's key-value store as a broker. */
export class ConsulCore implements CoreBroker {
  readonly name = 'consul';
  readonly capabilities: BrokerCapabilities = {
    ...{ write: true, ttl: true, lifetime: true, transactions: true, compareAndSwap: true, deletePrefix: true },
  };
  readonly #calls: ConsulCalls;
  readonly #maxRequest: number;
  readonly #writes: ConsulWrites;

  constructor(calls: ConsulCalls, { maxRequest, sessionTtl }: CoreOptions) {
    this.#calls = calls;
    this.#maxRequest = maxRequest;
    this.#writes = new ConsulWrites(calls, maxRequest, sessionTtl);
  }

  async get(key: string): Promise<KeyValue<Uint8Array> | undefined> {
    checkKey(key);
    const found = await find(this.#calls, key, about('reading', key));
    return found && { key, value: found.value, revision: found.index };
  }

  async *list(range: KeyRange): AsyncGenerator<readonly KeyValue<Uint8Array>[]> {
    yield await list(this.#calls, range);
  }

  async *listKeys(range: KeyRange): AsyncGenerator<readonly string[]> {
    yield await listKeys(this.#calls, range);
  }

  async put(key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    const write = this.#checkedPut(key, value, options);
    const what = about('putting', key);
    if (!mustGoAlone(write, this.#maxRequest)) return (await this.#writes.commit([write], what))!;
    await this.#writes.putAlone(key, value, what);
    return {};
  }

  async delete(key: string): Promise<WriteResult & { readonly existed: boolean }> {
    checkKey(key);
    const operations: readonly Operation[] = [
      { Verb: 'get', Key: key },
      { Verb: 'delete', Key: key },
    ];
    const remove = () => this.#calls.txn(bodyOf(operations), about('deleting', key));
    // What fails is the look whether it was there.
    const { done } = await this.#writes.unbinding([key], remove, () => true);
    return { existed: done };
  }

  async deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }> {
    const what = about('deleting the keys under', prefix);
    const remove = async () => {
      // Consul takes no empty prefix in a transaction.
      const deleted = prefix === '' ? await this.#deleteAll(what) : await this.#deleteTree(prefix, what);
      this.#writes.session.forgetUnder(prefix);
      return deleted;
    };
    return { deleted: await this.#writes.unbinding(this.#writes.under(prefix), remove, () => true) };
  }

  async commit(writes: readonly RawWrite[]): Promise<CommitResult> {
    for (const { key } of writes) checkKey(key);
    if (writes.length === 0) return {};
    return (await this.#writes.commit(writes, { what: `a transaction of ${writes.length} writes` }))!;
  }

  async compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    options: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }> {
    const write = this.#checkedPut(key, value, options);
    const what = about('comparing and putting', key);
    // Each round that fails is one in which somebody else wrote the key.
    for (let round = 0; ; round++) {
      await pause(round);
      const found = await find(this.#calls, key, what);
      if (!sameBytes(found?.value, expected)) return { swapped: false };
      const only = await stateOf(this.#calls, key, found, what);
      const result = mustGoAlone(write, this.#maxRequest)
        ? (await this.#writes.putAlone(key, value, what, only)) && {}
        : await this.#writes.commit([write], what, only);
      if (result) return { ...result, swapped: true };
    }
  }

  async compareAndDelete(key: string, expected: Uint8Array): Promise<WriteResult & { readonly deleted: boolean }> {
    checkKey(key);
    const what = about('comparing and deleting', key);
    for (let round = 0; ; round++) {
      await pause(round);
      const found = await find(this.#calls, key, what);
      if (found === undefined || !sameBytes(found.value, expected)) return { deleted: false };
      const operation: Operation = { Verb: 'delete-cas', Key: key, Index: found.index };
      const remove = () => this.#calls.txn(bodyOf([operation]), what);
      if ((await this.#writes.unbinding([key], remove, (result) => result.done)).done) return { deleted: true };
    }
  }

  close(): Promise<void> {
    return this.#writes.session.close();
  }

  #checkedPut(key: string, value: Uint8Array, options: PutOptions): RawWrite & { readonly op: 'put' } {
    checkKey(key);
    checkValue(key, value, this.#maxRequest);
    return { op: 'put', key, value, ...options };
  }

  async #deleteTree(prefix: string, what: About): Promise<number> {
    const operations: readonly Operation[] = [
      { Verb: 'get-tree', Key: prefix },
      { Verb: 'delete-tree', Key: prefix },
    ];
    const result = await this.#calls.txn(bodyOf(operations), what);
    if (!result.done) throw unexpected(what, result.reasons);
    return result.entries.length;
  }

  async #deleteAll(what: About): Promise<number> {
    const keys = await listKeys(this.#calls, { prefix: '' });
    const answer = await this.#calls.write({ method: 'DELETE', path: '/kv/', query: { recurse: 'true' } }, what);
    if (answer.status !== 200) throw refusal(what.what, answer);
    return keys.length;
  }
}
