import { defer, filter, isObservable, map, type Observable, of, tap } from 'rxjs';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import { cold } from '../../internal/cold.ts';
import type { Codec } from '../../model/codec.ts';
import { decode } from '../../model/coding.ts';
import type { DatasyncError } from '../../model/errors.ts';
import { ChangeEvent, ResyncEvent, type Source } from '../../model/events.ts';
import { checkOptions, rule } from '../../model/options.ts';
import { Snapshot } from '../../model/snapshot.ts';
import type { Change, KeyValue, Rejected } from '../../model/values.ts';
import { checkSourceConfig, type SourceConfig, sourceRules } from '../../source/config.ts';
import { Loop } from '../../source/loop.ts';
import { isUnder } from '../../source/prefixes.ts';
import { Member } from './commits.ts';
import { pinnedMemory } from './memoryBackend.ts';
import { checkStore, type MemoryStore } from './memoryStore.ts';

/** Configuration of {@link fromMemory}. */
export type FromMemoryConfig<T> = SourceConfig<T>;

/**
 * A memory store as a source. Writes are told before they return; `txn().commit()` of a `memoryBroker` waits for what
 * each subscriber says of them, under `config.name`, else `subscriber-1`, `subscriber-2` …, counted per store.
 *
 * Order: the store's. Errors and completion: see `fromBackend`. Memory: one entry per key, and what waits.
 *
 * @example
 * const store = memoryStore();
 * fromMemory(store, { prefixes: ['/nodes/'], codec: jsonCodec<Node>() }).pipe(bufferDuringResync(), ackWithCallback({ resync, change }))
 *
 * @param config as of every source; `codec` defaults to `bytesCodec`
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function fromMemory(store: MemoryStore, config: FromMemoryConfig<Uint8Array>): Source<Uint8Array>;
export function fromMemory<T>(
  store: MemoryStore,
  config: FromMemoryConfig<T> & { readonly codec: Codec<T> },
): Source<T>;
export function fromMemory<T>(store: MemoryStore, config: FromMemoryConfig<T>): Source<T> {
  checkStore('fromMemory', store);
  checkSourceConfig('fromMemory', config);
  const codec = config.codec ?? (bytesCodec as unknown as Codec<T>);
  const given = isObservable(config.prefixes) ? config.prefixes : [...config.prefixes];
  let subscriptions = 0;
  return cold((subscriber) => {
    // Per subscription, not per connection: who is reconnecting still watches, and a commit waits for it.
    const member = new Member(config.name ?? store.nextSubscriber());
    const leave = store.join(member);
    const prefixes = watched(given, member);
    new Loop(
      pinnedMemory(store, 'memory', member),
      { ...config, codec, prefixes },
      subscriber,
      ++subscriptions,
    ).start();
    subscriber.add(leave);
  });
}

function watched(
  prefixes: SourceConfig<unknown>['prefixes'],
  member: Member,
): readonly string[] | Observable<readonly string[]> {
  if (isObservable(prefixes)) return prefixes.pipe(tap((list) => member.watch(Array.isArray(list) ? list : [])));
  member.watch(prefixes);
  return prefixes;
}

/** Configuration of {@link listMemory} and {@link watchMemory}. */
export interface MemoryHalfConfig<T> {
  /** Raw string prefixes; `''` is everything. */
  readonly prefixes: readonly string[];
  /** Default: `bytesCodec`. */
  readonly codec?: Codec<T>;
}

/**
 * The first half of a source by hand: one resync with what the store holds when it is subscribed, then it completes.
 * Nothing joins it with the changes of {@link watchMemory}: that is the work of the operators.
 *
 * @example
 * merge(watchMemory(store, config), listMemory(store, config))
 *   .pipe(bufferDuringResync(), filterByRevision(), trackPrevious(), ackWithCallback({ resync, change }))
 *
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function listMemory(
  store: MemoryStore,
  config: MemoryHalfConfig<Uint8Array>,
): Observable<ResyncEvent<Uint8Array>>;
export function listMemory<T>(
  store: MemoryStore,
  config: MemoryHalfConfig<T> & { readonly codec: Codec<T> },
): Observable<ResyncEvent<T>>;
export function listMemory<T>(store: MemoryStore, config: MemoryHalfConfig<T>): Observable<ResyncEvent<T>> {
  const { prefixes, read } = halfOf('listMemory', store, config);
  return defer(() => {
    const items: KeyValue<T>[] = [];
    const rejected: Rejected<T>[] = [];
    for (const { key, value, revision } of store.list(prefixes)) {
      const result = read(key, value);
      if ('error' in result) rejected.push(result);
      else items.push({ key, value: result.value, revision });
    }
    const { revision } = store;
    const diff = { added: items, changed: [], removed: [] };
    return of(
      new ResyncEvent<T>({
        epoch: 0,
        revision,
        reason: 'initial',
        prefixes,
        entries: new Snapshot(items),
        diff,
        rejected,
      }),
    );
  });
}

/**
 * The second half of a source by hand: every transaction from the subscription on, one event each, with the store's
 * revisions and without previous values (`trackPrevious` knows them). Never completes.
 *
 * Errors: `ContinuityLost` when the store is wiped; rxjs `retry` around both halves begins anew.
 *
 * @see {@link listMemory}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function watchMemory(
  store: MemoryStore,
  config: MemoryHalfConfig<Uint8Array>,
): Observable<ChangeEvent<Uint8Array>>;
export function watchMemory<T>(
  store: MemoryStore,
  config: MemoryHalfConfig<T> & { readonly codec: Codec<T> },
): Observable<ChangeEvent<T>>;
export function watchMemory<T>(store: MemoryStore, config: MemoryHalfConfig<T>): Observable<ChangeEvent<T>> {
  const { prefixes, read } = halfOf('watchMemory', store, config);
  return defer(() => store.records(store.position)).pipe(
    map(({ position: { revision }, changes: raw }) => {
      const changes: Change<T>[] = [];
      const rejected: Rejected<T>[] = [];
      for (const change of raw) {
        const { key } = change;
        if (!isUnder(key, prefixes)) continue;
        if (change.op === 'delete') {
          changes.push({ op: 'delete', key, prevValue: undefined, revision });
          continue;
        }
        const result = 'error' in change ? { key, raw: change.raw, error: change.error } : read(key, change.value);
        if ('error' in result) rejected.push(result);
        else changes.push({ op: 'put', key, value: result.value, prevValue: undefined, revision });
      }
      return ChangeEvent.of(changes, revision, { rejected });
    }),
    filter(({ changes, rejected }) => changes.length + rejected.length > 0),
  );
}

function halfOf<T>(where: string, store: MemoryStore, config: MemoryHalfConfig<T>) {
  checkStore(where, store);
  checkOptions(where, config, { prefixes: rule.texts, codec: sourceRules['codec']! }, ['prefixes']);
  const codec = config.codec ?? (bytesCodec as unknown as Codec<T>);
  return {
    prefixes: config.prefixes,
    read: (key: string, raw: Uint8Array): { readonly value: T } | Rejected<T> => {
      try {
        return { value: decode(codec, raw, key, 'memory') };
      } catch (error) {
        return { key, raw, error: error as DatasyncError };
      }
    },
  };
}
