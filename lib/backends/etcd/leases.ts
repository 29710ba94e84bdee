import { asyncScheduler, type Observable, type Subscription, timer } from 'rxjs';
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
export async function prolong(calls: Calls, { id }: Lease, timeout?: number): Promise<Lease> {
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
