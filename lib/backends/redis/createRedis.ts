/// <reference lib="esnext.disposable" preserve="true" />
import { createRequire } from 'node:module';
import type { Cluster, Redis } from 'ioredis';
import type { Broker } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions, type Rules, rule, wrongElement } from '../../model/options.ts';
import { certificateFile } from '../internal/certificateFile.ts';
import { Owned } from '../internal/owned.ts';
import { requirePeer } from '../internal/requirePeer.ts';
import { Access } from './access.ts';
import { fromRedis } from './fromRedis.ts';
import { addressOf, contradiction, endpointForm, isEndpoint, kindOf } from './kind.ts';
import { type RedisBrokerConfig, redisBroker } from './redisBroker.ts';
import { type FromRedisConfig, positiveTime } from './sourceOptions.ts';

/** Configuration of {@link createRedis}; times are in milliseconds. */
export interface RedisConfig {
  /** Of one node, `host:port`. @defaultValue `127.0.0.1:6379`, where there are no `endpoints` */
  readonly endpoint?: string;
  /** Of some nodes of a cluster; with `masterName`, of the Sentinels. */
  readonly endpoints?: readonly string[];
  /** What the Sentinels call the master. */
  readonly masterName?: string;
  /** The number of the database; a cluster has only 0. @defaultValue 0 */
  readonly db?: number;
  /** The ACL user. @defaultValue that of the server, `default` */
  readonly username?: string;
  readonly password?: string;
  /** How long connecting, and {@link RedisStore.ready}, may take. @defaultValue 5,000 */
  readonly dialTimeout?: number;
  /** For one request of a broker, and without a sign of life for a source. @defaultValue 5,000 */
  readonly timeout?: number;
  /** How often a cluster may send a request on. @defaultValue 16 */
  readonly maxRedirects?: number;
  /** Of every server; Sentinels speak it as the nodes do. */
  readonly tls?: {
    /** @defaultValue true, where there is `tls` */
    readonly enabled?: boolean;
    /** Whoever answers is believed. @defaultValue false */
    readonly skipVerify?: boolean;
    /** PEM files. Without an authority those of the system are asked. */
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly caFile?: string;
  };
}

/** A client with its configuration. Sources are unsubscribed before it is closed. */
export interface RedisStore extends AsyncDisposable {
  /** It connects when it is first used; sources and brokers have connections of their own. */
  readonly client: Redis | Cluster;
  /** Resolves when Redis has answered. @throws DatasyncError (as a rejection) `CONNECTION_LOST`, `ACCESS_DENIED` */
  ready(): Promise<void>;
  /** {@link fromRedis} of this client. */
  source(config: FromRedisConfig<Uint8Array>): Source<Uint8Array>;
  /** The same, with values of a type. */
  source<T>(config: FromRedisConfig<T> & { readonly codec: Codec<T> }): Source<T>;
  /** {@link redisBroker} of this client, closed with it. */
  broker(config?: RedisBrokerConfig<Uint8Array>): Broker<Uint8Array>;
  /** The same, with values of a type. */
  broker<T>(config: RedisBrokerConfig<T> & { readonly codec: Codec<T> }): Broker<T>;
  /** Closes its brokers, then the client. */
  close(): Promise<void>;
}

const number: Rules[string] = [(value) => value !== Infinity && rule.count[0](value), 'a whole number, 0 or more'];

const rules: Rules = {
  endpoint: [isEndpoint, `an endpoint, '${endpointForm}'`],
  endpoints: [
    (value) => rule.texts[0](value) && (value as string[]).length > 0 && (value as string[]).every(isEndpoint),
    `an array of endpoints, '${endpointForm}'`,
    wrongElement(isEndpoint),
  ],
  ...{ masterName: rule.text, db: number, username: rule.text, password: rule.text },
  ...{ dialTimeout: positiveTime, timeout: positiveTime, maxRedirects: number },
  tls: {
    ...{ enabled: rule.flag, skipVerify: rule.flag },
    ...{ certFile: rule.text, keyFile: rule.text, caFile: rule.text },
  },
};

/**
 * A client of `ioredis` by the keys of cn-infra's Redis plugin, with the sources and brokers over it: of a node
 * (`endpoint`), of the master that Sentinels name (`masterName` and `endpoints`), or of a cluster (`endpoints`).
 *
 * Nothing is sent before something is asked for: a source waits for Redis by itself, `ready()` says whether it is there.
 *
 * @example
 * await using redis = createRedis(await redisConfig('redis.conf'));
 * redis.source({ prefixes: ['nodes:'], codec: jsonCodec<Node>() }).pipe(toState()).subscribe(show);
 *
 * @param config see {@link RedisConfig}; {@link redisConfig} makes one of a `redis.conf`
 * @throws DatasyncError `INVALID_CONFIG`; `UNREADABLE` with the file; `MISSING_PEER` (`ioredis`)
 */
export function createRedis(config: RedisConfig = {}): RedisStore {
  checkConfig(config);
  const { dialTimeout = 5_000, timeout = 5_000 } = config;
  const client = clientOf(config, dialTimeout);
  const brokers = new Owned();
  const close = async (): Promise<void> => {
    await brokers.close();
    client.disconnect();
  };
  return {
    client,
    ready: async () => {
      const access = new Access(client, dialTimeout);
      try {
        await access.read('PING');
      } finally {
        access.close();
      }
    },
    source: <T>(source: FromRedisConfig<T>) =>
      fromRedis(client, { timeout, ...source } as FromRedisConfig<T> & { readonly codec: Codec<T> }),
    broker: <T>(broker: RedisBrokerConfig<T> = {}) =>
      brokers.add(redisBroker(client, { timeout, ...broker } as RedisBrokerConfig<T> & { readonly codec: Codec<T> })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkConfig(config: RedisConfig): void {
  checkOptions('createRedis', config, rules);
  const wrong = contradiction(config);
  if (wrong !== undefined) throw invalid(wrong);
  const { certFile, keyFile } = config.tls ?? {};
  if ((certFile === undefined) !== (keyFile === undefined))
    throw invalid("'tls.certFile' and 'tls.keyFile' belong together: one of them is missing");
}

function clientOf(config: RedisConfig, connectTimeout: number): Redis | Cluster {
  const { endpoint = '127.0.0.1:6379', endpoints = [], masterName, db = 0, maxRedirects = 16 } = config;
  const { username, password, tls } = config;
  const secure = tls !== undefined && tls.enabled !== false ? { tls: contentsOf(tls) } : undefined;
  const shared = {
    lazyConnect: true,
    connectTimeout,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...secure,
  };
  const { Redis, Cluster } = loadIoredis();
  const several = endpoints.map(addressOf);
  switch (kindOf(config)) {
    case 'cluster':
      return new Cluster(several, { lazyConnect: true, redisOptions: shared, maxRedirections: maxRedirects });
    case 'sentinel':
      return new Redis({
        ...{ ...shared, db, sentinels: several, name: masterName!, failoverDetector: true },
        // Without these, ioredis speaks to the Sentinels, and to the master they name, in the clear.
        ...(secure !== undefined && { sentinelTLS: secure.tls, enableTLSForSentinelMode: true }),
      });
    case 'node':
      return new Redis({ ...shared, db, ...addressOf(endpoint) });
  }
}

function contentsOf({ caFile, certFile, keyFile, skipVerify = false }: NonNullable<RedisConfig['tls']>): object {
  return {
    ...(caFile !== undefined && { ca: certificateFile(caFile, 'redis') }),
    ...(certFile !== undefined && {
      cert: certificateFile(certFile, 'redis'),
      key: certificateFile(keyFile!, 'redis'),
    }),
    rejectUnauthorized: !skipVerify,
  };
}

function loadIoredis(): typeof import('ioredis') {
  return requirePeer('redis', 'ioredis@6', () => createRequire(import.meta.url)('ioredis') as typeof import('ioredis'));
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `createRedis: ${message}`, { backend: 'redis' });
}
