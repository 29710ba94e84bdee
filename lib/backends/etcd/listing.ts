import { setImmediate } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import type { RawEntry } from '../../source/frames.ts';
import type { PinnedPage } from '../../source/pinned.ts';
import type { Link } from './access.ts';
import { type Header, RangeAnswer } from './answers.ts';
import { entryAt, unsafe } from './entries.ts';
import { type KeyEncoding, type KeyRange, nextKey, prefixRange } from './keys.ts';
import { checkSame, type EtcdPosition, kept, type Witness, withWitness, witnessOf } from './position.ts';
import { encodeMessage, safe } from './wire.ts';

/** Keys of the first page, of which nobody knows how large they are. */
const firstPage = 1_000;
/** Keys of a page at most: small ones are slow, since the server walks the rest of the range for each of them. */
const largestPage = 250_000;
/** A page grows by so much at a time, and up to so many bytes. */
const growth = 32;
const pageBytes = 32 * 1024 * 1024;
/** Keys that are read in one go: then other work gets its turn. */
const slice = 2_000;
/** Milliseconds for one page: a dead peer is found by keepalive, a server that only is slow may take its time. */
const pageTimeout = 120_000;

interface Request {
  readonly link: Link;
  readonly prefixes: readonly string[];
  /** List the state there; `undefined`: as it is now. */
  readonly at: EtcdPosition | undefined;
  readonly encoding: KeyEncoding;
  readonly signal: AbortSignal;
}

/** Lists everything under the prefixes at one revision: page by page, the next one on its way while this one is read. */
export function listed(request: Request): Observable<PinnedPage<EtcdPosition>> {
  return cold((subscriber) => {
    const listing = new Listing(request, (page) => subscriber.next(page));
    listing.run().then(
      () => subscriber.complete(),
      (error: unknown) => {
        // Closed, it is most likely the abort itself.
        if (!subscriber.closed) subscriber.error(error);
      },
    );
  });
}

class Listing {
  readonly #request: Request;
  readonly #tell: (page: PinnedPage<EtcdPosition>) => void;
  #header: Header | undefined;
  #witnesses: readonly Witness[];
  #limit = firstPage;
  #told = false;

  constructor(request: Request, tell: (page: PinnedPage<EtcdPosition>) => void) {
    this.#request = request;
    this.#tell = tell;
    this.#witnesses = request.at?.witnesses ?? [];
  }

  async run(): Promise<void> {
    const { prefixes, encoding } = this.#request;
    for (const prefix of prefixes) await this.#list(prefixRange(prefix, encoding));
    // Also an empty store stands somewhere.
    if (!this.#told) this.#page([]);
  }

  async #list({ start, end }: KeyRange): Promise<void> {
    let pending: Promise<Buffer> | undefined = this.#ask(start, end);
    while (pending !== undefined) {
      const answer: RangeAnswer = new RangeAnswer(await pending);
      this.#check(answer);
      pending = answer.more && answer.size > 0 ? this.#ask(nextKey(answer.lastKey()), end) : undefined;
      // Should this page fail, nobody waits for the next.
      pending?.catch(() => undefined);
      await this.#read(answer);
    }
  }

  #ask(start: Uint8Array, end: Uint8Array): Promise<Buffer> {
    const { link, at, signal } = this.#request;
    const revision = at?.revision ?? this.#header?.revision;
    const request = encodeMessage({ 1: start, 2: end, 3: this.#limit, 4: revision });
    return link.call('KV', 'Range', request, { timeout: pageTimeout, signal });
  }

  #check({ header, message, size }: RangeAnswer): void {
    const { at } = this.#request;
    if (!safe(header.revision)) throw unsafe(header.revision);
    if (at !== undefined) checkSame(at, header);
    this.#header ??= header;
    const fits = size === 0 ? largestPage : Math.floor((pageBytes * size) / message.length);
    this.#limit = Math.max(firstPage / 10, Math.min(largestPage, fits, this.#limit * growth));
  }

  async #read(answer: RangeAnswer): Promise<void> {
    const { encoding, signal } = this.#request;
    const { cursor, message } = answer;
    for (let left = answer.size; left > 0; left -= slice) {
      const entries: RawEntry[] = [];
      let newest: Witness | undefined;
      while (entries.length < slice && answer.next()) {
        const entry = entryAt(message, cursor, encoding, false);
        entries.push(entry);
        if ('error' in entry) continue;
        if (this.#witnesses.length < kept) this.#witnesses = withWitness(this.#witnesses, witnessOf(entry.key, cursor));
        else if (newest === undefined || cursor.modified > newest.modified) newest = witnessOf(entry.key, cursor);
      }
      if (newest !== undefined) this.#witnesses = withWitness(this.#witnesses, newest);
      this.#page(entries);
      await setImmediate();
      signal.throwIfAborted();
    }
  }

  #page(entries: readonly RawEntry[]): void {
    this.#told = true;
    const { at } = this.#request;
    const { cluster, revision, term } = this.#header!;
    const witnesses = this.#witnesses;
    const position: EtcdPosition = { revision: at?.revision ?? revision, cluster, term, witnesses };
    this.#tell({ entries, position, revision: position.revision });
  }
}
