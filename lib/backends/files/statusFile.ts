import { readFile } from 'node:fs/promises';
import { asyncScheduler, type Subscription, timer } from 'rxjs';
import { sameBytes } from '../../internal/bytes.ts';
import { DatasyncError, messageOf, reasonOf } from '../../model/errors.ts';
import type { RawEntry } from '../../source/frames.ts';
import { type Foreign, foreignIn } from './foreign.ts';
import { type Entries, parseFile } from './parse.ts';
import { obstacle, replaceFile, standing } from './replaceFile.ts';
import { isAbsence, look, stampOf } from './stats.ts';
import { announceStatusFile } from './statusFiles.ts';
import { statusText } from './statusText.ts';

/** What one write does; it may not throw. */
export type Change<R> = (draft: Draft) => R;

interface Waiting {
  readonly run: (draft: Draft) => () => void;
  readonly reject: (error: unknown) => void;
}

/** The entries of a status file while they are changed. */
export class Draft {
  readonly entries: Map<string, RawEntry>;
  changed = false;

  constructor(entries: Entries) {
    this.entries = new Map(entries);
  }

  put(key: string, value: Uint8Array): void {
    const old = this.entries.get(key);
    if (old !== undefined && !('error' in old) && sameBytes(old.value, value)) return;
    this.entries.set(key, { key, value });
    this.changed = true;
  }

  delete(key: string): boolean {
    const existed = this.entries.delete(key);
    this.changed ||= existed;
    return existed;
  }
}

const nothingForeign: Foreign = { keys: new Set() };
const files = new Map<string, StatusFile>();

/** The status file at a path: one for all of this process who write it. */
export function statusFileAt(path: string): StatusFile {
  const place = announceStatusFile(path);
  const file = files.get(place) ?? new StatusFile(place);
  files.set(place, file);
  return file;
}

/**
 * A file of entries that is read and written by keys. One thing after another: what is asked for while a write is under way
 * is written together with the next one.
 */
export class StatusFile {
  readonly path: string;
  /** What the file says, as long as it looks like `stamp`; `''`: as long as there is none. */
  #entries: Entries = new Map();
  #stamp: string | undefined;
  /** What is in the file and not in the entries. */
  #foreign: Foreign = nothingForeign;
  #lane: Promise<void> = Promise.resolve();
  readonly #waiting: Waiting[] = [];
  /** A write is due, and has not begun. */
  #due = false;
  #timer: Subscription | undefined;
  #lastWrite = -Infinity;

  constructor(path: string) {
    this.path = path;
  }

  /** What `project` makes of the entries, behind all writes that have begun. */
  read<R>(project: (entries: Entries) => R): Promise<R> {
    const result = this.#lane.then(async () => project(await this.#current()));
    this.#lane = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /**
   * Changes the entries; resolves when the file holds it. Nothing is written where nothing is different.
   *
   * @param interval milliseconds that have to lie between two writes
   */
  write<R>(change: Change<R>, interval: number): Promise<R> {
    return new Promise((resolve, reject) => {
      const run = (draft: Draft) => {
        const result = change(draft);
        return () => resolve(result);
      };
      this.#waiting.push({ run, reject });
      if (this.#due) return;
      this.#due = true;
      const wait = this.#lastWrite + interval - asyncScheduler.now();
      if (wait <= 0) this.#begin();
      else this.#timer = timer(wait).subscribe(() => this.#begin());
    });
  }

  /** Writes what waits, without regard to any interval; and forgets what can be read again. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) this.#begin();
    await this.#lane;
    this.#stamp = undefined;
    this.#entries = new Map();
  }

  #begin(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
    this.#lane = this.#lane.then(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    this.#due = false;
    const all = this.#waiting.splice(0);
    try {
      const draft = new Draft(await this.#current());
      const resolves = all.map(({ run }) => run(draft));
      if (draft.changed) {
        this.#refuseLoss(draft);
        await this.#replace(draft.entries);
      }
      for (const each of resolves) each();
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  }

  /** Somebody else may care for what would not be in the new file. */
  #refuseLoss({ entries }: Draft): void {
    const { part, keys } = this.#foreign;
    const bad = [...keys].map((key) => entries.get(key)).find((entry) => entry !== undefined && 'error' in entry);
    if (part === undefined && bad === undefined) return;
    const foreign = part ?? `the entry ${JSON.stringify(bad!.key)}`;
    const what = `is left as it is: ${foreign} would be lost; take that out, or give another path`;
    throw this.#error('UNWRITABLE', what, undefined);
  }

  async #replace(entries: Entries): Promise<void> {
    const text = await statusText(this.path, entries);
    this.#stamp = undefined;
    try {
      const { ino, size, mtimeNs } = await replaceFile(this.path, text);
      const now = await look(this.path);
      // Else somebody else has written it since.
      if (now.ino === ino && now.size === size && now.mtimeNs === mtimeNs) this.#stamp = stampOf(now);
    } catch (cause) {
      throw this.#error('UNWRITABLE', `cannot be written: ${messageOf(cause)}`, cause);
    } finally {
      this.#lastWrite = asyncScheduler.now();
    }
    this.#entries = entries;
  }

  /** What the file says now: others may write it too. */
  async #current(): Promise<Entries> {
    let stamp: string;
    try {
      const stats = await standing(this.path);
      const inTheWay = obstacle(stats);
      if (inTheWay !== undefined) throw new Error(inTheWay);
      stamp = stats === undefined ? '' : stampOf(await look(this.path));
      if (stamp === this.#stamp) return this.#entries;
      this.#foreign = nothingForeign;
      this.#entries = stamp === '' ? new Map() : await this.#parse(await readFile(this.path));
      // It is read again where it changed meanwhile.
      this.#stamp = stamp;
      return this.#entries;
    } catch (cause) {
      this.#stamp = undefined;
      if (cause instanceof DatasyncError) throw cause;
      // It was there a moment ago.
      if (isAbsence(cause)) return new Map();
      throw this.#error('UNREADABLE', `cannot be read: ${messageOf(cause)}`, cause);
    }
  }

  async #parse(bytes: Uint8Array): Promise<Entries> {
    if (bytes.every((byte) => byte <= 0x20)) return new Map();
    try {
      const entries = await parseFile(this.path, bytes);
      this.#foreign = await foreignIn(this.path, bytes, entries);
      return entries;
    } catch (cause) {
      const { code } = cause as DatasyncError;
      if (code !== 'PARSE_FAILED') throw cause;
      const what = 'is none, and is left as it is; remove it, or give another path';
      throw this.#error('PARSE_FAILED', `${what} (${reasonOf(cause)})`, cause);
    }
  }

  #error(code: 'UNWRITABLE' | 'UNREADABLE' | 'PARSE_FAILED', what: string, cause: unknown): DatasyncError {
    const { line, column } = (cause ?? {}) as { line?: number; column?: number };
    const place = code === 'PARSE_FAILED' && line !== undefined ? { line, column: column ?? 1 } : {};
    return new DatasyncError(code, `the status file ${this.path} ${what}`, {
      ...(cause === undefined ? {} : { cause }),
      backend: 'files',
      file: this.path,
      ...place,
    });
  }
}
