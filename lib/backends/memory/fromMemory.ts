import { defer, filter, isObservable, map, type Observable, of, tap } from 'rxjs';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import { cold } from '../../internal/cold.ts';
import type { Codec } from '../../model/codec.ts';
import type { ChangeEvent, ResyncEvent, Source } from '../../model/events.ts';
import { checkSourceConfig, type SourceConfig } from '../../source/config.ts';
import { Half, type HalfConfig } from '../../source/halves.ts';
import { Loop } from '../../source/loop.ts';
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
export type MemoryHalfConfig<T> = HalfConfig<T>;

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
  checkStore('listMemory', store);
  const half = new Half('listMemory', 'memory', config);
  return defer(() => of(half.resync(store.list(half.prefixes), store.revision)));
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
  checkStore('watchMemory', store);
  const half = new Half('watchMemory', 'memory', config);
  return defer(() => store.records(store.position)).pipe(
    map(({ position, changes }) => half.change(changes, position.revision)),
    filter((event) => event !== undefined),
  );
}
