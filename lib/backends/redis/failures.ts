import { DatasyncError, messageOf } from '../../model/errors.ts';
import { ContinuityLost, FatalError } from '../../source/frames.ts';

const denied =
  /\b(NOPERM|NOAUTH|WRONGPASS)\b|invalid password|invalid username-password|The user executing the script can't|ACL failure in script/;
const unknownCommand =
  /unknown (sub)?command|wrong number of arguments|syntax error|not supported|is disabled|unsupported command|invalid request/i;
const noDatabase = /DB index is out of range|invalid DB index|SELECT is not allowed in cluster mode/i;
const wrongType = /^-?WRONGTYPE\b/;
const passing = /^-?(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|READONLY|UNBLOCKED)\b/;

const turnedAway = /^Too many Cluster redirections\. Last error: \w*Error: -?(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;

/** ioredis has given up a command that the nodes of a cluster refused one after the other, without doing it. */
export function isTurnedAway(error: unknown): boolean {
  return turnedAway.test(messageOf(error));
}

/** The server has answered, and its answer is an error. */
export function isReply(error: unknown): boolean {
  return /^-?[A-Z][A-Z0-9]+ /.test(messageOf(error));
}

/** The same, in whatever words: a proxy has its own, and they do not say whether the server has done anything. */
export function isAnswer(error: unknown): boolean {
  return isReply(error) || (error instanceof Error && error.name === 'ReplyError');
}

/** The server refuses a database for good: it has none of that number. */
export function isNoDatabase(error: unknown): boolean {
  return noDatabase.test(messageOf(error));
}

/** These credentials will not do, until somebody changes what they may. */
export function isDenied(error: unknown): boolean {
  return denied.test(messageOf(error));
}

/** It knows who asks, and does not let them. */
export function isForbidden(error: unknown): boolean {
  return /\bNOPERM\b/.test(messageOf(error));
}

/** The server, or what stands before it, does not know what it was asked. */
export function isUnknown(error: unknown): boolean {
  return isAnswer(error) && unknownCommand.test(messageOf(error));
}

/** The key holds something else than what was asked for. */
export function isWrongType(error: unknown): boolean {
  return wrongType.test(messageOf(error));
}

/** The server will answer something else before long. */
export function isPassing(error: unknown): boolean {
  return passing.test(messageOf(error));
}

/** It is about one key: the next may be read. */
export function isAboutKey(error: unknown): boolean {
  return isReply(error) && !isDenied(error) && !isPassing(error);
}

/** Asking again will not help: there is nothing of that kind. */
export function isMisconfigured(error: unknown): boolean {
  return error instanceof DatasyncError && error.code === 'INVALID_CONFIG';
}

/** What a failure means for the connection. @param retryDenied whether denied access is tried again, as everything else is */
export function failure(error: unknown, retryDenied: boolean): unknown {
  if (error instanceof ContinuityLost || error instanceof FatalError) return error;
  if (isMisconfigured(error)) return new FatalError(messageOf(error), { cause: error });
  const isDenial = isDenied(error) || (error instanceof DatasyncError && error.code === 'ACCESS_DENIED');
  const code = isDenial ? 'ACCESS_DENIED' : 'CONNECTION_LOST';
  const known =
    error instanceof DatasyncError
      ? error
      : new DatasyncError(code, messageOf(error), { cause: error, backend: 'redis' });
  return isDenial && !retryDenied ? new FatalError(known.message, { cause: known }) : known;
}
