import type { PutOptions, RawWrite } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { About, Operation } from './calls.ts';
import { mostOperations } from './hidden.ts';

/** The state of a key, without which it is not written. */
export interface Only {
  /** Its ModifyIndex; 0: it is absent. */
  readonly index: number;
  /** Of a broker, which holds it: it is taken from it. */
  readonly session: string | undefined;
}

/** As long as an ID of a session. */
const anySession = '00000000-0000-0000-0000-000000000000';

/** What a message says of work on one key. */
export function about(doing: string, key: string): About {
  return { what: `${doing} ${JSON.stringify(key)}`, key };
}

export function isBound({ ttl, lifetime }: PutOptions): boolean {
  return ttl !== undefined || lifetime !== undefined;
}

/** A session of a broker, which holds a key now. */
export interface Holder {
  readonly session: string;
  /** Whether the write is not done where it holds the key no longer. */
  readonly isChecked: boolean;
}

/**
 * What Consul has to do for one write.
 *
 * @param session which holds the key from now on: where another one does, and is not named, nothing is done
 */
export function operationsOf(
  write: RawWrite,
  session: string | undefined,
  only?: Only,
  holder?: Holder,
): readonly Operation[] {
  const { key: Key } = write;
  if (write.op === 'delete') return [{ Verb: 'delete', Key }];
  const Value = Buffer.from(write.value.buffer, write.value.byteOffset, write.value.length).toString('base64');
  const condition: readonly Operation[] = only === undefined ? [] : [{ Verb: 'cas', Key, Value, Index: only.index }];
  if (session !== undefined) {
    const isHeld = holder !== undefined || only?.session !== undefined;
    return [
      ...condition,
      ...(holder?.isChecked === true ? [{ Verb: 'check-session', Key, Session: holder.session } as const] : []),
      ...(isHeld ? [{ Verb: 'delete', Key } as const] : []),
      { Verb: 'lock', Key, Value, Session: session },
    ];
  }
  if (only === undefined) return [{ Verb: 'set', Key, Value }];
  return only.session === undefined ? condition : [...condition, { Verb: 'unlock', Key, Value, Session: only.session }];
}

/** Takes the key from the session that holds it, unless it was written since. */
export function release(
  write: RawWrite & { readonly op: 'put' },
  index: number,
  session: string,
): readonly Operation[] {
  return [
    { Verb: 'check-index', Key: write.key, Index: index },
    ...operationsOf(write, undefined, { index, session }).slice(1),
  ];
}

/** The body of a request with these operations. */
export function bodyOf(operations: readonly Operation[]): string {
  return JSON.stringify(operations.map((KV) => ({ KV })));
}

/** Whether a value is too large for a transaction, though Consul may take it alone. */
export function mustGoAlone(write: RawWrite, maxRequest: number): boolean {
  return write.op === 'put' && !isBound(write) && sizeOf([write]) > maxRequest;
}

/**
 * Before anything is sent, or made for it.
 *
 * @throws DatasyncError `TOO_LARGE`
 */
export function checkSize(writes: readonly RawWrite[], { what, key }: About, maxRequest: number, only?: Only): void {
  const tooLarge = (message: string): DatasyncError =>
    new DatasyncError('TOO_LARGE', `${what}: ${message}`, { backend: 'consul', ...(key !== undefined && { key }) });
  const count = writes.flatMap((write) => anyOperationsOf(write, only)).length;
  const whole = 'not split, since it would not be one any more';
  if (count > mostOperations)
    throw tooLarge(
      `${count} operations (a put with a ttl or lifetime is two); Consul takes ${mostOperations} at once; ${whole}`,
    );
  const size = sizeOf(writes, only);
  if (size <= maxRequest) return;
  const setting = `Consul takes ${maxRequest} at once (its txn_max_req_len, here maxRequest)`;
  throw tooLarge(`${size} bytes, with the values in base64; ${setting}${writes.length > 1 ? `; ${whole}` : ''}`);
}

/** @throws DatasyncError `TOO_LARGE` */
export function checkValue(key: string, { length }: Uint8Array, maxRequest: number): void {
  if (length <= maxRequest) return;
  const message = `the value of ${JSON.stringify(key)} has ${length} bytes; Consul takes ${maxRequest} (its kv_max_value_size, here maxRequest)`;
  throw new DatasyncError('TOO_LARGE', message, { backend: 'consul', key });
}

/** As many as there can be. */
function anyOperationsOf(write: RawWrite, only?: Only): readonly Operation[] {
  if (write.op === 'delete' || !isBound(write)) return operationsOf(write, undefined, only);
  return operationsOf(write, anySession, only, { session: anySession, isChecked: false });
}

function sizeOf(writes: readonly RawWrite[], only?: Only): number {
  return Buffer.byteLength(bodyOf(writes.flatMap((write) => anyOperationsOf(write, only))));
}
