import { DatasyncError } from '../../model/errors.ts';
import type { RawChange, RawEntry } from '../../source/frames.ts';
import type { Listed, Listing } from './answers.ts';

/** A key as it was last seen. */
export interface Seen {
  readonly key: string;
  /** base64: cheaper to compare than to decode. */
  readonly text: string;
  readonly revision: number;
  /** Its name is not what it is in Consul. */
  readonly error: DatasyncError | undefined;
  /** In which look. */
  look: number;
  /** It is not there any more, which is not believed yet. */
  isHeld: boolean;
}

/** What one look shows that is not known. */
export interface News {
  readonly puts: readonly Seen[];
  /** Known, and not listed. */
  readonly gone: readonly string[];
  /** A key is older than it was known to be: the store went back. */
  readonly wentBack: boolean;
}

/** Entries per page: small enough that no single one holds up the event loop. */
const pageSize = 1_000;

/** What one subscription knows of a prefix, over all its connections. */
export class Known {
  readonly prefix: string;
  /** The highest that is of use: of the last answer. */
  index = 0;
  /** A subscriber has been told of it, be it that there is nothing. */
  isTold = false;
  readonly #isOwn: (key: string) => boolean;
  readonly #seen = new Map<string, Seen>();
  #look = 0;

  /** @param isOwn which of the keys with this prefix are meant */
  constructor(prefix: string, isOwn: (key: string) => boolean = () => true) {
    this.prefix = prefix;
    this.#isOwn = isOwn;
  }

  /** All that is known. */
  all(): Iterable<Seen> {
    return this.#seen.values();
  }

  /** Takes over what is known elsewhere. */
  learn(seen: Seen): void {
    this.#seen.set(seen.key, { ...seen, look: 0 });
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Compares, and remembers nothing yet. */
  compare({ entries }: Listing): News {
    const look = ++this.#look;
    const puts: Seen[] = [];
    let found = 0;
    let wentBack = false;
    for (const entry of entries) {
      const { Key: key, ModifyIndex: revision } = entry;
      const text = entry.Value ?? '';
      const seen = this.#seen.get(key);
      if (seen !== undefined) {
        // Keys that are not UTF-8 may be listed under the name of others: the first stands for all.
        if (seen.look === look) continue;
        seen.look = look;
        found++;
        const isSame = (seen.error === undefined) === (entry.fault === undefined);
        // One that was held was put anew.
        if (revision < seen.revision && isSame && !seen.isHeld) wentBack = true;
        if (revision === seen.revision && isSame && text === seen.text) continue;
      } else if (entry.fault === undefined && !(key.startsWith(this.prefix) && this.#isOwn(key))) continue;
      puts.push({ key, text, revision, error: errorOf(entry), look, isHeld: false });
    }
    const gone: string[] = [];
    if (found < this.#seen.size) {
      for (const [key, seen] of this.#seen) if (seen.look !== look) gone.push(key);
    }
    return { puts, gone, wentBack };
  }

  /**
   * Remembers.
   *
   * @param index at which it was looked
   * @returns what changed
   */
  take(puts: readonly Seen[], gone: readonly string[], index: number): RawChange[] {
    const fresh = new Map<string, Seen>();
    for (const seen of puts) if (!fresh.has(seen.key)) fresh.set(seen.key, seen);
    for (const [key, seen] of fresh) this.#seen.set(key, seen);
    const changes: RawChange[] = decoded([...fresh.values()]).map((entry) => ({ ...entry, op: 'put' }));
    for (const key of gone) {
      this.#seen.delete(key);
      changes.push({ op: 'delete', key, revision: index });
    }
    return changes;
  }

  /** Keeps what seems to be gone. */
  hold(keys: readonly string[]): void {
    for (const key of keys) this.#seen.get(key)!.isHeld = true;
  }

  /** All that is known, in pages. */
  *pages(): Generator<readonly RawEntry[]> {
    const all = [...this.#seen.values()];
    for (let start = 0; start < all.length; start += pageSize) yield decoded(all.slice(start, start + pageSize));
  }
}

/** Values of one page share their memory: a thousand of their own cost more than what is in them. */
function decoded(page: readonly Seen[]): RawEntry[] {
  const lengths = page.map(({ text }) => Buffer.byteLength(text, 'base64'));
  const bytes = Buffer.from(new ArrayBuffer(lengths.reduce((sum, length) => sum + length, 0)));
  let at = 0;
  return page.map(({ key, text, revision, error }): RawEntry => {
    const start = at;
    at += bytes.write(text, at, 'base64');
    const value = new Uint8Array(bytes.buffer, start, at - start);
    return error === undefined ? { key, value, revision } : { key, error, raw: value, revision };
  });
}

function errorOf({ Key: key, fault }: Listed): DatasyncError | undefined {
  return fault === undefined ? undefined : new DatasyncError('INVALID_KEY', fault, { backend: 'consul', key });
}
