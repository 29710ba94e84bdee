import { lastValueFrom, tap } from 'rxjs';
import type { Codec } from '../../lib/model/codec.ts';
import type { KeyValue } from '../../lib/model/values.ts';
import { ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import { bufferDuringResync } from '../../lib/operators/bufferDuringResync.ts';
import { filterByRevision } from '../../lib/operators/filterByRevision.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { inTurns, ListedStore, type Listing, type WireEntry } from './listing.ts';

/** Who follows a listing, and says what is different the next time. */
export interface Mirror {
  read(listing: Listing): Promise<Difference>;
  close(): void;
}

export interface Difference {
  readonly size: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** Our source with the operators, and a handler that looks at what it gets. */
export function sourceMirror(codec: Codec<unknown>): Mirror {
  let store: ListedStore | undefined;
  let told: (difference: Difference) => void = () => undefined;
  let close = (): void => undefined;
  const open = (opened: ListedStore): void => {
    const source = fromBackend(opened.backend(), { prefixes: ['/nodes/'], codec, resyncOn: opened.asked });
    const subscription = source
      .pipe(
        bufferDuringResync(),
        filterByRevision(),
        ackWithCallback({
          resync: ({ entries, diff }) => {
            const { added, changed, removed } = diff;
            told({ size: entries.size, added: added.length, changed: changed.length, removed: removed.length });
          },
          change: () => undefined,
        }),
      )
      .subscribe();
    close = () => subscription.unsubscribe();
  };
  return {
    read: (listing) =>
      new Promise((resolve) => {
        told = resolve;
        if (store === undefined) {
          store = new ListedStore(listing);
          open(store);
        } else {
          store.listing = listing;
          store.ask();
        }
      }),
    close: () => close(),
  };
}

interface PlainEntry {
  readonly value: unknown;
  readonly raw: Uint8Array;
  readonly revision: number;
}

/**
 * By hand: a Map of the decoded values. The next listing fills a second Map, takes from the first what has the same
 * revision, and what is left over is gone.
 */
export function mapMirror(codec: Codec<unknown>): Mirror {
  let entries = new Map<string, PlainEntry>();
  return {
    read: async (listing) => {
      const next = new Map<string, PlainEntry>();
      const items: KeyValue<unknown>[] = [];
      const added: KeyValue<unknown>[] = [];
      const changed: (KeyValue<unknown> & { prevValue: unknown })[] = [];
      const removed: string[] = [];
      const take = ({ key, value: raw, revision }: WireEntry): void => {
        const old = entries.get(key);
        if (old?.revision === revision) {
          next.set(key, old);
          items.push({ key, value: old.value, revision });
          return;
        }
        const value = codec.decode(raw, key);
        next.set(key, { value, raw, revision });
        const item = { key, value, revision };
        items.push(item);
        if (old === undefined) added.push(item);
        else changed.push({ ...item, prevValue: old.value });
      };
      await lastValueFrom(inTurns(listing).pipe(tap((page) => page.forEach(take))));
      for (const key of entries.keys()) if (!next.has(key)) removed.push(key);
      entries = next;
      return { size: items.length, added: added.length, changed: changed.length, removed: removed.length };
    },
    close: () => {
      entries = new Map();
    },
  };
}
