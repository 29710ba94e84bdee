/// <reference lib="esnext.disposable" preserve="true" />
import type { Etcd3, IOptions } from 'etcd3';
import { firstValueFrom, timer } from 'rxjs';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions, type Rules, rule, wrongElement } from '../../model/options.ts';
import { certificateFile } from '../internal/certificateFile.ts';
import { Owned } from '../internal/owned.ts';
import { type EtcdBroker, type EtcdBrokerConfig, etcdBroker } from './etcdBroker.ts';
import { fromEtcd } from './fromEtcd.ts';
import { loadEtcd3 } from './peer.ts';
import type { FromEtcdConfig } from './sourceOptions.ts';

/** Configuration of {@link createEtcd}; times are in milliseconds. */
export interface EtcdConfig {
  /** `host:port`, with or without `http://` or `https://`. @defaultValue `ETCD_ENDPOINTS`, else `ETCDV3_ENDPOINTS` (with commas between), else `127.0.0.1:2379` */
  readonly endpoints?: readonly string[];
  /** How long {@link EtcdStore.ready} waits for an answer. @defaultValue 1,000 */
  readonly dialTimeout?: number;
  /** For one request of a broker, and for the probe of a source. @defaultValue 3,000 */
  readonly operationTimeout?: number;
  /** Without TLS, whatever the endpoints say. @defaultValue false */
  readonly insecureTransport?: boolean;
  /** PEM files; with one of them the connection is TLS. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Everything that is older is compacted away, as often. @defaultValue never */
  readonly autoCompact?: number;
  /** Of every source that does not say otherwise. @defaultValue false */
  readonly resyncAfterReconnect?: boolean;
  /** `ready()` waits until etcd answers, however long that takes. @defaultValue false */
  readonly allowDelayedStart?: boolean;
  /** Between two attempts of `ready()` then. @defaultValue 2,000 */
  readonly reconnectInterval?: number;
  /** See {@link EtcdBrokerConfig}. @defaultValue 5,000 */
  readonly sessionTtl?: number;
}

/** A client with its configuration. Sources are unsubscribed before it is closed. */
export interface EtcdStore extends AsyncDisposable {
  readonly client: Etcd3;
  /** Resolves when etcd has answered. @throws DatasyncError (as a rejection) `CONNECTION_LOST`, `ACCESS_DENIED` */
  ready(): Promise<void>;
  /** {@link fromEtcd} of this client. */
  source(config: FromEtcdConfig<Uint8Array>): Source<Uint8Array>;
  /** The same, with values of a type. */
  source<T>(config: FromEtcdConfig<T> & { readonly codec: Codec<T> }): Source<T>;
  /** {@link etcdBroker} of this client, closed with it. */
  broker(config?: EtcdBrokerConfig<Uint8Array>): EtcdBroker<Uint8Array>;
  /** The same, with values of a type. */
  broker<T>(config: EtcdBrokerConfig<T> & { readonly codec: Codec<T> }): EtcdBroker<T>;
  /** Closes its brokers, then the client. */
  close(): Promise<void>;
}

const time: Rules[string] = [
  (value) => rule.milliseconds[0](value) && value !== 0,
  'a number of milliseconds, more than 0 and at most 2,147,483,647',
];

const rules: Rules = {
  endpoints: [
    (value) => rule.texts[0](value) && (value as string[]).length > 0 && (value as string[]).every(isEndpoint),
    "an array of endpoints, 'host:port'",
    wrongElement(isEndpoint),
  ],
  ...{ dialTimeout: time, operationTimeout: time, autoCompact: time, reconnectInterval: time, sessionTtl: time },
  ...{ insecureTransport: rule.flag, resyncAfterReconnect: rule.flag, allowDelayedStart: rule.flag },
  ...{ certFile: rule.text, keyFile: rule.text, caFile: rule.text },
  auth: { username: rule.text, password: rule.anyText },
};

function isEndpoint(value: unknown): boolean {
  return typeof value === 'string' && /^(?:https?:\/\/)?(?:[^\s/:]+|\[[\da-f:]+\]):\d+$/i.test(value);
}

/**
 * An etcd3 client by the keys of cn-infra's etcd plugin, with the sources and brokers over it.
 *
 * Nothing is sent before something is asked for: a source waits for etcd by itself, `ready()` says whether it is there.
 * `autoCompact` begins at once.
 *
 * @example
 * await using etcd = createEtcd(await etcdConfig('etcd.conf'));
 * await etcd.ready();
 * etcd.source({ prefixes: ['/nodes/'], codec: jsonCodec<Node>() }).pipe(toState()).subscribe(show);
 *
 * @param config see {@link EtcdConfig}; {@link etcdConfig} makes one of an `etcd.conf`
 * @throws DatasyncError `INVALID_CONFIG`; `UNREADABLE` with the file; `MISSING_PEER` (`etcd3`)
 */
export function createEtcd(config: EtcdConfig = {}): EtcdStore {
  checkOptions('createEtcd', config, rules);
  const { dialTimeout = 1_000, operationTimeout = 3_000, sessionTtl = 5_000, reconnectInterval = 2_000 } = config;
  const { Etcd3 } = loadEtcd3();
  const client = new Etcd3(clientOptions(config, dialTimeout));
  const brokers = new Owned();
  const { autoCompact, resyncAfterReconnect = false } = config;
  const own = brokers.add(
    etcdBroker(client, { timeout: dialTimeout, ...(autoCompact !== undefined && { autoCompact }) }),
  );
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    await brokers.close();
    client.close();
  };
  return {
    client,
    ready: async () => {
      for (;;) {
        try {
          await own.revision();
          return;
        } catch (error) {
          const isAbsent = (error as DatasyncError).code === 'CONNECTION_LOST' && !closed;
          if (config.allowDelayedStart !== true || !isAbsent) throw error;
          await firstValueFrom(timer(reconnectInterval), { defaultValue: 0 });
        }
      }
    },
    source: <T>(source: FromEtcdConfig<T>) =>
      fromEtcd(client, { timeout: operationTimeout, resyncAfterReconnect, ...source } as FromEtcdConfig<T> & {
        readonly codec: Codec<T>;
      }),
    broker: <T>(broker: EtcdBrokerConfig<T> = {}) =>
      brokers.add(
        etcdBroker(client, { timeout: operationTimeout, sessionTtl, ...broker } as EtcdBrokerConfig<T> & {
          readonly codec: Codec<T>;
        }),
      ),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function clientOptions(config: EtcdConfig, dialTimeout: number): IOptions {
  const { insecureTransport = false, certFile, keyFile, caFile, auth } = config;
  const files = { certFile, keyFile, caFile };
  const isTls = !insecureTransport && Object.values(files).some((file) => file !== undefined);
  if (isTls && (certFile === undefined) !== (keyFile === undefined))
    throw invalid("'certFile' and 'keyFile' belong together: one of them is missing");
  const hosts = (config.endpoints ?? endpointsOfEnvironment()).map((given) => hostOf(given, isTls, insecureTransport));
  if (new Set(hosts.map((host) => host.split(':', 1)[0])).size > 1)
    throw invalid(`the endpoints ${hosts.join(', ')} must all be TLS, or none of them`);
  return {
    hosts,
    dialTimeout,
    ...(auth !== undefined && { auth }),
    ...(isTls && {
      credentials: {
        // Without one the authorities of the system are asked, as grpc does.
        rootCertificate: (caFile === undefined ? undefined : certificateFile(caFile, 'etcd')) as Buffer,
        ...(certFile !== undefined && {
          certChain: certificateFile(certFile, 'etcd'),
          privateKey: certificateFile(keyFile!, 'etcd'),
        }),
      },
    }),
  };
}

function hostOf(given: string, isTls: boolean, isInsecure: boolean): string {
  const bare = given.replace(/^https?:\/\//i, '');
  if (isTls && /^http:/i.test(given)) throw invalid(`the endpoint ${given} is not TLS, but there are files for TLS`);
  return `${isTls || (!isInsecure && /^https:/i.test(given)) ? 'https' : 'http'}://${bare}`;
}

function endpointsOfEnvironment(): readonly string[] {
  const given = process.env['ETCD_ENDPOINTS'] || process.env['ETCDV3_ENDPOINTS'] || '127.0.0.1:2379';
  const endpoints = given.split(',').map((each) => each.trim());
  checkOptions('createEtcd, by the environment', { endpoints }, rules);
  return endpoints;
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `createEtcd: ${message}`, { backend: 'etcd' });
}
