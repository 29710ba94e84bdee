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

  /** From now on the key comes back when the lease was lost. */
  keep(key: string, value: Uint8Array): void {
    this.#kept.set(key, value);
    this.#unsure.delete(key);
  }

  /** Somebody wrote the key otherwise. */
  forget(test: (key: string) => boolean): void {
    for (const key of this.#kept.keys()) if (test(key)) this.#kept.delete(key);
    for (const key of this.#unsure.keys()) if (test(key)) this.#unsure.delete(key);
  }

  /**
   * It may have been done: what the keys hold then shows whether they are to be kept. Where the lease is lost before that, nobody
   * will ever know: then nothing comes back but what was kept before, and that only if it was not to be deleted.
   */
  unsure(writes: readonly RawWrite[]): void {
    for (const write of writes) if (isKept(write) || this.#kept.has(write.key)) this.#unsure.set(write.key, write);
    if (this.#unsure.size > 0) this.#reading ??= this.#persist(() => this.#readBack());
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

  async #begin(): Promise<Lease> {
    try {
      const lease = (await this.#known()) ?? (await grantLease(this.#calls, this.#ttl));
      this.#doubtful = undefined;
      if (!this.#closed) this.#keeping = keepLease(this.#calls, lease).subscribe({ error: () => this.#doubt(lease) });
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

  #doubt(lease: Lease): void {
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
        if (value !== undefined && sameBytes(value, write.value)) this.#kept.set(key, write.value);
      } else if (value === undefined || !sameBytes(value, this.#kept.get(key)!)) this.#kept.delete(key);
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
