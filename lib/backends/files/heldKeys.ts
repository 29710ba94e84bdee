import { readFile } from 'node:fs/promises';
import { asyncScheduler } from 'rxjs';
import { DatasyncError } from '../../model/errors.ts';
import type { Entries } from './parse.ts';
import type { Files, Hidden, Scanned } from './scan.ts';
import { isAbsence } from './stats.ts';

/** Milliseconds for which a trouble counts as new: what is saved together may be seen in several looks. */
const fresh = 2_000;
/** Bytes that are searched for keys at most, in all: so long that nobody waits for it. */
const searched = 1e8;

/**
 * Keys that no file has any more, while a file that cannot be read or parsed may have them: an entry that moves into a file
 * which the same save breaks is not gone. One per connection.
 *
 * A key is held by what became unreadable or broken when the key went, or shortly before, and by every broken file whose text
 * has the key in it, since whenever it is broken. What is hidden when a connection begins has been so for long: a path that never
 * existed has no part in what is deleted just then. A key stays until all of these are mended or gone. What is being written holds as long
 * as it is.
 */
export class HeldKeys {
  /** Since when all that is hidden looks as it does. */
  #since: ReadonlyMap<string, Hidden & { readonly at: number }> = new Map();
  #isFirst = true;
  /** Paths that do not exist. */
  #absent: ReadonlySet<string | undefined> = new Set();
  /** What was hidden when nothing was held back by anyone. */
  #before: Scanned['hidden'] = new Map();
  #fresh: ReadonlySet<string> = new Set();
  /** By key what may have it. */
  #held: ReadonlyMap<string, ReadonlySet<string>> = new Map();

  /** How many keys are held. */
  get size(): number {
    return this.#held.size;
  }

  /** What the status says of it: one error for each file that may have keys. */
  get problems(): DatasyncError[] {
    const keys = new Map<string, string[]>();
    const named = new Map<ReadonlySet<string>, string | undefined>();
    for (const [key, paths] of this.#held) {
      if (!named.has(paths)) named.set(paths, this.#lasting(paths));
      const path = named.get(paths);
      if (path === undefined) continue;
      const others = keys.get(path);
      if (others === undefined) keys.set(path, [key]);
      else others.push(key);
    }
    return Array.from(keys, ([file, [key, ...more]]) => {
      const what = `${JSON.stringify(key)}${more.length > 0 ? ` (and ${more.length} more)` : ''}`;
      const where = this.#absent.has(file)
        ? ', which does not exist: create it, with `data: []` if it is empty'
        : ': it stays until that can be read, or is gone';
      const message = `${what} cannot be found any more, but may be in ${file}${where}`;
      return new DatasyncError('SHRUNK', message, { backend: 'files', key: key!, file });
    });
  }

  /** The first path that is not only being written. */
  #lasting(paths: ReadonlySet<string>): string | undefined {
    for (const path of paths) if (this.#since.get(path)?.passing !== true) return path;
    return undefined;
  }

  /** To be called at every look that counts, before {@link keep}. */
  look({ hidden, problems }: Pick<Scanned, 'hidden' | 'problems'>): void {
    const now = asyncScheduler.now();
    const first = this.#isFirst;
    this.#isFirst = false;
    if (first) this.#before = hidden;
    const since = new Map<string, Hidden & { at: number }>();
    const isFresh = new Set<string>();
    for (const [path, each] of hidden) {
      const known = this.#since.get(path);
      const mark = known?.version === each.version ? known : { ...each, at: first ? -Infinity : now };
      since.set(path, mark);
      if (each.passing || now - mark.at < fresh || this.#before.get(path)?.version !== each.version) isFresh.add(path);
    }
    this.#since = since;
    this.#absent = new Set(
      problems.flatMap(({ file, cause }) => (cause instanceof Error && isAbsence(cause) ? [file] : [])),
    );
    this.#fresh = isFresh;
    // What a guard holds back seems to be there: when it lets go, all that was hidden meanwhile is as new as the loss.
    if (!problems.some(({ code }) => code === 'SHRUNK')) this.#before = hidden;
  }

  /** What the files say, and what is held of what was told before. */
  async keep(before: Entries | undefined, after: Entries, files: Files, signal: AbortSignal): Promise<Entries> {
    const last = this.#held;
    const held = new Map<string, ReadonlySet<string>>();
    this.#held = held;
    if (before === undefined || this.#since.size === 0) return after;
    const lost: string[] = [];
    const holdersNow = this.#renewed();
    for (const key of before.keys()) {
      if (after.has(key)) continue;
      const holders = holdersNow(last.get(key));
      if (holders.size > 0) held.set(key, holders);
      else lost.push(key);
    }
    const found = new Map<string, Set<string>>();
    for (const path of lost.length > 0 ? this.#since.keys() : []) {
      const { failure, unreadable } = files.get(path) ?? {};
      if (failure === undefined || unreadable !== undefined) continue;
      for (const key of await named(path, lost, signal)) {
        const own = found.get(key);
        if (own === undefined) found.set(key, new Set([path]));
        else own.add(path);
      }
    }
    for (const [key, holders] of found) held.set(key, holders);
    if (held.size === 0) return after;
    const entries = new Map(after);
    for (const key of held.keys()) entries.set(key, before.get(key)!);
    return entries;
  }

  /** What may have a key now, by what might before. Keys that had the same holders have the same ones again: one Set for all. */
  #renewed(): (last: ReadonlySet<string> | undefined) => ReadonlySet<string> {
    const fresh = this.#fresh;
    const known = new Map<ReadonlySet<string>, ReadonlySet<string>>();
    return (last) => {
      if (last === undefined) return fresh;
      let now = known.get(last);
      if (now === undefined) {
        const still = [...last].filter((path) => this.#since.has(path) && !fresh.has(path));
        now = still.length === 0 ? fresh : new Set([...fresh, ...still]);
        known.set(last, now);
      }
      return now;
    };
  }
}

/** Which of the keys the text of a file has in it, as they are or as JSON writes them. */
async function named(path: string, keys: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  try {
    const bytes = await readFile(path, { signal });
    if (bytes.length * keys.length > searched) return keys;
    return keys.filter((key) => bytes.includes(key) || bytes.includes(JSON.stringify(key).slice(1, -1)));
  } catch {
    signal.throwIfAborted();
    // It is changing: the next look knows more.
    return keys;
  }
}
