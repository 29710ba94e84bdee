import { defer, from, Observable, Subject } from 'rxjs';
import { textCodec } from '../../../lib/index.ts';
import type { ChangesFrame, RawChange } from '../../../lib/source/frames.ts';
import { ContinuityLost } from '../../../lib/source/frames.ts';
import type { PinnedPage } from '../../../lib/source/pinned.ts';
import { type History, undecodable } from '../../../lib/testing/index.ts';

/** A value that the codec of these specs refuses. */
export const BAD = 'BAD';

/** A transaction: what is `undefined` is deleted. */
export type Writes = Readonly<Record<string, string | undefined>>;

export interface TinyRecord {
  readonly revision: number;
  readonly writes: Writes;
}

export interface TinyEntry {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

const raw = (value: string): Uint8Array => textCodec.encode(value, '');

/** A store with revisions, as small as can be; everything it does stands in the history before anybody hears of it. */
export class TinyStore {
  revision = 0;
  readonly entries = new Map<string, TinyEntry>();
  readonly log: TinyRecord[] = [];
  /** The log starts after it. */
  compacted = 0;
  readonly records = new Subject<TinyRecord>();
  readonly cuts = new Subject<Error>();
  readonly #history: History<string>;
  /** How often it was wiped: a position of another life means nothing. */
  #lives = 0;

  constructor(history: History<string>) {
    this.#history = history;
  }

  write(writes: Writes): number {
    const revision = ++this.revision;
    const put: Record<string, string | typeof undecodable> = {};
    const deleted: string[] = [];
    for (const [key, value] of Object.entries(writes)) {
      if (value === undefined) {
        this.entries.delete(key);
        deleted.push(key);
      } else {
        this.entries.set(key, { key, value, revision });
        put[key] = value === BAD ? undecodable : value;
      }
    }
    this.#history.write({ revision, put, delete: deleted });
    const record = { revision, writes };
    this.log.push(record);
    this.records.next(record);
    return revision;
  }

  /** Every connection breaks. */
  cut(error: Error = new Error('connection reset')): void {
    this.#history.note('cut');
    this.cuts.next(error);
  }

  compact(): void {
    this.compacted = this.revision;
    this.log.length = 0;
    this.#history.compacted(this.revision);
  }

  /** @returns what puts everything back as it is now */
  backup(): () => void {
    const records = [...this.log];
    return () => {
      this.wipe();
      this.cut();
      for (const { writes } of records) this.write(writes);
    };
  }

  /** Empty, and back at revision 0. */
  wipe(): void {
    this.entries.clear();
    this.log.length = 0;
    this.revision = this.compacted = 0;
    this.#lives++;
    this.#history.write({ revision: 0, whole: true });
  }

  page(entries: Iterable<TinyEntry> = this.entries.values(), revision: number = this.revision): PinnedPage<number> {
    return {
      entries: Array.from(entries, ({ key, value, revision }) => ({ key, value: raw(value), revision })),
      revision,
      position: this.#positionAt(revision),
    };
  }

  /** Everything at once. */
  list(): Observable<PinnedPage<number>> {
    return defer(() => [this.page()]);
  }

  /** Everything after a revision, past and future, until the connection is cut. */
  watch(position: number): Observable<ChangesFrame<number>> {
    const after = position % life;
    return new Observable((subscriber) => {
      if (position - after !== this.#positionAt(0)) subscriber.error(new ContinuityLost('regressed'));
      if (after < this.compacted) subscriber.error(new ContinuityLost('compacted'));
      if (after > this.revision) subscriber.error(new ContinuityLost('regressed'));
      subscriber.add(this.cuts.subscribe((error) => subscriber.error(error)));
      subscriber.add(this.records.subscribe((record) => subscriber.next(this.#frameOf(record))));
      subscriber.add(
        from(this.log.filter(({ revision }) => revision > after)).subscribe((record) =>
          subscriber.next(this.#frameOf(record)),
        ),
      );
    });
  }

  #frameOf(record: TinyRecord): ChangesFrame<number> {
    return { ...frameOf(record), position: this.#positionAt(record.revision) };
  }

  /** What a position of another life is taken for by who sees a number only. */
  taken(position: number): number {
    return this.#positionAt(position % life);
  }

  #positionAt(revision: number): number {
    return this.#lives * life + revision;
  }
}

/** More revisions than a store of a spec ever has. */
const life = 1_000_000;

export function frameOf({ revision, writes }: TinyRecord): ChangesFrame<number> {
  const changes = Object.entries(writes).map(([key, value]): RawChange => {
    return value === undefined ? { op: 'delete', key, revision } : { op: 'put', key, value: raw(value), revision };
  });
  return { type: 'changes', changes, revision, position: revision };
}
