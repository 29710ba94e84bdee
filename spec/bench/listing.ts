import { NEVER, type Observable, Subject } from 'rxjs';
import { cold } from '../../lib/internal/cold.ts';
import type { Backend } from '../../lib/source/frames.ts';
import { type PinnedPage, pinned } from '../../lib/source/pinned.ts';

/** One entry as it comes off the wire. */
export interface WireEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

const pageSize = 2_000;
const encoder = new TextEncoder();

/**
 * A store on the other side of a network: its listing is one block of bytes, of which each page is copied and decoded
 * when it is sent. So keys and values are new objects each time, as those of a real client are.
 */
export class Listing {
  readonly size: number;
  readonly revision: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** Where each page starts, and the end. */
  readonly #pages: number[] = [];

  private constructor(keys: Iterable<number>, revision: number, describe: (index: number) => [string, object, number]) {
    this.revision = revision;
    this.#bytes = new Uint8Array(1 << 20);
    let size = 0;
    let at = 0;
    for (const index of keys) {
      const [key, value, ownRevision] = describe(index);
      if (size++ % pageSize === 0) this.#pages.push(at);
      if (at + 1_000 > this.#bytes.length) this.#grow();
      const keyLength = encoder.encodeInto(key, this.#bytes.subarray(at + 3)).written;
      const valueLength = encoder.encodeInto(JSON.stringify(value), this.#bytes.subarray(at + 3 + keyLength)).written;
      this.#bytes.set([keyLength, valueLength, ownRevision], at);
      at += 3 + keyLength + valueLength;
    }
    this.#pages.push(at);
    this.size = size;
  }

  /** `size` keys, sorted, with values of about 100 bytes. */
  static first(size: number): Listing {
    return new Listing(numbers(size), 1, (index) => [keyOf(index), interfaceOf(index, 1_500), 1]);
  }

  /** The same with one key in 100 that differs: 8 of 10 of those have another value, 1 is new in place of 1 that is gone. */
  static second(size: number): Listing {
    return new Listing(numbers(size), 2, (index) => {
      if (index % 1_000 === 999) return [`${keyOf(index)}/new`, interfaceOf(index, 1_500), 2];
      return index % 125 === 7
        ? [keyOf(index), interfaceOf(index, 9_000), 2]
        : [keyOf(index), interfaceOf(index, 1_500), 1];
    });
  }

  get pages(): number {
    return this.#pages.length - 1;
  }

  /** What a client makes of the message that holds one page. */
  page(number: number): WireEntry[] {
    const body = this.#bytes.slice(this.#pages[number], this.#pages[number + 1]);
    const text = Buffer.from(body.buffer);
    const entries: WireEntry[] = [];
    for (let at = 0; at < body.length; ) {
      const keyEnd = at + 3 + body[at]!;
      const end = keyEnd + body[at + 1]!;
      const key = text.toString('latin1', at + 3, keyEnd);
      entries.push({ key, value: body.subarray(keyEnd, end), revision: body[at + 2]! });
      at = end;
    }
    return entries;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The pages of a listing, each in a turn of the event loop of its own, as a network hands them over. */
export function inTurns(listing: Listing): Observable<readonly WireEntry[]> {
  return cold((subscriber) => {
    let number = 0;
    const send = (): void => {
      if (subscriber.closed) return;
      subscriber.next(listing.page(number++));
      if (number < listing.pages) setImmediate(send);
      else subscriber.complete();
    };
    setImmediate(send);
  });
}

/** A store that can be listed; what it holds may be another listing the next time. */
export class ListedStore {
  readonly #asked = new Subject<void>();
  listing: Listing;

  constructor(listing: Listing) {
    this.listing = listing;
  }

  /** For `resyncOn`. */
  get asked(): Observable<void> {
    return this.#asked;
  }

  /** Lists again. */
  ask(): void {
    this.#asked.next();
  }

  backend(): Backend<number> {
    return pinned<number>({
      name: 'bench',
      list: () => {
        const { listing } = this;
        const { revision } = listing;
        return cold<PinnedPage<number>>((subscriber) =>
          inTurns(listing).subscribe({
            next: (entries) => subscriber.next({ entries, position: revision, revision }),
            complete: () => subscriber.complete(),
          }),
        );
      },
      watch: () => NEVER,
    });
  }
}

function* numbers(size: number): Generator<number> {
  for (let index = 0; index < size; index++) yield index;
}

function keyOf(index: number): string {
  return `/nodes/${String(Math.floor(index / 100)).padStart(6, '0')}/interfaces/eth${String(index % 100).padStart(2, '0')}`;
}

function interfaceOf(index: number, mtu: number): object {
  return {
    name: `eth${index % 100}`,
    node: Math.floor(index / 100),
    mtu,
    enabled: true,
    address: `10.0.${index % 250}.1/24`,
    tag: 'north',
  };
}
