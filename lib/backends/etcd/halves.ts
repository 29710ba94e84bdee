import type { Etcd3 } from 'etcd3';
import type { Observable, Subscriber } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import type { Codec } from '../../model/codec.ts';
import type { ChangeEvent, ResyncEvent } from '../../model/events.ts';
import { checkArgument } from '../../model/options.ts';
import { FatalError, type RawEntry } from '../../source/frames.ts';
import { Half, type HalfConfig } from '../../source/halves.ts';
import { coverOf } from '../../source/prefixes.ts';
import { Access, type Link } from './access.ts';
import { checkClient } from './etcdBackend.ts';
import { failure } from './failures.ts';
import { checkKeyPrefixes, keyBytes } from './keys.ts';
import { listed } from './listing.ts';
import { Patience } from './patience.ts';
import { headerOf, headerRequest } from './position.ts';
import { type EtcdOptions, etcdRules, resolveEtcdOptions } from './sourceOptions.ts';
import { watched } from './watching.ts';

/** Configuration of {@link listEtcd} and {@link watchEtcd}. */
export interface EtcdHalfConfig<T> extends HalfConfig<T>, Pick<EtcdOptions, 'keyEncoding' | 'timeout'> {}

/** The watches of a client that do not stand yet. */
const arming = new WeakMap<Etcd3, Set<Promise<void>>>();

/**
 * The first half of a source by hand: one resync with what the store holds, at one revision, then it completes. It is read when
 * every {@link watchEtcd} stands that was subscribed before it on the same client: so nothing falls between the two, and what
 * both tell is the work of the operators.
 *
 * Errors: a `DatasyncError`; rxjs `retry` around both halves begins anew. Memory: the whole state, once.
 *
 * @example
 * merge(watchEtcd(client, config), listEtcd(client, config))
 *   .pipe(bufferDuringResync(), filterByRevision(), trackPrevious(), ackWithCallback({ resync, change }))
 *
 * @see {@link fromEtcd} for all of it, with reconnect, compaction and backoff
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function listEtcd(client: Etcd3, config: EtcdHalfConfig<Uint8Array>): Observable<ResyncEvent<Uint8Array>>;
export function listEtcd<T>(
  client: Etcd3,
  config: EtcdHalfConfig<T> & { readonly codec: Codec<T> },
): Observable<ResyncEvent<T>>;
export function listEtcd<T>(client: Etcd3, config: EtcdHalfConfig<T>): Observable<ResyncEvent<T>> {
  return connected('listEtcd', client, config, ({ half, link, prefixes, encoding, signal, subscriber }) => {
    const list = (): void => {
      if (signal.aborted) return;
      const entries: RawEntry[] = [];
      let revision = 0;
      const pages = listed({ link, prefixes, at: undefined, encoding, signal });
      subscriber.add(
        pages.subscribe({
          next: (page) => {
            revision = page.revision;
            for (const entry of page.entries) entries.push(entry);
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            subscriber.next(half.resync(entries, revision));
            subscriber.complete();
          },
        }),
      );
    };
    void Promise.all([...(arming.get(client) ?? [])]).then(list);
  });
}

/**
 * The second half of a source by hand: every transaction from when etcd has begun to watch, one event each, with etcd's
 * revisions and without previous values (`trackPrevious` knows them). Never completes.
 *
 * Errors: a `DatasyncError`, or `ContinuityLost` where the history is compacted before it was read; rxjs `retry` around both halves begins anew.
 *
 * @see {@link listEtcd}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function watchEtcd(client: Etcd3, config: EtcdHalfConfig<Uint8Array>): Observable<ChangeEvent<Uint8Array>>;
export function watchEtcd<T>(
  client: Etcd3,
  config: EtcdHalfConfig<T> & { readonly codec: Codec<T> },
): Observable<ChangeEvent<T>>;
export function watchEtcd<T>(client: Etcd3, config: EtcdHalfConfig<T>): Observable<ChangeEvent<T>> {
  return connected('watchEtcd', client, config, ({ half, link, prefixes, encoding, timeout, signal, subscriber }) => {
    let standing = (): void => undefined;
    const stands = new Promise<void>((resolve) => {
      standing = resolve;
    });
    const waiting = arming.get(client) ?? new Set();
    arming.set(client, waiting.add(stands));
    subscriber.add(standing);
    void stands.then(() => waiting.delete(stands));
    const watch = (answer: Buffer): void => {
      if (signal.aborted) return;
      const from = { ...headerOf(answer), witnesses: [] };
      const frames = watched({
        link,
        patience: new Patience(timeout),
        prefixes,
        from,
        fromNow: true,
        encoding,
        watch: 'span',
        ordersProgress: false,
        room: undefined,
        standing,
      });
      subscriber.add(
        frames.subscribe({
          next: (frame) => {
            const event = frame.type === 'changes' ? half.change(frame.changes, frame.revision!) : undefined;
            if (event !== undefined) subscriber.next(event);
          },
          error: (error: unknown) => subscriber.error(error),
        }),
      );
    };
    // Whether there is a leader, and whether the token is good: a watch would not say.
    const now = link.call('KV', 'Range', headerRequest(keyBytes(prefixes[0]!, encoding)), { signal });
    now.then(watch, (error: unknown) => subscriber.error(error));
  });
}

/** What a half works with. */
interface Working<T, E> {
  readonly half: Half<T>;
  readonly link: Link;
  /** The fewest that hold all keys. */
  readonly prefixes: readonly string[];
  readonly encoding: 'utf8' | 'latin1';
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly subscriber: Subscriber<E>;
}

/** A connection per subscription, and what goes wrong in the words of this library. */
function connected<T, E>(
  where: string,
  client: Etcd3,
  config: EtcdHalfConfig<T>,
  work: (working: Working<T, E>) => void,
): Observable<E> {
  checkClient(where, client);
  const { keyEncoding, timeout } = etcdRules;
  const half = new Half(where, 'etcd', config, { keyEncoding: keyEncoding!, timeout: timeout! });
  const options = resolveEtcdOptions(config);
  checkKeyPrefixes(where, half.prefixes, config.keyEncoding);
  const prefixes = coverOf(half.prefixes);
  checkArgument(where, 'config.prefixes', prefixes, [() => prefixes.length > 0, 'a list that is not empty']);
  const access = new Access(client);
  return cold((downstream) => {
    const link = access.connect(options.timeout);
    const controller = new AbortController();
    downstream.add(() => {
      controller.abort();
      link.close();
    });
    const worked = cold<E>((subscriber) => {
      const { signal } = controller;
      work({ half, link, prefixes, encoding: options.keyEncoding, timeout: options.timeout, signal, subscriber });
    });
    return worked.subscribe({
      next: (event) => downstream.next(event),
      error: (error: unknown) => {
        if (downstream.closed) return;
        const known = failure(error, true, false);
        downstream.error(known instanceof FatalError ? (known.cause ?? known) : known);
      },
      complete: () => downstream.complete(),
    });
  });
}
