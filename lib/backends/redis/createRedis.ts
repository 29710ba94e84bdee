/// <reference lib="esnext.disposable" preserve="true" />
import { readFile } from 'node:fs/promises';
import type { Broker } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { loadPeer } from '../internal/loadPeer.ts';
import type { RedisClient } from './client.ts';
import { fromRedis } from './fromRedis.ts';
import { type RedisBrokerConfig, redisBroker } from './redisBroker.ts';
import type { RedisConfig } from './redisConfig.ts';
import type { FromRedisConfig } from './sourceOptions.ts';

/** A client that was made for a configuration, and what works with it. */
export interface CreatedRedis extends AsyncDisposable {
  /** It connects when it is first used; sources and brokers have connections of their own. */
  readonly client: RedisClient;
  /** As `fromRedis`. */
  source<T = Uint8Array>(config: FromRedisConfig<T>): Source<T>;
  /** As `redisBroker`; closed with it. */
  broker<T = Uint8Array>(config?: RedisBrokerConfig<T>): Broker<T>;
  /** Closes the brokers and the client; sources are unsubscribed by who subscribed them. */
  close(): Promise<void>;
}

/**
 * Makes a client of `ioredis` for a configuration: for a node, for Sentinels, or for a cluster.
 *
 * @example
 * await using redis = await createRedis(await redisConfig('redis.conf'));
 * redis.source({ prefixes: ['nodes:'], codec: jsonCodec<Node>() }).subscribe(…);
 *
 * @throws DatasyncError (as a rejection) `MISSING_PEER` (`ioredis`), `UNREADABLE` with the file of a key or certificate
 */
export async function createRedis(config: RedisConfig): Promise<CreatedRedis> {
  const { Redis, Cluster } = await loadPeer('redis', 'ioredis@6', 'createRedis', () => import('ioredis'));
  const { kind, addresses, masterName, db, username, password, dialTimeout = 5_000, timeout = 5_000 } = config;
  const tls = await tlsOf(config.tls);
  const shared = {
    lazyConnect: true,
    connectTimeout: dialTimeout,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  };
  let client: RedisClient;
  if (kind === 'cluster') {
    const { maxRedirects = 16 } = config;
    const [...nodes] = addresses;
    client = new Cluster(nodes, { lazyConnect: true, redisOptions: shared, maxRedirections: maxRedirects });
  } else if (kind === 'sentinel') {
    const sentinels = addresses.map((each) => ({ ...each }));
    client = new Redis({ ...shared, db: db ?? 0, sentinels, name: masterName!, failoverDetector: true });
  } else client = new Redis({ ...shared, ...addresses[0]!, db: db ?? 0 });
  const brokers: Broker<never>[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()));
    client.disconnect();
  };
  return {
    client,
    source: <T>(more: FromRedisConfig<T>) =>
      fromRedis(client, { timeout, ...more } as FromRedisConfig<T> & { readonly codec: Codec<T> }),
    broker: <T>(more: RedisBrokerConfig<T> = {}) => {
      const broker = redisBroker(client, { timeout, ...more } as RedisBrokerConfig<T> & { readonly codec: Codec<T> });
      brokers.push(broker as unknown as Broker<never>);
      return broker;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function tlsOf(tls: RedisConfig['tls']): Promise<object | undefined> {
  if (tls === undefined) return undefined;
  const { caFile, certFile, keyFile, skipVerify = false } = tls;
  return {
    ...(caFile !== undefined && { ca: await contentOf(caFile) }),
    ...(certFile !== undefined && { cert: await contentOf(certFile) }),
    ...(keyFile !== undefined && { key: await contentOf(keyFile) }),
    rejectUnauthorized: !skipVerify,
  };
}

async function contentOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const message = `${file} cannot be read: ${messageOf(cause)}`;
    throw new DatasyncError('UNREADABLE', message, { cause, backend: 'redis', file });
  }
}
