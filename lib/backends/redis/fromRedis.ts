import type { Codec } from '../../model/codec.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions } from '../../model/options.ts';
import { sourceRules } from '../../source/config.ts';
import { fromBackend } from '../../source/fromBackend.ts';
import { checkClient, type RedisClient } from './client.ts';
import { checkKeyPrefixes } from './keys.ts';
import { redisBackend } from './redisBackend.ts';
import { type FromRedisConfig, type RedisOptions, redisRules } from './sourceOptions.ts';

/**
 * The keys of a Redis under some prefixes: a resync with all of them, then what is touched, read again as fast as the
 * subscriber takes it.
 *
 * Redis forgets what it announced as soon as a connection breaks. So each connection is armed first, and read as a whole
 * only when the server has confirmed it; every break, failover and change of the masters ends in a resync (`reconnected`),
 * as do `FLUSHALL`, `FLUSHDB` and `SWAPDB`, also those of another database (`regressed`; `SWAPDB`, and with keyspace
 * notifications all three, within one `probeInterval`, where `INFO` is allowed). What may have hidden one of them does the
 * same: `CONFIG RESETSTAT`, and with keyspace notifications any `CONFIG SET`. Several writes of a key may be told as one:
 * each change says `coalesced`.
 *
 * Of the client it takes the options: each subscription has two connections of its own, to each master of a cluster, to the
 * database that the options name (`db`). ACL users need `+client|id +client|tracking +subscribe +scan +mget +get +exists
 * +type +ping +info`, `+select` for another database than 0, the keys, and the channel `&__redis__:invalidate`; for keyspace
 * notifications `+psubscribe +config|get` and, word for word, the patterns of the prefixes, as `&__keyspace@0__:nodes:*`.
 *
 * Order: that of each key. Errors: see `fromBackend`, `ACCESS_DENIED` where Redis refuses what is needed (see `onDenied`),
 * `INVALID_CONFIG` where the server's settings do not do (see `keyspaceEvents`), where there is no such database, and where it
 * is a Sentinel, or one of several masters of a cluster. Completion: never. Memory: one entry per key, the names of the keys
 * that were touched and not yet read, and what waits.
 *
 * @example
 * const client = new Redis({ host: '127.0.0.1', lazyConnect: true });
 * fromRedis(client, { prefixes: ['nodes:'], codec: jsonCodec<Node>() })
 *   .pipe(bufferDuringResync(), ackWithCallback({ resync, change }))
 *
 * @param client a `Redis` (also with Sentinels) or `Cluster` of `ioredis`; it need not be connected, and is not touched
 * @param config as of every source, and {@link RedisOptions}; `codec` defaults to `bytesCodec`
 * @returns a cold source: each subscription lists and listens for itself
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function fromRedis(client: RedisClient, config: FromRedisConfig<Uint8Array>): Source<Uint8Array>;
export function fromRedis<T>(client: RedisClient, config: FromRedisConfig<T> & { readonly codec: Codec<T> }): Source<T>;
export function fromRedis<T>(client: RedisClient, config: FromRedisConfig<T>): Source<T> {
  checkClient('fromRedis', client);
  checkOptions('fromRedis', config, { ...redisRules, ...sourceRules }, ['prefixes']);
  checkKeyPrefixes('fromRedis', config.prefixes, config.keyEncoding);
  const options: Record<string, unknown> = {};
  const source: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(config)) (name in redisRules ? options : source)[name] = value;
  return fromBackend(
    redisBackend(client, options as RedisOptions),
    source as unknown as FromRedisConfig<T> & { readonly codec: Codec<T> },
  );
}
