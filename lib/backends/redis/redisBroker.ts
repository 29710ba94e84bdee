import { brokerFrom } from '../../broker/brokerFrom.ts';
import { brokerRules } from '../../broker/checks.ts';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import type { Broker } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { checkOptions, type Rules, rule } from '../../model/options.ts';
import { Access } from './access.ts';
import { checkClient, type RedisClient } from './client.ts';
import { checkKeyPrefixes, type KeyEncoding } from './keys.ts';
import type { RedisReader } from './readers.ts';
import { RedisCore } from './redisCore.ts';
import { positiveTime, redisRules } from './sourceOptions.ts';

/** Configuration of {@link redisBroker}. */
export interface RedisBrokerConfig<T> {
  /** Put before every key: a raw string prefix. Default: `''`. */
  readonly prefix?: string;
  /** Default: `bytesCodec`. */
  readonly codec?: Codec<T>;
  /** Milliseconds for one request, with the connecting. Default: 5,000. */
  readonly timeout?: number;
  /** Milliseconds after which keys with `lifetime: 'client'` vanish when nothing is heard of this program. Default: 5,000. */
  readonly sessionTtl?: number;
  /** How keys are bytes. Default: `utf8`. */
  readonly keyEncoding?: KeyEncoding;
  /** How values that are no strings are read: {@link hashReader} … Default: they are refused. */
  readonly readers?: readonly RedisReader[];
  /** How many keys are asked for, or deleted, at once; fewer where their values would come to more than about 16 MB. Default: 1,000. */
  readonly batch?: number;
}

const rules: Rules = {
  ...brokerRules,
  timeout: positiveTime,
  sessionTtl: positiveTime,
  keyEncoding: redisRules['keyEncoding']!,
  readers: redisRules['readers']!,
  batch: rule.positive,
};

/**
 * A broker for Redis, over a connection of its own, made after the options of the client when it is first needed; one more
 * renews keys with a lifetime.
 *
 * Writes of one key are done in the order in which they were asked for, also where nobody waits for them. No request is sent
 * twice. Where the answer to a write is missing (time-out, broken connection), it rejects with
 * `OUTCOME_UNKNOWN`; where nothing was sent, with `CONNECTION_LOST`. Redis acknowledges a write before its replicas have it:
 * a failover may lose it (`min-replicas-to-write` of the server narrows that).
 *
 * - A value may have up to 512 MB, which is the limit of Redis; where the server's own (`proto-max-bulk-len`) is lower, it ends
 *   the connection: `REFUSED`.
 * - Redis has no revisions: that of what is read is 0, and a compare compares values.
 * - A list is not of one moment, and `deletePrefix` deletes in batches: keys that are made meanwhile may stay. In a cluster both
 *   need all masters: `CONNECTION_LOST` where one is out of reach.
 * - A transaction is `MULTI`: it is written as a whole. In a cluster all its keys must lie in one slot (`UNSUPPORTED`).
 * - A key with `lifetime: 'client'` has a time to live that the broker renews. What Redis has lost (out of reach for too long,
 *   a restart without its data, a failover, `FLUSHALL`, eviction), or another broker with the same key and value gave up when
 *   it was closed, is put again, unless somebody has written it since. What this broker deletes stays deleted. What others delete
 *   does too, as far as `INFO` tells the one from the other: it is put again where `INFO` is not allowed, or has not been answered,
 *   where the key has run out, or where its server has also lost something since the last renewal, or counted a `PEXPIREAT`
 *   (of whomever, on whatever key: a broker that is closed gives its keys up with it) or a `REPLICAOF`, or another master has the key.
 *
 * A user needs `+ping` beside the commands of what is done (`+set`, `+get`, `+mget`, `+unlink`, `+scan` …), `+select` where there is a
 * `db`, and may have `+info +cluster|info` to be told of a server of another kind. Compares take `+eval +evalsha +get +type +set +del`, a
 * lifetime `+eval +evalsha +get +type +pttl +pexpire +pexpireat`, and `+info`, see above: where its keys cannot be renewed, to put one rejects with `ACCESS_DENIED`.
 *
 * Errors: `OUTCOME_UNKNOWN`, `CONNECTION_LOST`, `ACCESS_DENIED`, `REFUSED` (with what Redis says), `TOO_LARGE` (before anything is
 * sent), `UNSUPPORTED` for values that are no strings, `INVALID_KEY` for keys that the encoding cannot write, `INVALID_CONFIG` where
 * there is no such database, or the client is made for another kind of server; see {@link brokerFrom}.
 *
 * @example
 * const broker = redisBroker(client, { prefix: 'nodes:', codec: jsonCodec<Node>() });
 * await broker.put('a', node, { ttl: 60_000 });
 *
 * @param client a `Redis` or `Cluster` of `ioredis`; it need not be connected, and is not touched
 * @param config see {@link RedisBrokerConfig}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function redisBroker(client: RedisClient, config?: RedisBrokerConfig<Uint8Array>): Broker<Uint8Array>;
export function redisBroker<T>(
  client: RedisClient,
  config: RedisBrokerConfig<T> & { readonly codec: Codec<T> },
): Broker<T>;
export function redisBroker<T>(client: RedisClient, config: RedisBrokerConfig<T> = {}): Broker<T> {
  checkClient('redisBroker', client);
  checkOptions('redisBroker', config, rules);
  checkKeyPrefixes('redisBroker', [config.prefix ?? ''], config.keyEncoding);
  const {
    prefix = '',
    timeout = 5_000,
    sessionTtl = 5_000,
    keyEncoding = 'utf8',
    readers = [],
    batch = 1_000,
  } = config;
  const core = new RedisCore(new Access(client, timeout), { sessionTtl, keyEncoding, readers, batch, timeout });
  return brokerFrom(core, { prefix, codec: config.codec ?? (bytesCodec as unknown as Codec<T>) });
}
