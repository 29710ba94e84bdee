import { defer, type Observable } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { attach } from '../internal/connect.ts';
import type { Capabilities } from '../model/capabilities.ts';
import { checkOptions, type Rules, rule } from '../model/options.ts';
import { storeRules } from './config.ts';
import type { Backend, Frame, RawChange, RawEntry } from './frames.ts';
import { observed } from './observed.ts';

/** What a store offers whose notifications name keys, and nothing else. */
export interface WindowedStore {
  /** For messages. Default: `custom`. */
  readonly name?: string;
  /**
   * Emits `'armed'` once every change from now on will be announced, then the keys that were touched; `'replaced'` where the
   * store was emptied, or other data took the place of all it held. It must end (complete or fail) when an announcement may
   * have been lost.
   */
  readonly watch: (request: {
    readonly prefixes: readonly string[];
  }) => Observable<'armed' | 'replaced' | { readonly touched: readonly string[] }>;
  /** Everything under `prefixes`, in pages, as of any time after the call; a key may come twice. Completes. */
  readonly list: (request: { readonly prefixes: readonly string[] }) => Observable<readonly RawEntry[]>;
  /** The present value of some keys, at once or in pages; a key that is missing does not exist. Completes. */
  readonly read: (keys: readonly string[]) => Observable<readonly RawEntry[]>;
  /** How many keys are read at once. Default: 500. */
  readonly batch?: number;
  readonly capabilities?: Partial<Capabilities>;
  /** See {@link Backend.maxSilence}. */
  readonly maxSilence?: number;
}

const storeOptions: Rules = {
  watch: rule.callback,
  list: rule.callback,
  read: rule.callback,
  batch: rule.positive,
  ...storeRules,
};

/**
 * A backend for stores that announce which keys were touched (Redis): armed first, then listed, then every touched key
 * is read again, one read in flight, as fast as the subscriber takes it.
 *
 * An announcement carries no value on purpose: replaying values that overlap the listing, without a version per key
 * to compare, sends keys back in time.
 *
 * Where the store says that its data was replaced, everything is listed again, on the same connection: a resync that says
 * `regressed`. Where more keys wait to be read than were listed (and more than 100,000), everything is listed again, too, which
 * is told as what has changed.
 *
 * @param store how to watch, to list and to read
 * @returns a backend for `fromBackend`; where a function returns no Observable, the subscription ends with `INVALID_CONFIG`
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function windowed(store: WindowedStore): Backend<never> {
  checkOptions('windowed', store, storeOptions, ['watch', 'list', 'read']);
  const { name = 'custom', batch = 500 } = store;

  return {
    name,
    ...(store.maxSilence === undefined ? {} : { maxSilence: store.maxSilence }),
    capabilities: {
      handOver: 'windowed',
      order: 'key',
      atomic: 'none',
      resume: 'none',
      deletes: 'live+resync',
      prev: 'tracked',
      progress: 'none',
      nack: 'local',
      empty: 'distinguishable',
      revision: 'subscription',
      ...store.capabilities,
      reasons: {
        atomic: 'touched keys are read again one batch after the other',
        resume: 'announcements are not kept by the store',
        revision: 'the store has no revision',
        ...store.capabilities?.reasons,
      },
    },
    open: ({ prefixes, ready }) =>
      cold<Frame<never>>((subscriber) => {
        const touched = new Touched();
        let armed = false;
        let listed = false;
        /** How many entries the last listing had. */
        let size = 0;
        /** All that was listed is out of date: other data has taken its place, or too much was touched. */
        let outdated: 'replaced' | 'overrun' | undefined;
        let reading = false;
        let looping = false;
        /** What was read last, and is not told yet. */
        let read: readonly RawChange[] | undefined;
        let telling = false;

        const fail = (error: unknown): void => subscriber.error(error);
        const run = <T>(source: () => Observable<T>, next: (value: T) => void, complete: () => void): void =>
          void attach(subscriber, defer(source), { next, error: fail, complete });

        const list = (reason?: 'regressed'): void => {
          listed = false;
          size = 0;
          run(
            () => observed("windowed: 'list'", name, store.list({ prefixes })),
            (entries) => {
              size += entries.length;
              subscriber.next({ type: 'page', entries });
            },
            () => {
              listed = true;
              subscriber.next({ type: 'snapshot', ...(reason === undefined ? {} : { reason }) });
              goOn();
            },
          );
        };

        const outdate = (why: 'replaced' | 'overrun'): void => {
          outdated = why;
          touched.clear();
        };

        const listAgain = (): void => {
          listed = false;
          run(
            ready,
            () => undefined,
            () => {
              const reason = outdated === 'replaced' ? 'regressed' : undefined;
              outdated = undefined;
              list(reason);
            },
          );
        };

        const goOn = (): void => {
          if (outdated === undefined) readTouched();
          // What has been read, or is being read now, may be older than the listing: that is told first.
          else if (listed && !reading && !read && !subscriber.closed) listAgain();
        };

        const readTouched = (): void => {
          // A loop, not a recursion: a store may answer at once, any number of times.
          if (looping) return;
          looping = true;
          while (listed && !reading && !read && outdated === undefined && touched.size > 0 && !subscriber.closed) {
            reading = true;
            run(ready, () => undefined, readBatch);
          }
          looping = false;
        };

        const readBatch = (): void => {
          // Taken out before the read starts: touched again meanwhile means read again.
          const keys = touched.take(batch);
          reading = keys.length > 0;
          // All of it became out of date while there was no room.
          if (!reading) return goOn();
          const found = new Map<string, RawEntry>();
          run(
            () => observed("windowed: 'read'", name, store.read(keys)),
            (entries) => {
              for (const entry of entries) found.set(entry.key, entry);
            },
            () => {
              reading = false;
              const changes = keys.map((key): RawChange => {
                const entry = found.get(key);
                return entry === undefined ? { op: 'delete', key } : { op: 'put', ...entry };
              });
              read = changes;
              tell();
            },
          );
        };

        const tell = (): void => {
          // A store that answers at once comes here from within.
          if (telling) return;
          telling = true;
          while (read !== undefined) {
            const changes = read;
            read = undefined;
            // The next are asked for before these are told: so the store works meanwhile.
            readTouched();
            subscriber.next({ type: 'changes', changes, coalesced: true });
          }
          telling = false;
          goOn();
        };

        run(
          () => observed("windowed: 'watch'", name, store.watch({ prefixes })),
          (message) => {
            if (message === 'armed') {
              if (armed) return fail(new Error('armed twice: announcements between the two may be lost'));
              armed = true;
              return list();
            }
            if (message === 'replaced') {
              // Before it is armed, there is nothing that it could replace.
              if (armed) outdate('replaced');
              return goOn();
            }
            // The next listing will be younger than all of it.
            if (outdated !== undefined) return;
            for (const key of message.touched) touched.add(key);
            if (touched.size > Math.max(mostNames, size)) outdate('overrun');
            goOn();
          },
          () => subscriber.complete(),
        );
      }),
  };
}

/** How many names are kept for a subscriber that takes nothing, where fewer keys were listed: beyond it, all is listed again. */
const mostNames = 100_000;

/** The keys that were touched, each once, taken from the front. */
class Touched extends Set<string> {
  // Kept: a new one would have to pass over all that was taken, time and again.
  #walk: IterableIterator<string> | undefined;

  take(count: number): string[] {
    const taken: string[] = [];
    this.#walk ??= this.values();
    while (taken.length < count) {
      const next = this.#walk.next();
      if (next.done === true) {
        this.#walk = undefined;
        break;
      }
      this.delete(next.value);
      taken.push(next.value);
    }
    return taken;
  }
}
