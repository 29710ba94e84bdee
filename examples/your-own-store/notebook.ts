import { setTimeout as sleep } from 'node:timers/promises';
import { concat, defer, from, type Observable, Subject } from 'rxjs';

/** One write; without a value it is a delete. Its revision is its place in the book. */
export interface Line {
  readonly revision: number;
  readonly key: string;
  readonly value: string | undefined;
}

/** The store of this example: it can be listed, which takes a while, and watched from a revision on. */
export class Notebook {
  readonly #lines: Line[] = [];
  readonly #written = new Subject<Line>();

  write(key: string, value?: string): void {
    const line = { revision: this.#lines.length + 1, key, value };
    this.#lines.push(line);
    this.#written.next(line);
  }

  /** What the book says, now or at a revision. The answer is made after 10 ms and arrives after 20. */
  async list(at?: number): Promise<{ readonly revision: number; readonly entries: ReadonlyMap<string, string> }> {
    await sleep(10);
    const revision = at ?? this.#lines.length;
    const entries = new Map<string, string>();
    for (const { key, value } of this.#lines.slice(0, revision)) {
      if (value === undefined) entries.delete(key);
      else entries.set(key, value);
    }
    await sleep(10);
    return { revision, entries };
  }

  /** Everything that is written after a revision; default: from now on. */
  watch(after?: number): Observable<Line> {
    return defer(() => concat(from(this.#lines.slice(after ?? this.#lines.length)), this.#written));
  }
}
