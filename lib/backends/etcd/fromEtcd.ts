import type { Etcd3 } from 'etcd3';
import type { Codec } from '../../model/codec.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions } from '../../model/options.ts';
import { sourceRules } from '../../source/config.ts';
import { fromBackend } from '../../source/fromBackend.ts';
import { checkClient, etcdBackend } from './etcdBackend.ts';
import { checkKeyPrefixes } from './keys.ts';
import { etcdRules, type FromEtcdConfig } from './sourceOptions.ts';

/**
 * The keys of an etcd cluster under some prefixes: a resync with the state at one revision, then every transaction after it,
 * as one event, with etcd's own revisions.
 *
 * After a break it goes on at the next revision, once one read has shown that this is the same store and its history is still
 * there. Where the history was compacted (`compacted`), or the data was wiped or an older backup restored (`regressed`), it
 * reads everything again: a resync that names the reason. Nothing is lost, and nothing told twice.
 *
 * A store that was wiped or restored is known by its cluster id, its term and its revision; and, where it has grown beyond what
 * was known, by the key that was put last of up to eight that are remembered: it must still have the history it had. Where none
 * of these lives, since all were deleted, only cluster id, term and revision are compared. Nor does it show where what was lost
 * is deletions alone, or keys that were deleted again: then a backup holds the very keys that are remembered.
 * It is looked for after each break, and now and then while connected: behind a proxy a connection outlives its store.
 *
 * Of the client it takes servers, credentials and options; the calls are its own, without a limit to the size of answers, with
 * keepalive (`grpcOptions` of the client go first), and to one server after the other. Unsubscribe before you close the client.
 * Unsubscribed, its connection is closed at once; one whose server does not answer to TCP is given up by the system, within minutes.
 *
 * Order: the store's revisions. Errors: see `fromBackend`, and `ACCESS_DENIED` where etcd refuses the credentials or the
 * prefixes (see `onDenied`). Completion: never. Memory: one entry per key, and what waits.
 *
 * @example
 * const client = new Etcd3({ hosts: ['127.0.0.1:2379'] });
 * fromEtcd(client, { prefixes: ['/nodes/'], codec: jsonCodec<Node>() })
 *   .pipe(bufferDuringResync(), ackWithCallback({ resync, change }))
 *
 * @param client a client of npm `etcd3`, no namespace of one
 * @param config as of every source, and {@link EtcdOptions}; `codec` defaults to `bytesCodec`
 * @returns a cold source: each subscription lists and watches for itself
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function fromEtcd(client: Etcd3, config: FromEtcdConfig<Uint8Array>): Source<Uint8Array>;
export function fromEtcd<T>(client: Etcd3, config: FromEtcdConfig<T> & { readonly codec: Codec<T> }): Source<T>;
export function fromEtcd<T>(client: Etcd3, config: FromEtcdConfig<T>): Source<T> {
  checkClient('fromEtcd', client);
  checkOptions('fromEtcd', config, { ...etcdRules, ...sourceRules }, ['prefixes']);
  checkKeyPrefixes('fromEtcd', config.prefixes, config.keyEncoding);
  const { keyEncoding, probeInterval, timeout, onDenied, watch, ...source } = config;
  const given = Object.entries({ keyEncoding, probeInterval, timeout, onDenied, watch });
  const options = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  return fromBackend(etcdBackend(client, options), source as FromEtcdConfig<T> & { readonly codec: Codec<T> });
}
