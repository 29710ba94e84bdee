import { defer, retry, type Subscription, timer } from 'rxjs';
import { sameBytes } from '../../internal/bytes.ts';
import type { RawWrite } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Calls } from './calls.ts';
import { grantLease, keepLease, type Lease, prolong, revokeLease } from './leases.ts';

/** Milliseconds until what failed is tried again; where etcd refuses it, twice as long each time, up to the longest. */
const pause = 500;
const longestPause = 30_000;

/** What a session does to its keys. */
export interface SessionKeys {
  /** Puts a key that vanished with its lease, unless somebody has written it since. */
  restore(key: string, value: Uint8Array, lease: bigint): Promise<unknown>;
  /** What the key holds; `undefined`: it is not there. */
  read(key: string): Promise<Uint8Array | undefined>;
}

/** The lease of `lifetime: 'client'`: one for all keys of a broker, from the first of them on. */
export class Session {
  readonly #calls: Calls;
  readonly #ttl: number;
  readonly #keys: SessionKeys;
  readonly #kept = new Map<string, Uint8Array>();
  /** Went with a lease, and are not put again yet. */
  readonly #vanished = new Set<string>();
  /** Nobody knows whether they were done. */
  readonly #unsure = new Map<string, RawWrite>();
  #lease: Promise<Lease> | undefined;
  /** Not heard of for as long as it lasts. The server may still know it: where it was restarted, it counts anew. */
  #doubtful: Lease | undefined;
  #keeping: Subscription | undefined;
  #restoring: Subscription | undefined;
  #reading: Subscription | undefined;
  #closed = false;

  constructor(calls: Calls, ttl: number, keys: SessionKeys) {
    this.#calls = calls;
    this.#ttl = ttl;
    this.#keys = keys;
  }

  /** The lease that is alive: the one that was, if the server still knows it, or else one that is granted now. */
  async lease(): Promise<Lease> {
    this.#lease ??= this.#begin();
    return this.#lease;
  }

  /**
   * Sends what writes these keys. What was put with the lifetime of the client comes back when its lease was lost; what was
   * written otherwise does not. Where nobody knows whether it was done, what the keys hold shows it afterwards; and where the lease
   * is lost before that, nothing comes back but what was kept before, and that only if it was not to be deleted.
   */
  async writing<R extends object>(writes: readonly RawWrite[], sent: () => Promise<R>): Promise<R> {
    try {
      const result = await sent();
      if (!('succeeded' in result) || result.succeeded === true) this.#written(writes);
      return result;
    } catch (error) {
      if (error instanceof DatasyncError && error.code === 'OUTCOME_UNKNOWN') this.#doubtWrites(writes);
      throw error;
    }
  }

  /** The keys that come back. */
  keys(test: (key: string) => boolean): string[] {
    return [...this.#kept.keys()].filter(test);
  }

  /** The server does not know the lease: another one is granted for whoever asks next. */
  async lost({ id }: Lease): Promise<void> {
    const current = await this.#lease?.catch(() => undefined);
    if (current?.id !== id) return;
    this.#gone();
    this.#renew();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#reading?.unsubscribe();
    this.#restoring?.unsubscribe();
    this.#keeping?.unsubscribe();
    const lease = (await this.#lease?.catch(() => undefined)) ?? this.#doubtful;
    if (lease !== undefined) revokeLease(this.#calls, lease);
  }

  #written(writes: readonly RawWrite[]): void {
    for (const write of writes) {
      this.#unsure.delete(write.key);
      if (isKept(write)) this.#kept.set(write.key, write.value);
      else this.#kept.delete(write.key);
    }
  }

  #doubtWrites(writes: readonly RawWrite[]): void {
    for (const write of writes) if (isKept(write) || this.#kept.has(write.key)) this.#unsure.set(write.key, write);
    if (this.#unsure.size > 0) this.#reading ??= this.#persist(() => this.#readBack());
  }

  async #begin(): Promise<Lease> {
    try {
      const lease = (await this.#known()) ?? (await grantLease(this.#calls, this.#ttl));
      this.#doubtful = undefined;
      if (!this.#closed)
        this.#keeping = keepLease(this.#calls, lease).subscribe({ error: () => this.#doubtLease(lease) });
      return lease;
    } catch (error) {
      this.#lease = undefined;
      throw error;
    }
  }

  /** With the lease that was given up its keys go on; what is not there then, somebody has deleted. */
  async #known(): Promise<Lease | undefined> {
    if (this.#doubtful === undefined) return undefined;
    const { since, ttl } = await prolong(this.#calls, this.#doubtful);
    if (ttl > 0) return { ...this.#doubtful, since, ttl };
    this.#gone();
    return undefined;
  }

  #gone(): void {
    this.#doubtful = undefined;
    for (const [key, write] of this.#unsure) if (!isKept(write)) this.#kept.delete(key);
    this.#unsure.clear();
    for (const key of this.#kept.keys()) this.#vanished.add(key);
  }

  #doubtLease(lease: Lease): void {
    this.#doubtful = lease;
    this.#renew();
  }

  #renew(): void {
    this.#keeping?.unsubscribe();
    this.#lease = undefined;
    this.#restoring?.unsubscribe();
    if (this.#closed || this.#kept.size === 0) return;
    this.#restoring = this.#persist(() => this.#restore());
  }

  #persist(work: () => Promise<void>): Subscription {
    let refused = 0;
    const wait = (error: unknown): number => {
      const isRefused = !(error instanceof DatasyncError && error.code === 'CONNECTION_LOST');
      return isRefused ? Math.min(pause * 2 ** refused++, longestPause) : pause;
    };
    return defer(work)
      .pipe(retry({ delay: (error) => timer(wait(error)) }))
      .subscribe();
  }

  async #readBack(): Promise<void> {
    for (const [key, write] of this.#unsure) {
      const value = await this.#keys.read(key);
      if (this.#closed) return;
      // Meanwhile it may have been written again, or lost with its lease.
      if (this.#unsure.get(key) !== write) continue;
      this.#unsure.delete(key);
      if (isKept(write)) {
        if (sameBytes(value, write.value)) this.#kept.set(key, write.value);
      } else if (!sameBytes(value, this.#kept.get(key))) this.#kept.delete(key);
    }
    this.#reading = undefined;
  }

  async #restore(): Promise<void> {
    const { id } = await this.lease();
    for (const key of [...this.#vanished]) {
      const value = this.#kept.get(key);
      if (this.#closed) return;
      if (value !== undefined) await this.#keys.restore(key, value, id);
      this.#vanished.delete(key);
    }
  }
}

/** Whether it is a put that is to last as long as the client. */
function isKept(write: RawWrite): write is RawWrite & { readonly op: 'put' } {
  return write.op === 'put' && write.lifetime !== undefined;
}
