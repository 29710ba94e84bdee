/**
 * As much protobuf as the messages of etcd's KV, Watch and Auth need. Written by hand since it is what a source spends its
 * time on: a message is read once, front to back, and nothing is made of what is not asked for.
 */

/** The value of one field that is sent; an array is a repeated field, `undefined` is left out. */
type FieldValue = number | bigint | boolean | string | Uint8Array | undefined | readonly Uint8Array[];

/** A message from its fields, by number, in ascending order. */
export function encodeMessage(fields: Readonly<Record<number, FieldValue>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of Object.entries(fields)) {
    if (isRepeated(value)) for (const each of value) putField(parts, Number(number), each);
    else putField(parts, Number(number), value);
  }
  return Buffer.concat(parts);
}

function isRepeated(value: FieldValue): value is readonly Uint8Array[] {
  return Array.isArray(value);
}

function putField(parts: Uint8Array[], number: number, value: Exclude<FieldValue, readonly Uint8Array[]>): void {
  if (value === undefined) return;
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const content = typeof value === 'string' ? Buffer.from(value) : value;
    parts.push(varint((number << 3) | 2), varint(content.length), content);
  } else parts.push(varint(number << 3), varint(typeof value === 'bigint' ? value : Number(value)));
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** Above this a number is no longer exact; negative ones, which are ten bytes long, come out above it too. */
const exact = Number.MAX_SAFE_INTEGER;

/** Goes through a message once. */
export class Reader {
  readonly message: Buffer;
  at: number;

  constructor(message: Buffer, at = 0) {
    this.message = message;
    this.at = at;
  }

  /** Not exact above 2^53: whoever needs it to be asks {@link safe}. */
  varint(): number {
    const { message } = this;
    let byte = message[this.at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = message[this.at++]!;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value;
  }

  /** A 64-bit number that is only ever compared. */
  text(): string {
    let value = 0n;
    let byte: number;
    let shift = 0n;
    do {
      byte = this.message[this.at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    } while (byte >= 0x80);
    return value.toString(16);
  }

  /** Passes over the value of a field that nobody asked for. */
  skip(tag: number): void {
    const type = tag & 7;
    if (type === 0) while (this.message[this.at++]! >= 0x80);
    else if (type === 2) {
      const length = this.varint();
      this.at += length;
    } else if (type === 1) this.at += 8;
    else if (type === 5) this.at += 4;
    else throw new Error(`a message of etcd has a field of type ${type}, which is none`);
  }
}

/** Whether a revision is one that a number can carry. */
export function safe(revision: number): boolean {
  return revision <= exact;
}

/** The text of a field of bytes: the token in the answer of Authenticate. */
export function textField(message: Buffer, field: number): string {
  const reader = new Reader(message);
  while (reader.at < message.length) {
    const tag = reader.varint();
    if (tag !== ((field << 3) | 2)) reader.skip(tag);
    else {
      const length = reader.varint();
      return message.toString('utf8', reader.at, reader.at + length);
    }
  }
  return '';
}
