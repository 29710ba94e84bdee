import { asyncScheduler, defer, type Observable, retry, type Subscription, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { Calls } from './calls.ts';
import { Answer, grantRequest, leaseRequest } from './messages.ts';

/** A lease as the server has granted it. */
export interface Lease {
  readonly id: bigint;
  /** Milliseconds. */
  readonly ttl: number;
  /** When it was asked for: it lasts until `since + ttl` at least. */
  readonly since: number;
}

/** @param ttl milliseconds; the server's seconds are rounded up, and it has a shortest one */
export async function grantLease(calls: Calls, ttl: number, key?: string): Promise<Lease> {
  const since = asyncScheduler.now();
  const request = grantRequest(Math.ceil(ttl / 1_000));
  const about = { what: `a lease of ${ttl} ms`, ...(key !== undefined && { key }) };
  // Twice is once too often, and harmless: a lease without keys ends by itself.
  const answer = new Answer(await calls.read('Lease', 'LeaseGrant', request, about));
  return { id: answer.big(2), ttl: answer.number(3) * 1_000, since };
}

/** Its keys vanish with it. Nobody waits but `close`: what is not revoked ends by itself. */
export function revokeLease(calls: Calls, { id, ttl }: Lease): void {
  const timeout = Math.min(ttl, 1_000);
  calls.detach(calls.read('Lease', 'LeaseRevoke', leaseRequest(id), { what: 'the end of a lease', timeout }));
}

/** Begins its time anew. @returns the lease, with `ttl: 0` where the server does not know it any more */
async function prolong(calls: Calls, { id }: Lease, timeout?: number): Promise<Lease> {
  const since = asyncScheduler.now();
  const about = { what: 'keeping a lease alive', ...(timeout !== undefined && { timeout }) };
  const answer = await calls.exchange('Lease', 'LeaseKeepAlive', leaseRequest(id), about);
  return { id, ttl: new Answer(answer).number(3) * 1_000, since };
}

/**
 * Keeps a lease alive for as long as it is subscribed.
 *
 * Errors: `LEASE_LOST`, when the server says that it is gone, or did not confirm it for as long as it lasts: by our own clock, so
 * that nobody trusts in a lease that has ended on the other side of a broken link. Emits nothing, and never completes.
 */
export function keepLease(calls: Calls, lease: Lease): Observable<never> {
  return cold((subscriber) => {
    let until = lease.since + lease.ttl;
    let waiting: Subscription | undefined;
    const lost = (why: string, cause?: unknown) => {
      const message = `the lease was lost: ${why}`;
      subscriber.error(
        new DatasyncError('LEASE_LOST', message, { backend: 'etcd', ...(cause !== undefined && { cause }) }),
      );
    };
    const beat = async (): Promise<void> => {
      try {
        const { since, ttl } = await prolong(calls, lease, Math.max(0, until - asyncScheduler.now()));
        until = since + ttl;
        if (ttl <= 0) lost('it has expired');
      } catch (error) {
        if (asyncScheduler.now() >= until) lost(messageOf(error), error);
      }
      if (!subscriber.closed) next();
    };
    const next = (): void => {
      const wait = Math.max(0, Math.min(lease.ttl / 3, until - asyncScheduler.now()));
      waiting = timer(wait).subscribe(() => void beat());
    };
    subscriber.add(() => waiting?.unsubscribe());
    next();
  });
}

const restorePause = 500;

/** The lease of `lifetime: 'client'`: one for all keys of a broker, from the first of them on. */
export class Session {
  readonly #calls: Calls;
  readonly #ttl: number;
  readonly #restoreKey: (key: string, value: Uint8Array, lease: bigint) => Promise<unknown>;
  readonly #kept = new Map<string, Uint8Array>();
  /** Went with a lease, and are not put again yet. */
  readonly #vanished = new Set<string>();
  #lease: Promise<Lease> | undefined;
  /** Not heard of for as long as it lasts. The server may still know it: where it was restarted, it counts anew. */
  #doubtful: Lease | undefined;
  #keeping: Subscription | undefined;
  #restoring: Subscription | undefined;
  #closed = false;

  /** @param restoreKey puts a key that vanished with its lease, unless somebody has written it since */
  constructor(
    calls: Calls,
    ttl: number,
    restoreKey: (key: string, value: Uint8Array, lease: bigint) => Promise<unknown>,
  ) {
    this.#calls = calls;
    this.#ttl = ttl;
    this.#restoreKey = restoreKey;
  }

  /** The lease that is alive: the one that was, if the server still knows it, or else one that is granted now. */
  async lease(): Promise<Lease> {
    this.#lease ??= this.#begin();
    return this.#lease;
  }

  /** From now on the key comes back when the lease was lost. */
  keep(key: string, value: Uint8Array): void {
    this.#kept.set(key, value);
  }

  /** Somebody wrote the key otherwise. */
  forget(test: (key: string) => boolean): void {
    for (const key of this.#kept.keys()) if (test(key)) this.#kept.delete(key);
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
    this.#restoring = defer(() => this.#restore())
      .pipe(retry({ delay: () => timer(restorePause) }))
      .subscribe();
  }

  async #restore(): Promise<void> {
    const { id } = await this.lease();
    for (const key of [...this.#vanished]) {
      const value = this.#kept.get(key);
      if (this.#closed) return;
      if (value !== undefined) await this.#restoreKey(key, value, id);
      this.#vanished.delete(key);
    }
  }
}
