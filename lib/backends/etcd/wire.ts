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

/** What every answer begins with. */
export interface Header {
  readonly cluster: string;
  readonly revision: number;
  readonly term: number;
}

function readHeader(reader: Reader, end: number): Header {
  let cluster = '';
  let revision = 0;
  let term = 0;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 8) cluster = reader.text();
    else if (tag === 24) revision = reader.varint();
    else if (tag === 32) term = reader.varint();
    else reader.skip(tag);
  }
  return { cluster, revision, term };
}

/** One key, as a range within its message: the same object for key after key. */
export class Cursor {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  created = 0;
  modified = 0;
  version = 0;

  /** Reads the KeyValue that ends at `end`. */
  read(reader: Reader, end: number): void {
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = 0;
    this.created = this.modified = this.version = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === 10) {
        const length = reader.varint();
        this.keyStart = reader.at;
        this.keyEnd = reader.at += length;
      } else if (tag === 16) this.created = reader.varint();
      else if (tag === 24) this.modified = reader.varint();
      else if (tag === 32) this.version = reader.varint();
      else if (tag === 42) {
        const length = reader.varint();
        this.valueStart = reader.at;
        this.valueEnd = reader.at += length;
      } else reader.skip(tag);
    }
  }
}

/** An answer to a range request; its keys are read one by one. */
export class RangeAnswer {
  readonly header: Header;
  readonly more: boolean;
  readonly size: number;
  readonly cursor: Cursor = new Cursor();
  readonly message: Buffer;
  readonly #keys: Reader;
  readonly #last: number;
  #left: number;

  constructor(message: Buffer) {
    const reader = new Reader(message);
    let header: Header = { cluster: '', revision: 0, term: 0 };
    let more = false;
    let size = 0;
    let first = 0;
    let last = 0;
    while (reader.at < message.length) {
      const start = reader.at;
      const tag = reader.varint();
      if (tag === 10) {
        const length = reader.varint();
        header = readHeader(reader, reader.at + length);
      } else if (tag === 18) {
        if (size++ === 0) first = start;
        last = start;
        const length = reader.varint();
        reader.at += length;
      } else if (tag === 24) more = reader.varint() !== 0;
      else reader.skip(tag);
    }
    if (reader.at !== message.length) throw new Error('an answer of etcd ends within a field');
    this.header = header;
    this.more = more;
    this.size = size;
    this.message = message;
    this.#keys = new Reader(message, first);
    this.#last = last;
    this.#left = size;
  }

  /** Puts the cursor on the next key. @returns whether there is one */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.#readAt(this.#keys);
    return true;
  }

  /** The last key of the answer, without those before it; it does not move {@link next}. */
  lastKey(): Uint8Array {
    const reader = new Reader(this.message, this.#last);
    const cursor = this.#readAt(reader);
    return this.message.subarray(cursor.keyStart, cursor.keyEnd);
  }

  #readAt(reader: Reader): Cursor {
    reader.varint();
    const length = reader.varint();
    this.cursor.read(reader, reader.at + length);
    return this.cursor;
  }
}

/** A message of a watch; its events are read one by one. */
export class WatchAnswer {
  revision = 0;
  created = false;
  canceled = false;
  compacted = 0;
  reason = '';
  /** The number of the watch; `undefined`: the answer is about the stream as a whole. */
  watch: number | undefined = 0;
  readonly cursor: Cursor = new Cursor();
  readonly message: Buffer;
  readonly #events: Reader;
  readonly #hasEvents: boolean;

  constructor(message: Buffer) {
    this.message = message;
    const reader = new Reader(message);
    let first = -1;
    while (reader.at < message.length) {
      const start = reader.at;
      const tag = reader.varint();
      // Events come last.
      if (tag === 90) {
        first = start;
        break;
      }
      if (tag === 10) {
        const length = reader.varint();
        this.#readRevision(reader, reader.at + length);
      } else if (tag === 16) {
        const id = reader.varint();
        this.watch = safe(id) ? id : undefined;
      } else if (tag === 24) this.created = reader.varint() !== 0;
      else if (tag === 32) this.canceled = reader.varint() !== 0;
      else if (tag === 40) this.compacted = reader.varint();
      else if (tag === 50) {
        const length = reader.varint();
        this.reason = message.toString('utf8', reader.at, reader.at + length);
        reader.at += length;
      } else reader.skip(tag);
    }
    this.#hasEvents = first >= 0;
    this.#events = new Reader(message, Math.max(first, 0));
  }

  get hasEvents(): boolean {
    return this.#hasEvents;
  }

  #readRevision(reader: Reader, end: number): void {
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag === 24) this.revision = reader.varint();
      else reader.skip(tag);
    }
  }

  /** Puts the cursor on the next event. @returns what it is */
  next(): 'put' | 'delete' | undefined {
    const reader = this.#events;
    const { message } = this;
    while (this.#hasEvents && reader.at < message.length) {
      const tag = reader.varint();
      if (tag !== 90) {
        reader.skip(tag);
        continue;
      }
      const length = reader.varint();
      const end = reader.at + length;
      let deleted = false;
      while (reader.at < end) {
        const field = reader.varint();
        if (field === 8) deleted = reader.varint() !== 0;
        else if (field === 18) {
          const size = reader.varint();
          this.cursor.read(reader, reader.at + size);
        } else reader.skip(field);
      }
      return deleted ? 'delete' : 'put';
    }
    return undefined;
  }
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
