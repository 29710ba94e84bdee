import { type Observable, Subject } from 'rxjs';
import type { RawEntry } from '../../lib/source/frames.ts';
import type { WindowedStore } from '../../lib/source/windowed.ts';
import { entries } from '../../lib/testing/frames.ts';

/** A store for `windowed` that is written and answered by hand. */
export class HandStore {
  readonly log: string[] = [];
  readonly values: Record<string, number> = {};
  announcements = new Subject<'armed' | 'replaced' | { readonly touched: readonly string[] }>();
  listing = new Subject<readonly RawEntry[]>();
  reading = new Subject<readonly RawEntry[]>();
  keys: readonly string[] = [];

  readonly store: WindowedStore = {
    watch: ({ prefixes }) => this.#fresh(`watch ${prefixes}`, (subject) => (this.announcements = subject)),
    list: ({ prefixes }) => this.#fresh(`list ${prefixes}`, (subject) => (this.listing = subject)),
    read: (keys) => {
      this.keys = keys;
      return this.#fresh(`read ${keys}`, (subject) => (this.reading = subject));
    },
  };

  #fresh<T>(what: string, set: (subject: Subject<T>) => void): Observable<T> {
    this.log.push(what);
    const subject = new Subject<T>();
    set(subject);
    return subject;
  }

  write(values: Record<string, number | undefined>): void {
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) delete this.values[key];
      else this.values[key] = value;
    }
    this.announcements.next({ touched: Object.keys(values) });
  }

  /** Arms, and lists what is there now. */
  start(): void {
    this.announcements.next('armed');
    this.listing.next(entries(this.values));
    this.listing.complete();
  }

  /** Answers the read that is under way with what is there now. */
  answer(): void {
    const { keys, reading } = this;
    reading.next(entries(Object.fromEntries(Object.entries(this.values).filter(([key]) => keys.includes(key)))));
    reading.complete();
  }
}
