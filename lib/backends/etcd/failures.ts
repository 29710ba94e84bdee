import { DatasyncError, messageOf } from '../../model/errors.ts';
import { ContinuityLost, FatalError } from '../../source/frames.ts';

/** What grpc says of a call that failed. */
interface GrpcError extends Error {
  readonly code?: number;
  readonly details?: string;
}

/** What etcd says; where the connection failed, what grpc says. */
export function detailsOf(error: unknown): string {
  const { details } = (error ?? {}) as GrpcError;
  return typeof details === 'string' && details !== '' ? details : messageOf(error);
}

/** @returns -1 where grpc says none */
export function codeOf(error: unknown): number {
  const { code } = (error ?? {}) as GrpcError;
  return typeof code === 'number' ? code : -1;
}

/** gRPC: RESOURCE_EXHAUSTED, OUT_OF_RANGE … are said by a server that has looked at the request and done nothing. */
const refusals: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 9, 11, 12, 16]);

/** The server has said no, and would again. */
export function isRefusal(error: unknown): boolean {
  return refusals.has(codeOf(error));
}

const staleToken = /invalid auth token|revision of auth store is old/;
const denied =
  /permission denied|authentication failed|user name is empty|user name not found|authentication is not enabled/;

/** The token that was sent has run out; another one may do. */
export function isStaleToken(error: unknown): boolean {
  return staleToken.test(detailsOf(error));
}

/** These credentials will not do, until somebody changes what they may. */
export function isDenied(error: unknown): boolean {
  return denied.test(detailsOf(error));
}

/** The history that was asked for is gone, or has not happened in this store. */
function lostContinuity(details: string): 'compacted' | 'regressed' | undefined {
  if (details.includes('has been compacted')) return 'compacted';
  return details.includes('is a future revision') ? 'regressed' : undefined;
}

/** The history that was asked for is gone. */
export function isCompacted(error: unknown): boolean {
  return lostContinuity(detailsOf(error)) === 'compacted';
}

/**
 * What a failed call means for the connection.
 *
 * @param isResumed whether the call stood on a position that was reached before
 * @param retryDenied whether denied access is tried again, as everything else is
 */
export function failure(error: unknown, isResumed: boolean, retryDenied: boolean): unknown {
  if (error instanceof ContinuityLost || error instanceof FatalError || error instanceof DatasyncError) return error;
  const details = detailsOf(error);
  const reason = lostContinuity(details);
  if (reason !== undefined && isResumed) return new ContinuityLost(reason, details, { cause: error });
  const isDenial = isDenied(error);
  const known = new DatasyncError(isDenial ? 'ACCESS_DENIED' : 'CONNECTION_LOST', details, {
    cause: error,
    backend: 'etcd',
  });
  return isDenial && !retryDenied ? new FatalError(known.message, { cause: known }) : known;
}
