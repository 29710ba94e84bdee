import { setTimeout as sleep } from 'node:timers/promises';
import { concat, defer, from, merge, mergeMap, type Observable, Subject, throwError } from 'rxjs';

/** One transaction; a key without a value is deleted. */
export interface Line {
  readonly revision: number;
  readonly values: ReadonlyMap<string, Uint8Array | undefined>;
}

/** What a key holds, and the line that says so. */
export interface Entry {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** The store of this example: a book of numbered lines, read over a connection that takes a while and may break. */
export class Notebook {
  readonly #lines: Line[] = [];
  readonly #written: Subject<Line> = new Subject();
  readonly #broken: Subject<void> = new Subject();

  write(values: Line['values']): number {
    const revision = this.#lines.length + 1;
    const line = { revision, values };
    this.#lines.push(line);
    this.#written.next(line);
    return revision;
  }

  /** What the book says, now or at a line. */
  async list(at?: number): Promise<{ readonly revision: number; readonly entries: ReadonlyMap<string, Entry> }> {
    await sleep(1);
    const revision = at ?? this.#lines.length;
    const entries = new Map<string, Entry>();
    for (const { revision: line, values } of this.#lines.slice(0, revision)) {
      for (const [key, value] of values) {
        if (value === undefined) entries.delete(key);
        else entries.set(key, { value, revision: line });
      }
    }
    await sleep(1);
    return { revision, entries };
  }

  /** Every line after one of them, as they are written. */
  watch(after: number): Observable<Line> {
    const lines = defer(() => concat(from(this.#lines.slice(after)), this.#written));
    const breaks = this.#broken.pipe(mergeMap(() => throwError(() => new Error('the connection was reset'))));
    return merge(breaks, lines);
  }

  /** Every connection breaks. */
  disconnect(): void {
    this.#broken.next();
  }
}
