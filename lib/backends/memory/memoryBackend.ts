import { concat, concatMap, defer, filter, from, map, merge, type Observable, of, take } from 'rxjs';
import { outcomes } from '../../model/ack.ts';
import { checkOptions, oneOf, rule } from '../../model/options.ts';
import { diffed } from '../../source/diffed.ts';
import type { Backend, ChangesFrame, ProgressFrame, RawChange, RawEntry } from '../../source/frames.ts';
import { pinned } from '../../source/pinned.ts';
import { isUnder } from '../../source/prefixes.ts';
import { windowed } from '../../source/windowed.ts';
import type { Member } from './commits.ts';
import type { MemoryPosition, MemoryRecord } from './feed.ts';
import { checkStore, type MemoryStore } from './memoryStore.ts';

/** Options of {@link memoryBackend}. */
export interface MemoryBackendOptions {
  /**
   * How snapshot and changes are joined: `pinned` as etcd does, with the store's revisions; `windowed` as Redis does,
   * `diffed` as Consul does. The last two use no more of the store than those have. Default: `pinned`.
   */
  readonly handOver?: 'pinned' | 'windowed' | 'diffed';
  /** For messages. Default: `memory`. */
  readonly name?: string;
}

/** Pages of a listing: small enough to interleave, large enough not to matter. */
const pageSize = 1_000;

/** A subscriber whose keys are quiet is told its position after so many revisions, lest it falls out of the log. */
const quietLimit = 100;

/**
 * A memory store, as the loop sees it. Everything is synchronous: a write is told before it returns.
 * After `wipe` every hand-over says `regressed`.
 *
 * @param store where to read
 * @param options see {@link MemoryBackendOptions}
 * @returns a backend for `fromBackend`
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function memoryBackend(store: MemoryStore, options: MemoryBackendOptions = {}): Backend<MemoryPosition> {
  checkStore('memoryBackend', store);
  checkOptions('memoryBackend', options, { handOver: oneOf('pinned', 'windowed', 'diffed'), name: rule.text });
  const { handOver = 'pinned', name = 'memory' } = options;
  if (handOver === 'pinned') return pinnedMemory(store, name);
  return handOver === 'windowed' ? windowedMemory(store, name) : diffedMemory(store, name);
}

/**
 * @param member whose word `commit` waits for
 * @internal
 */
export function pinnedMemory(store: MemoryStore, name: string, member?: Member): Backend<MemoryPosition> {
  return pinned<MemoryPosition>({
    name,
    capabilities: { progress: 'native', nack: 'wire' },
    list: ({ prefixes, at }) =>
      defer(() => {
        const position = at ?? store.position;
        const { revision } = position;
        const pages = pagesOf([...store.list(prefixes, position)]);
        if (at === undefined) member?.listed(position);
        return from(pages).pipe(map((entries) => ({ entries, position, revision })));
      }),
    watch: ({ prefixes, from: position }) =>
      concat(
        of(progressAt(position)),
        defer(() => followed(store, prefixes, position, member)),
      ),
  });
}

type Told = ChangesFrame<MemoryPosition> | ProgressFrame<MemoryPosition>;

function followed(
  store: MemoryStore,
  prefixes: readonly string[],
  from: MemoryPosition,
  member: Member | undefined,
): Observable<Told> {
  const limit = Math.min(quietLimit, store.history);
  let quiet = 0;
  return store.records(from).pipe(
    map((record): Told | undefined => {
      const { position } = record;
      const changes = changesUnder(record, prefixes);
      const settled = member?.hand(record);
      if (changes.length === 0) {
        settled?.(outcomes.superseded);
        return ++quiet % limit === 0 ? progressAt(position) : undefined;
      }
      quiet = 0;
      const frame: Told = { type: 'changes', changes, revision: position.revision, position };
      return settled === undefined ? frame : { ...frame, settled };
    }),
    filter((frame) => frame !== undefined),
  );
}

function windowedMemory(store: MemoryStore, name: string): Backend<never> {
  return windowed({
    name,
    capabilities: {
      reasons: { resume: 'used as a store that keeps no history', revision: 'used as a store without revisions' },
    },
    watch: ({ prefixes }) =>
      defer(() => {
        const touched = store.records(store.position).pipe(
          map((record) => ({ touched: changesUnder(record, prefixes).map(({ key }) => key) })),
          filter((message) => message.touched.length > 0),
        );
        // Announced from before it says so: also while it is listed.
        return merge(touched, of('armed' as const));
      }),
    list: ({ prefixes }) => defer(() => pagesOf(plain(store.list(prefixes)))),
    read: (keys) => defer(() => of(plain(keys.flatMap((key) => store.get(key) ?? [])))),
  });
}

function diffedMemory(store: MemoryStore, name: string): Backend<never> {
  return diffed<MemoryPosition>(
    ({ prefixes, since }) => {
      const answer = defer(() => {
        const { position } = store;
        return from(pagesOf(plain(store.list(prefixes)))).pipe(map((entries) => ({ entries, position })));
      });
      return defer(() => {
        // What changed since cannot be said any more: an answer says it all.
        const forgotten = since?.identity === store.position.identity && since.revision < store.compacted;
        if (since === undefined || forgotten) return answer;
        return store.records(since).pipe(
          filter((record) => changesUnder(record, prefixes).length > 0),
          take(1),
          concatMap(() => answer),
        );
      });
    },
    {
      name,
      capabilities: {
        reasons: { resume: 'used as a store that keeps no history', revision: 'used as a store that is only listed' },
      },
    },
  );
}

/** As a store hands it out that has no revisions. */
function plain(entries: Iterable<RawEntry & { readonly value: Uint8Array }>): RawEntry[] {
  return Array.from(entries, ({ key, value }) => ({ key, value }));
}

/** At least one page, also of nothing. */
function pagesOf(entries: readonly RawEntry[]): (readonly RawEntry[])[] {
  const pages = [entries.slice(0, pageSize)];
  for (let start = pageSize; start < entries.length; start += pageSize)
    pages.push(entries.slice(start, start + pageSize));
  return pages;
}

function changesUnder({ changes }: MemoryRecord, prefixes: readonly string[]): readonly RawChange[] {
  if (changes.every(({ key }) => isUnder(key, prefixes))) return changes;
  return changes.filter(({ key }) => isUnder(key, prefixes));
}

function progressAt(position: MemoryPosition): ProgressFrame<MemoryPosition> {
  return { type: 'progress', revision: position.revision, position };
}
