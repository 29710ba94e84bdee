import { type KeyRange, nextKey } from './keys.ts';
import { encodeMessage, Reader } from './wire.ts';

/** A condition of a transaction. */
export type Condition =
  | { readonly key: Uint8Array; readonly holds: Uint8Array }
  | { readonly key: Uint8Array; readonly absent: true };

/** How a range is read. */
export interface RangeOptions {
  readonly limit?: number;
  /** Default: as it is now. */
  readonly revision?: number | undefined;
  readonly keysOnly?: boolean;
}

/** RangeRequest */
export function rangeRequest({ start, end }: KeyRange, { limit, revision, keysOnly }: RangeOptions = {}): Uint8Array {
  return encodeMessage({ 1: start, 2: end, 3: limit, 4: revision, 8: keysOnly });
}

/** The range of one key. */
export function oneKey(key: Uint8Array): KeyRange {
  return { start: key, end: nextKey(key) };
}

/** PutRequest */
export function putRequest(key: Uint8Array, value: Uint8Array, lease?: bigint): Uint8Array {
  return encodeMessage({ 1: key, 2: value, 3: lease });
}

/** DeleteRangeRequest */
export function deleteRequest({ start, end }: KeyRange): Uint8Array {
  return encodeMessage({ 1: start, 2: end });
}

/** An operation of a transaction. */
export const operation = {
  range: (request: Uint8Array): Uint8Array => encodeMessage({ 1: request }),
  put: (request: Uint8Array): Uint8Array => encodeMessage({ 2: request }),
  delete: (request: Uint8Array): Uint8Array => encodeMessage({ 3: request }),
};

/** TxnRequest: all of the operations if all conditions hold, else nothing. */
export function txnRequest(conditions: readonly Condition[], operations: readonly Uint8Array[]): Uint8Array {
  return encodeMessage({ 1: conditions.map(compare), 2: operations });
}

/** `create_revision == 0`, or `value == …`, which a key that is absent never fulfils. */
function compare(condition: Condition): Uint8Array {
  return 'absent' in condition
    ? encodeMessage({ 2: 1, 3: condition.key, 5: 0 })
    : encodeMessage({ 2: 3, 3: condition.key, 7: condition.holds });
}

/** LeaseGrantRequest; `ttl` in seconds. */
export function grantRequest(ttl: number): Uint8Array {
  return encodeMessage({ 1: ttl });
}

/** LeaseRevokeRequest, LeaseKeepAliveRequest */
export function leaseRequest(lease: bigint): Uint8Array {
  return encodeMessage({ 1: lease });
}

/** CompactionRequest; it is answered when the history is gone. */
export function compactRequest(revision: number): Uint8Array {
  return encodeMessage({ 1: revision, 2: true });
}

/** CampaignRequest of etcd's election service. */
export function campaignRequest(name: Uint8Array, lease: bigint, value: Uint8Array): Uint8Array {
  return encodeMessage({ 1: name, 2: lease, 3: value });
}

/** The fields of a short answer; of a repeated one all. Answers with keys and values are read by `RangeAnswer`. */
export class Answer {
  readonly #fields = new Map<number, (bigint | Buffer)[]>();

  constructor(message: Buffer) {
    const reader = new Reader(message);
    while (reader.at < message.length) {
      const tag = reader.varint();
      if ((tag & 7) === 0) this.#add(tag >> 3, BigInt(`0x${reader.text()}`));
      else if ((tag & 7) === 2) {
        const length = reader.varint();
        this.#add(tag >> 3, message.subarray(reader.at, reader.at + length));
        reader.at += length;
      } else reader.skip(tag);
    }
  }

  /** Of the header, which is field 1 of every answer. */
  get revision(): number {
    return this.at(1).number(3);
  }

  number(field: number): number {
    return Number(this.big(field));
  }

  big(field: number): bigint {
    const value = this.#fields.get(field)?.[0];
    return typeof value === 'bigint' ? value : 0n;
  }

  bytes(field: number): Buffer {
    return this.all(field)[0] ?? Buffer.alloc(0);
  }

  at(field: number): Answer {
    return new Answer(this.bytes(field));
  }

  all(field: number): readonly Buffer[] {
    return (this.#fields.get(field) ?? []).filter((value) => typeof value !== 'bigint');
  }

  #add(field: number, value: bigint | Buffer): void {
    this.#fields.set(field, [...(this.#fields.get(field) ?? []), value]);
  }
}
