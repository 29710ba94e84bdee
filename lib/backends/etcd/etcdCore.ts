import { Subscription } from 'rxjs';
import type {
  CommitOptions,
  CommitResult,
  CoreBroker,
  PutOptions,
  RawWrite,
  KeyRange as TextRange,
  WriteResult,
} from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { KeyValue } from '../../model/values.ts';
import { RangeAnswer } from './answers.ts';
import { keyOf, rangeOf, readEntry, readKey } from './brokerKeys.ts';
import type { About, Calls } from './calls.ts';
import { type KeyEncoding, type KeyRange, nextKey } from './keys.ts';
import { grantLease, type Lease, revokeLease } from './leases.ts';
import {
  Answer,
  type Condition,
  deleteRequest,
  oneKey,
  operation,
  putRequest,
  rangeRequest,
  txnRequest,
} from './messages.ts';
import { Session } from './session.ts';

/** What the core must know of its server. */
export interface CoreOptions {
  readonly keyEncoding: KeyEncoding;
  readonly sessionTtl: number;
  readonly maxTxnOps: number;
  readonly maxRequestBytes: number;
}

/** Keys of a page. */
const pageSize = 5_000;

/** etcd as a store of bytes. */
export class EtcdCore implements CoreBroker {
  readonly name = 'etcd';
  readonly capabilities = {
    write: true,
    ttl: true,
    lifetime: true,
    transactions: true,
    compareAndSwap: true,
    deletePrefix: true,
  } as const;
  readonly calls: Calls;
  /** Ends when the broker is closed. */
  readonly background: Subscription = new Subscription();
  readonly #encoding: KeyEncoding;
  readonly #options: CoreOptions;
  readonly #session: Session;

  constructor(calls: Calls, options: CoreOptions) {
    this.calls = calls;
    this.#options = options;
    this.#encoding = options.keyEncoding;
    this.#session = new Session(calls, options.sessionTtl, {
      restore: (key, value, lease) => this.#restore(key, value, lease),
      read: async (key) => (await this.get(key))?.value,
    });
  }

  async get(key: string, revision?: number): Promise<KeyValue<Uint8Array> | undefined> {
    if (key === '') return undefined; // etcd has no such key
    const about = aboutKey('get', key);
    const request = rangeRequest(oneKey(keyOf(key, this.#encoding)), { revision });
    const answer = new RangeAnswer(await this.calls.read('KV', 'Range', request, about));
    return answer.next() ? readEntry(answer, this.#encoding) : undefined;
  }

  async *list(range: TextRange, revision?: number): AsyncGenerator<readonly KeyValue<Uint8Array>[]> {
    for await (const answer of this.#pages('list', range, { revision })) {
      const page: KeyValue<Uint8Array>[] = [];
      while (answer.next()) page.push(readEntry(answer, this.#encoding));
      yield page;
    }
  }

  async *listKeys(range: TextRange, revision?: number): AsyncGenerator<readonly string[]> {
    for await (const answer of this.#pages('listKeys', range, { revision, keysOnly: true })) {
      const page: string[] = [];
      while (answer.next()) page.push(readKey(answer, this.#encoding));
      yield page;
    }
  }

  async put(key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    const about = aboutKey('put', key);
    return this.#leased(key, options, async (lease) => {
      const request = putRequest(keyOf(key, this.#encoding), value, lease);
      this.#checkSize(request, about);
      const sent = () => this.calls.write('KV', 'Put', request, about);
      const { revision } = new Answer(await this.#session.writing([{ op: 'put', key, value, ...options }], sent));
      return { revision };
    });
  }

  async delete(key: string): Promise<WriteResult & { readonly existed: boolean }> {
    if (key === '') return { existed: false };
    const range = oneKey(keyOf(key, this.#encoding));
    const sent = () => this.#delete(range, aboutKey('delete', key));
    const { deleted, ...result } = await this.#session.writing([{ op: 'delete', key }], sent);
    return { ...result, existed: deleted > 0 };
  }

  async deletePrefix(prefix: string): Promise<WriteResult & { readonly deleted: number }> {
    const range = rangeOf({ prefix }, this.#encoding)!;
    const kept = this.#session.keys((key) => key.startsWith(prefix));
    const writes = kept.map((key) => ({ op: 'delete' as const, key }));
    return this.#session.writing(writes, () => this.#delete(range, aboutKey('deletePrefix', prefix)));
  }

  async commit(writes: readonly RawWrite[], options: CommitOptions, isAgain = false): Promise<CommitResult> {
    if (writes.length === 0) return {};
    const { timeout } = options;
    const { maxTxnOps } = this.#options;
    const largest = writes.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    const about = {
      what: `a transaction of ${writes.length} writes`,
      key: largest.key,
      ...(timeout !== undefined && { timeout }),
    };
    if (writes.length > maxTxnOps) throw tooLarge(about, `etcd takes ${maxTxnOps} (max-txn-ops)`);
    const leases = new Map<string, Lease>();
    try {
      for (const write of writes) {
        if (write.op === 'delete') continue;
        const kind = leaseKind(write);
        if (kind !== undefined && !leases.has(kind)) leases.set(kind, await this.#lease(write, write.key));
      }
      const operations = writes.map((write) => {
        const key = keyOf(write.key, this.#encoding);
        if (write.op === 'delete') return operation.delete(deleteRequest(oneKey(key)));
        return operation.put(putRequest(key, write.value, leases.get(leaseKind(write) ?? '')?.id));
      });
      const { revision } = await this.#session.writing(writes, () => this.#txn([], operations, about));
      const ttl = Math.max(0, ...[...leases].flatMap(([kind, lease]) => (kind === 'client' ? [] : [lease.ttl])));
      return { revision, ...(ttl > 0 && { ttl }) };
    } catch (error) {
      for (const [kind, lease] of leases) if (kind !== 'client') revokeLease(this.calls, lease);
      const session = leases.get('client');
      if (session === undefined || isAgain || !isUnknownLease(error)) throw error;
      await this.#session.lost(session);
      return this.commit(writes, options, true);
    }
  }

  async compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    options: PutOptions,
  ): Promise<WriteResult & { readonly swapped: boolean }> {
    const about = aboutKey('compareAndSwap', key);
    const bytes = keyOf(key, this.#encoding);
    const condition: Condition =
      expected === undefined ? { key: bytes, absent: true } : { key: bytes, holds: expected };
    return this.#leased(key, options, async (lease, granted) => {
      const put = operation.put(putRequest(bytes, value, lease));
      const write = { op: 'put' as const, key, value, ...options };
      const { succeeded, revision } = await this.#session.writing([write], () => this.#txn([condition], [put], about));
      if (!succeeded && granted !== undefined) revokeLease(this.calls, granted);
      return succeeded ? { swapped: true, revision } : { swapped: false };
    });
  }

  async compareAndDelete(key: string, expected: Uint8Array): Promise<WriteResult & { readonly deleted: boolean }> {
    if (key === '') return { deleted: false };
    const bytes = keyOf(key, this.#encoding);
    const remove = operation.delete(deleteRequest(oneKey(bytes)));
    const about = aboutKey('compareAndDelete', key);
    const sent = () => this.#txn([{ key: bytes, holds: expected }], [remove], about);
    const { succeeded, revision } = await this.#session.writing([{ op: 'delete', key }], sent);
    return succeeded ? { deleted: true, revision } : { deleted: false };
  }

  /** The version of a key that is put again each time: nobody gets the same number twice. */
  async sequence(key: string): Promise<number> {
    const bytes = keyOf(key, this.#encoding);
    const operations = [
      operation.put(putRequest(bytes, new Uint8Array())),
      operation.range(rangeRequest(oneKey(bytes))),
    ];
    const { responses } = await this.#txn([], operations, aboutKey('sequence', key));
    const answer = new RangeAnswer(new Answer(responses[1]!).bytes(1));
    answer.next();
    return answer.cursor.version;
  }

  async close(): Promise<void> {
    this.background.unsubscribe();
    await this.#session.close();
    await this.calls.close();
  }

  /** Puts with the lease that was asked for; a session that the server has forgotten is begun anew. */
  async #leased<R extends WriteResult>(
    key: string,
    options: PutOptions,
    write: (lease: bigint | undefined, granted: Lease | undefined) => Promise<R>,
  ): Promise<R> {
    if (leaseKind(options) === undefined) return write(undefined, undefined);
    keyOf(key, this.#encoding);
    for (let attempt = 1; ; attempt += 1) {
      const lease = await this.#lease(options, key);
      try {
        if (options.lifetime !== undefined) return await write(lease.id, undefined);
        return { ...(await write(lease.id, lease)), ...(lease.ttl > options.ttl! && { ttl: lease.ttl }) };
      } catch (error) {
        if (options.lifetime === undefined) revokeLease(this.calls, lease);
        // The server has refused it for the lease: nothing has been written.
        if (options.lifetime === undefined || attempt > 1 || !isUnknownLease(error)) throw error;
        await this.#session.lost(lease);
      }
    }
  }

  #lease(options: PutOptions, key: string): Promise<Lease> {
    return options.lifetime === undefined ? grantLease(this.calls, options.ttl!, key) : this.#session.lease();
  }

  async #restore(key: string, value: Uint8Array, lease: bigint): Promise<void> {
    const bytes = keyOf(key, this.#encoding);
    const put = operation.put(putRequest(bytes, value, lease));
    await this.#txn([{ key: bytes, absent: true }], [put], aboutKey('put again', key));
  }

  async #delete(range: KeyRange, about: About): Promise<WriteResult & { readonly deleted: number }> {
    const answer = new Answer(await this.calls.write('KV', 'DeleteRange', deleteRequest(range), about));
    const deleted = answer.number(2);
    return deleted > 0 ? { deleted, revision: answer.revision } : { deleted };
  }

  async #txn(
    conditions: readonly Condition[],
    operations: readonly Uint8Array[],
    about: About,
  ): Promise<{ readonly succeeded: boolean; readonly revision: number; readonly responses: readonly Buffer[] }> {
    const request = txnRequest(conditions, operations);
    this.#checkSize(request, about);
    const answer = new Answer(await this.calls.write('KV', 'Txn', request, about));
    return { succeeded: answer.number(2) === 1, revision: answer.revision, responses: answer.all(3) };
  }

  /** Page after page at the revision of the first. */
  async *#pages(
    what: string,
    range: TextRange,
    { revision, keysOnly = false }: { readonly revision?: number | undefined; readonly keysOnly?: boolean },
  ): AsyncGenerator<RangeAnswer> {
    const whole = rangeOf(range, this.#encoding);
    if (whole === undefined) return;
    const about = { what: `${what} of ${JSON.stringify(range)}` };
    let { start } = whole;
    let at = revision;
    for (;;) {
      const request = rangeRequest({ start, end: whole.end }, { limit: pageSize, revision: at, keysOnly });
      const answer = new RangeAnswer(await this.calls.read('KV', 'Range', request, about));
      if (answer.size > 0) start = nextKey(answer.lastKey());
      at ??= answer.header.revision;
      yield answer;
      if (!answer.more) return;
    }
  }

  #checkSize(request: Uint8Array, about: About): void {
    const { maxRequestBytes } = this.#options;
    if (request.length > maxRequestBytes)
      throw tooLarge(about, `${request.length} bytes, and etcd takes ${maxRequestBytes} (max-request-bytes)`);
  }
}

function aboutKey(what: string, key: string): About {
  return { what: `${what} of ${JSON.stringify(key)}`, key };
}

/** Writes of a transaction with the same end share a lease. */
function leaseKind({ ttl, lifetime }: PutOptions): string | undefined {
  return lifetime ?? (ttl === undefined ? undefined : String(Math.ceil(ttl / 1_000)));
}

function sizeOf(write: RawWrite): number {
  return write.op === 'put' ? write.value.length : 0;
}

function isUnknownLease(error: unknown): boolean {
  return error instanceof DatasyncError && error.message.includes('requested lease not found');
}

function tooLarge({ what, key }: About, limit: string): DatasyncError {
  return new DatasyncError('TOO_LARGE', `${what}: ${limit}`, { backend: 'etcd', ...(key !== undefined && { key }) });
}
