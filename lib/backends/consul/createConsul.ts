/// <reference lib="esnext.disposable" preserve="true" />
import { createRequire } from 'node:module';
import type Consul from 'consul';
import type { Broker } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Source } from '../../model/events.ts';
import { checkOptions, type Rules, rule } from '../../model/options.ts';
import { certificateFile } from '../internal/certificateFile.ts';
import { Owned } from '../internal/owned.ts';
import { requirePeer } from '../internal/requirePeer.ts';
import { ConsulCalls } from './calls.ts';
import { type ConsulBrokerConfig, consulBroker } from './consulBroker.ts';
import { refusal } from './failures.ts';
import { fromConsul } from './fromConsul.ts';
import { checkToken } from './http.ts';
import type { FromConsulConfig } from './options.ts';

/** Configuration of {@link createConsul}. */
export interface ConsulConfig {
  /** `host:port`, with or without `http://` or `https://`. Default: `CONSUL_HTTP_ADDR`, else `127.0.0.1:8500`. */
  readonly address?: string;
  /** Default: `CONSUL_HTTP_TOKEN`, else none. */
  readonly token?: string;
  /** Default: that of the agent. */
  readonly datacenter?: string;
  readonly tls?: {
    /** Default: true where there is a file, or the address is `https://`. */
    readonly enabled?: boolean;
    /** Whoever answers is believed. Default: false. */
    readonly skipVerify?: boolean;
    /** PEM files. Without an authority those of the system are asked. */
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly caFile?: string;
  };
  /** Of every source that does not say otherwise; a break means a resync in any case. Default: false. */
  readonly resyncAfterReconnect?: boolean;
}

/** A client with its configuration. Sources are unsubscribed before it is closed. */
export interface ConsulStore extends AsyncDisposable {
  readonly client: Consul;
  /** Resolves when Consul has answered that it has a leader. @throws DatasyncError (as a rejection) `CONNECTION_LOST` */
  ready(): Promise<void>;
  /** {@link fromConsul} of this client. */
  source(config: FromConsulConfig<Uint8Array>): Source<Uint8Array>;
  /** The same, with values of a type. */
  source<T>(config: FromConsulConfig<T> & { readonly codec: Codec<T> }): Source<T>;
  /** {@link consulBroker} of this client, closed with it. */
  broker(config?: ConsulBrokerConfig<Uint8Array>): Broker<Uint8Array>;
  /** The same, with values of a type. */
  broker<T>(config: ConsulBrokerConfig<T> & { readonly codec: Codec<T> }): Broker<T>;
  /** Closes its brokers, then the client. */
  close(): Promise<void>;
}

const addressRule = [(value: unknown) => urlOf(value) !== undefined, "an address, 'host:port'"] as const;

const rules: Rules = {
  address: addressRule,
  ...{ token: rule.text, datacenter: rule.text, resyncAfterReconnect: rule.flag },
  tls: {
    ...{ enabled: rule.flag, skipVerify: rule.flag },
    ...{ certFile: rule.text, keyFile: rule.text, caFile: rule.text },
  },
};

/**
 * A client of npm `consul` by the keys of cn-infra's Consul plugin, with the sources and brokers over it.
 *
 * Nothing is sent before something is asked for: a source waits for Consul by itself, `ready()` says whether it is there.
 *
 * @example
 * await using consul = createConsul(await consulConfig('consul.conf'));
 * consul.source({ prefixes: ['nodes/'], codec: jsonCodec<Node>() }).pipe(toState()).subscribe(show);
 *
 * @param config see {@link ConsulConfig}; {@link consulConfig} makes one of a `consul.conf`
 * @throws DatasyncError `INVALID_CONFIG`; `UNREADABLE` with the file; `MISSING_PEER` (`consul`)
 */
export function createConsul(config: ConsulConfig = {}): ConsulStore {
  checkOptions('createConsul', config, rules);
  const client = clientOf(config);
  const calls = new ConsulCalls(client, { begin: 5_000, pause: 5_000, size: 65_536 });
  const { resyncAfterReconnect = false } = config;
  const brokers = new Owned();
  const close = async (): Promise<void> => {
    await brokers.close();
    client.destroy();
  };
  return {
    client,
    ready: async () => {
      const answer = await calls.read({ method: 'GET', path: '/status/leader' });
      if (answer.status !== 200) throw refusal('asking for the leader', answer);
      if (answer.body.length < 3)
        throw new DatasyncError('CONNECTION_LOST', 'Consul has no leader', { backend: 'consul' });
    },
    source: <T>(source: FromConsulConfig<T>) =>
      fromConsul(client, { resyncAfterReconnect, ...source } as FromConsulConfig<T> & { readonly codec: Codec<T> }),
    broker: <T>(broker: ConsulBrokerConfig<T> = {}) =>
      brokers.add(consulBroker(client, broker as ConsulBrokerConfig<T> & { readonly codec: Codec<T> })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function clientOf(config: ConsulConfig): Consul {
  const { datacenter, tls = {} } = config;
  const address = config.address ?? (process.env['CONSUL_HTTP_ADDR'] || '127.0.0.1:8500');
  checkOptions('createConsul', { address }, rules);
  const url = urlOf(address)!;
  const { certFile, keyFile, caFile, skipVerify = false } = tls;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw invalid("'tls.certFile' and 'tls.keyFile' belong together: one of them is missing");
  const hasFile = certFile !== undefined || caFile !== undefined;
  const secure = tls.enabled ?? (hasFile || url.protocol === 'https:');
  if (secure && /^http:/i.test(address)) throw invalid(`the address ${address} is not TLS, but 'tls' says so`);
  if (!secure && url.protocol === 'https:') throw invalid(`the address ${address} is TLS, but 'tls.enabled' is false`);
  if (!secure && skipVerify && tls.enabled === undefined)
    throw invalid(
      "'tls.skipVerify' says nothing where there is no TLS: set 'tls.enabled', or an address with https://",
    );
  const token = config.token ?? process.env['CONSUL_HTTP_TOKEN'];
  checkToken('createConsul', config.token === undefined ? 'CONSUL_HTTP_TOKEN' : "'token'", token);
  const options = {
    // npm `consul` makes a URL of both.
    host: url.hostname,
    // A URL leaves out the port that is usual for its protocol.
    port: Number(/:(\d+)\/?$/.exec(address)?.[1] ?? (secure ? 8501 : 8500)),
    secure,
    defaults: { ...(token && { token }), ...(datacenter !== undefined && { dc: datacenter }) },
    ...(secure && {
      rejectUnauthorized: !skipVerify,
      ...(caFile !== undefined && { ca: certificateFile(caFile, 'consul') }),
      ...(certFile !== undefined && {
        cert: certificateFile(certFile, 'consul'),
        key: certificateFile(keyFile!, 'consul'),
      }),
    }),
  };
  return new (loadConsul())(options);
}

function loadConsul(): typeof Consul {
  return requirePeer('consul', 'consul@2', () => createRequire(import.meta.url)('consul') as typeof Consul);
}

function urlOf(address: unknown): URL | undefined {
  if (typeof address !== 'string' || address === '') return undefined;
  try {
    const url = new URL(/^https?:\/\//i.test(address) ? address : `http://${address}`);
    const isBare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
    return isBare && /[\]\w.-](:\d+)?\/?$/.test(address) ? url : undefined;
  } catch {
    return undefined;
  }
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `createConsul: ${message}`, { backend: 'consul' });
}
