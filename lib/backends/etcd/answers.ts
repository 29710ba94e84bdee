import { Reader, safe } from './wire.ts';

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
