import {
  catchError,
  concat,
  defer,
  EMPTY,
  merge,
  type Observable,
  of,
  retry,
  switchMap,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Calls } from './calls.ts';
import { keepKey, type LeaderKey } from './leaderKey.ts';
import { grantLease, keepLease, type Lease, revokeLease } from './leases.ts';
import { Answer, campaignRequest } from './messages.ts';

/** Where a candidate stands. */
export type Leadership =
  /** `key` is the candidate's own, and stays for as long as it leads: a condition for writes that only the leader may do. */
  | { readonly leads: true; readonly key: string; readonly revision: number }
  | { readonly leads: false; readonly cause: DatasyncError };

/** One election. */
export interface CampaignOptions {
  /** What the others find as the value of the leader's key. Default: empty. */
  readonly value: Uint8Array;
  /** Milliseconds after which a leader that is not heard of is replaced. */
  readonly ttl: number;
}

/** Longer than anybody waits; the call is then made again. */
const turn = 24 * 3_600_000;
const again = 500;

/**
 * Stands for election, as etcd's own clients do: candidates of all languages take part in the same one.
 *
 * @param name all candidates of one election give the same
 */
export function campaign(calls: Calls, name: string, { value, ttl }: CampaignOptions): Observable<Leadership> {
  return defer(() => {
    let leads = false;
    const elected = leased(calls, ttl, ({ id }) => once(calls, name, id, value)).pipe(
      switchMap((leader) => merge(of(leader), keepKey(calls, leader, ttl / 3))),
      tap(() => {
        leads = true;
      }),
      catchError((error: unknown) => {
        const told = leads ? of({ leads: false, cause: error as DatasyncError } as const) : EMPTY;
        leads = false;
        return concat(
          told,
          throwError(() => error),
        );
      }),
    );
    return elected.pipe(
      retry({ delay: (error: DatasyncError) => (isFinal(error) ? throwError(() => error) : timer(again)) }),
    );
  });
}

/** Nothing that waiting could mend. */
function isFinal(error: unknown): boolean {
  return !(error instanceof DatasyncError) || !['LEASE_LOST', 'CONNECTION_LOST', 'REFUSED'].includes(error.code);
}

/** What is done with a lease that lives as long as the subscription; ends with the error that says that it was lost. */
function leased<T>(calls: Calls, ttl: number, use: (lease: Lease) => Observable<T>): Observable<T> {
  return cold<Lease>((subscriber) => {
    let lease: Lease | undefined;
    subscriber.add(() => {
      if (lease !== undefined) revokeLease(calls, lease);
    });
    grantLease(calls, ttl).then(
      (granted) => {
        lease = granted;
        if (subscriber.closed) revokeLease(calls, granted);
        else subscriber.next(granted);
      },
      (error: unknown) => subscriber.error(error),
    );
  }).pipe(switchMap((lease) => merge(keepLease(calls, lease), use(lease))));
}

/** Emits when this candidate leads. Asked twice with one lease, it is the same candidate. */
function once(calls: Calls, name: string, lease: bigint, value: Uint8Array): Observable<Leadership & LeaderKey> {
  return cold((subscriber) => {
    const controller = new AbortController();
    subscriber.add(() => controller.abort());
    const request = campaignRequest(Buffer.from(name), lease, value);
    const about = { what: `the election ${JSON.stringify(name)}`, timeout: turn, signal: controller.signal };
    calls.read('v3electionpb.Election', 'Campaign', request, about).then(
      (answer) => {
        const leader = new Answer(answer).at(2);
        subscriber.next({ leads: true, key: leader.bytes(2).toString(), revision: leader.number(3) });
      },
      (error: unknown) => subscriber.error(error),
    );
  });
}
