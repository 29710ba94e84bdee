import type Consul from 'consul';
import { firstValueFrom } from 'rxjs';
import { encodeText } from '../../internal/bytes.ts';
import { DatasyncError, reasonOf } from '../../model/errors.ts';
import { isObject } from '../../model/options.ts';
import { parsed } from './answers.ts';
import { refusal, refusesKey } from './failures.ts';
import { type Answer, ask, isNotTls, type Limits, type Question } from './http.ts';

/** What a call is about, for messages. */
export interface About {
  readonly what: string;
  readonly key?: string;
}

/** One operation of a transaction on keys. */
export interface Operation {
  readonly Verb:
    | 'set'
    | 'cas'
    | 'lock'
    | 'unlock'
    | 'get'
    | 'get-tree'
    | 'delete'
    | 'delete-cas'
    | 'delete-tree'
    | 'check-index'
    | 'check-session';
  readonly Key: string;
  /** base64. */
  readonly Value?: string;
  readonly Index?: number;
  readonly Session?: string;
}

/** An entry as a transaction shows it: without its value, where it was written. */
export interface Shown {
  readonly Key: string;
  readonly ModifyIndex: number;
  /** Who holds it, where somebody does. */
  readonly Session?: string;
}

/** Done, with the entries it wrote and read; or nothing of it, and why. */
export type TxnResult =
  | { readonly done: true; readonly entries: readonly Shown[] }
  | { readonly done: false; readonly reasons: readonly { readonly operation: number; readonly text: string }[] };

/** `ask` emits or fails; what it would be otherwise. */
const nothing: Answer = { status: 0, index: undefined, body: Buffer.alloc(0) };

/** Failures after which it is sure that nothing was sent. */
const unsent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ERR_TLS_|UNABLE_TO_|CERT_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** The requests of a broker. */
export class ConsulCalls {
  readonly client: Consul;
  readonly limits: Limits;

  constructor(client: Consul, limits: Limits) {
    this.client = client;
    this.limits = limits;
  }

  /** Rejects with `CONNECTION_LOST` where nothing came; whatever the status, it is an answer. */
  read(question: Question, limits: Limits = this.limits): Promise<Answer> {
    return firstValueFrom(ask(this.client, question, limits), { defaultValue: nothing });
  }

  /** Rejects with `OUTCOME_UNKNOWN` where it may have been done and nobody says so; never asks twice. */
  async write(question: Question, about: About): Promise<Answer> {
    const perhaps = 'it may have been done, or not';
    let answer: Answer;
    try {
      answer = await this.read(question);
    } catch (error) {
      const { cause } = error as Error;
      const { code } = (cause ?? {}) as { code?: unknown };
      if ((typeof code === 'string' && unsent.test(code)) || isNotTls(cause)) throw error;
      throw outcomeUnknown(about, `${reasonOf(error)}; ${perhaps}`, error);
    }
    // Without a leader nothing was passed on to one.
    if (answer.status >= 500 && !answer.body.includes('No cluster leader') && !refusesKey(answer))
      throw outcomeUnknown(about, `status ${answer.status}, ${answer.body.toString()}; ${perhaps}`);
    return answer;
  }

  /** All of it or nothing. @param body the operations, as JSON */
  async txn(body: string, about: About, isRead = false): Promise<TxnResult> {
    const question: Question = { method: 'PUT', path: '/txn', body: encodeText(body) };
    const answer = await (isRead ? this.read(question) : this.write(question, about));
    const { what, key } = about;
    if (answer.status !== 200 && answer.status !== 409) throw refusal(what, answer, key === undefined ? {} : { key });
    const { Results, Errors } = written(about, answer, isOutcome, isRead);
    if (answer.status === 200) return { done: true, entries: (Results ?? []).map(({ KV }) => KV) };
    const reasons = (Errors ?? []).map(({ OpIndex, What }) => ({ operation: OpIndex, text: What }));
    const denied = reasons.find(({ text }) => /permission denied/i.test(text));
    if (denied !== undefined)
      throw new DatasyncError('ACCESS_DENIED', `${what}: ${denied.text}`, {
        backend: 'consul',
        ...(key !== undefined && { key }),
      });
    return { done: false, reasons };
  }
}

/** What a transaction answers. */
interface Outcome {
  readonly Results?: readonly { readonly KV: Shown }[] | null;
  readonly Errors?: readonly { readonly OpIndex: number; readonly What: string }[] | null;
}

function isOutcome(value: unknown): value is Outcome {
  if (!isObject(value)) return false;
  const { Results, Errors } = value as Record<keyof Outcome, unknown>;
  return (
    ('Results' in value || 'Errors' in value) && [Results, Errors].every((list) => list == null || Array.isArray(list))
  );
}

/**
 * What the answer to a write says. Where it is not Consul's, it is of somebody in between, and Consul may have done the write.
 *
 * @param isRead it was no write after all
 * @throws DatasyncError `OUTCOME_UNKNOWN`, or `CONNECTION_LOST`
 */
export function written<T>(about: About, answer: Answer, isIt: (value: unknown) => value is T, isRead = false): T {
  let cause: unknown;
  try {
    const value = parsed(about.what, answer);
    if (isIt(value)) return value;
  } catch (error) {
    cause = error;
  }
  const message = `the answer of ${answer.body.length} bytes is not Consul's`;
  if (isRead) throw new DatasyncError('CONNECTION_LOST', `${about.what}: ${message}`, { cause, backend: 'consul' });
  throw outcomeUnknown(about, `${message}; it may have been done, or not`, cause);
}

export function outcomeUnknown({ what, key }: About, message: string, cause?: unknown): DatasyncError {
  const more = { backend: 'consul', cause, ...(key !== undefined && { key }) };
  return new DatasyncError('OUTCOME_UNKNOWN', `${what}: ${message}`, more);
}

/** A transaction that fails for a reason that is no condition of ours. */
export function unexpected({ what, key }: About, reasons: readonly { readonly text: string }[]): DatasyncError {
  const text = reasons.map((reason) => reason.text).join('; ');
  return new DatasyncError('REFUSED', `${what}: ${text}`, { backend: 'consul', ...(key !== undefined && { key }) });
}
