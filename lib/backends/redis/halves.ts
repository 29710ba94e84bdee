import { catchError, defer, EMPTY, finalize, map, merge, mergeMap, type Observable, reduce, throwError } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import type { Codec } from '../../model/codec.ts';
import type { ChangeEvent, ResyncEvent } from '../../model/events.ts';
import { checkArgument } from '../../model/options.ts';
import { ContinuityLost, FatalError, type Frame, type RawEntry } from '../../source/frames.ts';
import { Half, type HalfConfig } from '../../source/halves.ts';
import { coverOf } from '../../source/prefixes.ts';
import { windowed } from '../../source/windowed.ts';
import { Access } from './access.ts';
import { checkClient, isCluster, type RedisClient } from './client.ts';
import { clusterStore } from './cluster.ts';
import { failure } from './failures.ts';
import { Handover } from './handover.ts';
import { checkKeyPrefixes } from './keys.ts';
import { listed } from './listing.ts';
import { nodeStore } from './node.ts';
import { Reading } from './reading.ts';
import { type RedisOptions, type ResolvedRedisOptions, redisRules, resolveRedisOptions } from './sourceOptions.ts';
import { stringsOf } from './strings.ts';

/** Configuration of {@link listRedis} and {@link watchRedis}. */
export interface RedisHalfConfig<T> extends HalfConfig<T>, Omit<RedisOptions, 'onDenied'> {}

/** Of all halves of this process: what began to be read later has the higher one. */
let revision = 0;

/**
 * The first half of a source by hand: one resync with what the store holds, then it completes. It begins when every
 * {@link watchRedis} is armed that was subscribed before it on the same client, and while it reads, they do not: so nothing
 * falls between the two, no value goes back in time, and what both tell is the work of the operators.
 *
 * Redis has no revision: that of the resync is a number of this process, taken when it begins to read.
 *
 * Errors: a `DatasyncError`; rxjs `retry` around both halves begins anew. Memory: the whole state, once.
 *
 * @example
 * merge(watchRedis(client, config), listRedis(client, config))
 *   .pipe(bufferDuringResync(), filterByRevision(), trackPrevious(), ackWithCallback({ resync, change }))
 *
 * @see {@link fromRedis} for all of it, with reconnect and backoff
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function listRedis(
  client: RedisClient,
  config: RedisHalfConfig<Uint8Array>,
): Observable<ResyncEvent<Uint8Array>>;
export function listRedis<T>(
  client: RedisClient,
  config: RedisHalfConfig<T> & { readonly codec: Codec<T> },
): Observable<ResyncEvent<T>>;
export function listRedis<T>(client: RedisClient, config: RedisHalfConfig<T>): Observable<ResyncEvent<T>> {
  const { half, prefixes, options } = checked('listRedis', client, config);
  return defer(() => {
    const access = new Access(client, options.timeout);
    const { read } = access;
    const reading = new Reading(stringsOf(read, access.isCluster), read, options);
    const everything = defer(() => access.masters()).pipe(
      mergeMap((masters) =>
        merge(...masters.map((call) => listed(call, (names) => reading.read(names), prefixes, options))),
      ),
      // A key may come twice, and with two pages under way either may be the later: what changed meanwhile, the other half tells.
      reduce((entries, page) => {
        for (const entry of page) entries.set(entry.key, entry);
        return entries;
      }, new Map<string, RawEntry>()),
    );
    const handover = Handover.of(client);
    const list = (): Observable<ResyncEvent<T>> => {
      const end = handover.list();
      revision += 1;
      const began = revision;
      return everything.pipe(
        map((entries) => half.resync(entries.values(), began)),
        finalize(end),
      );
    };
    return handover.armed().pipe(
      mergeMap(list),
      finalize(() => access.close()),
    );
  }).pipe(catchError(known));
}

/**
 * The second half of a source by hand: what is touched from the subscription on, read again, as many keys at once as there
 * are: one event each, without previous values (`trackPrevious` knows them). Never completes.
 *
 * The revision of an event is a number of this process, taken before its keys are read: one that is not above that of a
 * {@link listRedis} tells nothing which the listing, or a later event, does not tell.
 *
 * Errors: a `DatasyncError`, or `ContinuityLost` where the data was replaced (`FLUSHALL` …) or more than 100,000 keys wait to
 * be read; rxjs `retry` around both halves begins anew. Memory: the names of the keys that were touched and not yet read.
 *
 * @see {@link listRedis}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function watchRedis(
  client: RedisClient,
  config: RedisHalfConfig<Uint8Array>,
): Observable<ChangeEvent<Uint8Array>>;
export function watchRedis<T>(
  client: RedisClient,
  config: RedisHalfConfig<T> & { readonly codec: Codec<T> },
): Observable<ChangeEvent<T>>;
export function watchRedis<T>(client: RedisClient, config: RedisHalfConfig<T>): Observable<ChangeEvent<T>> {
  const { half, prefixes, options } = checked('watchRedis', client, config);
  const events = cold<ChangeEvent<T>>((subscriber) => {
    const handover = Handover.of(client);
    const armed = handover.arm();
    subscriber.add(armed);
    const store = isCluster(client) ? clusterStore(client, options) : nodeStore(client, options);
    /** Of what is being read, or has been and is not told yet. */
    const begun: number[] = [];
    let stands = false;
    const backend = windowed({
      name: 'redis',
      batch: options.batch,
      watch: store.watch,
      // That is the other half's.
      list: () => EMPTY,
      read: (names) => {
        revision += 1;
        begun.push(revision);
        return store.read(names);
      },
    });
    const take = (frame: Frame<never>): void => {
      if (frame.type === 'changes') {
        const event = half.change(frame.changes, begun.shift()!);
        if (event !== undefined) subscriber.next(event.with({ coalesced: true }));
      } else if (frame.type === 'snapshot') {
        if (frame.reason !== undefined)
          subscriber.error(new ContinuityLost(frame.reason, 'the data was replaced by other data'));
        else if (stands)
          subscriber.error(new ContinuityLost('compacted', 'more keys were touched than are remembered'));
        stands = true;
        armed();
      }
    };
    const frames = backend.open({ prefixes, added: prefixes, from: undefined, ready: () => handover.listed() });
    subscriber.add(frames.subscribe({ next: take, error: (error: unknown) => subscriber.error(error) }));
  });
  return events.pipe(catchError(known));
}

/** What a half works with. */
interface Checked<T> {
  readonly half: Half<T>;
  /** The fewest that hold all keys. */
  readonly prefixes: readonly string[];
  readonly options: ResolvedRedisOptions;
}

function checked<T>(where: string, client: RedisClient, config: RedisHalfConfig<T>): Checked<T> {
  checkClient(where, client);
  const { onDenied: _, ...rules } = redisRules;
  const half = new Half(where, 'redis', config, rules);
  checkKeyPrefixes(where, half.prefixes, config.keyEncoding);
  const prefixes = coverOf(half.prefixes);
  checkArgument(where, 'config.prefixes', prefixes, [() => prefixes.length > 0, 'a list that is not empty']);
  return { half, prefixes, options: resolveRedisOptions(config) };
}

/** In the words of this library. */
function known(error: unknown): Observable<never> {
  const named = failure(error, true);
  return throwError(() => (named instanceof FatalError ? (named.cause ?? named) : named) as Error);
}
