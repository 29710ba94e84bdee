import { DatasyncError, type ErrorCode } from '../../model/errors.ts';
import type { Answer } from './http.ts';

/** As much of an answer as a message may quote. */
const quoted = 200;

/** What an answer says, in words: Consul answers a failure with one line of text. */
export function wordsOf({ status, body }: Answer): string {
  const text = body.subarray(0, quoted).toString().trim().replace(/\s+/g, ' ');
  return text === '' ? `status ${status}` : `status ${status}, ${text}`;
}

/**
 * The error for an answer that is none.
 *
 * @param what what was asked
 * @param more about what it concerns
 */
export function refusal(what: string, answer: Answer, more: { readonly key?: string } = {}): DatasyncError {
  const why = answer.body.includes('ACL not found') ? ': Consul does not know this token' : '';
  return new DatasyncError(codeOf(answer), `${what}: ${wordsOf(answer)}${why}`, { backend: 'consul', ...more });
}

/**
 * Whether Consul refuses to be asked for a key by its name, though its transactions take it: 1.22 does where it starts or ends with
 * a space, or would have a space or `..` if it were decoded once more. The status says that Consul has failed.
 */
export function refusesKey({ status, body }: Answer): boolean {
  return status === 500 && body.includes('invalid key name');
}

function codeOf(answer: Answer): ErrorCode {
  const { status } = answer;
  if (refusesKey(answer)) return 'INVALID_KEY';
  if (status === 401 || status === 403) return 'ACCESS_DENIED';
  if (status === 413) return 'TOO_LARGE';
  // Too many requests, no leader, a proxy without a server behind it: it goes away by itself.
  return status === 429 || status >= 500 ? 'CONNECTION_LOST' : 'REFUSED';
}
