import type Consul from 'consul';
import { brokerFrom } from '../../broker/brokerFrom.ts';
import { brokerRules } from '../../broker/checks.ts';
import { bytesCodec } from '../../codecs/bytesCodec.ts';
import type { Broker } from '../../model/broker.ts';
import type { Codec } from '../../model/codec.ts';
import { checkOptions, type Rules, rule } from '../../model/options.ts';
import { ConsulCalls } from './calls.ts';
import { ConsulCore } from './consulCore.ts';
import { checkClient } from './http.ts';
import { longestTtl, shortestTtl } from './sessions.ts';

/** Configuration of {@link consulBroker}. */
export interface ConsulBrokerConfig<T> {
  /** Put before every key: a raw string prefix. Default: `''`. */
  readonly prefix?: string;
  /** Default: `bytesCodec`. */
  readonly codec?: Codec<T>;
  /** Milliseconds until an answer must begin, and between two parts of it. Default: 10,000. */
  readonly timeout?: number;
  /**
   * Milliseconds after which keys with `lifetime: 'client'` vanish when this program was not heard of, 20,000 to 172,800,000 (48
   * hours): Consul ends no session earlier, and keeps none longer. Default: 20,000.
   */
  readonly sessionTtl?: number;
  /** Bytes that Consul takes as one value, and as one transaction: its `kv_max_value_size` and `txn_max_req_len`. Default: 524,288. */
  readonly maxRequest?: number;
}

const rules: Rules = {
  ...brokerRules,
  timeout: [(value) => rule.milliseconds[0](value) && value !== 0, 'a number of milliseconds, more than 0'],
  sessionTtl: [
    (value) => typeof value === 'number' && value >= shortestTtl && value <= longestTtl,
    `a number of milliseconds, ${shortestTtl.toLocaleString('en')} to ${longestTtl.toLocaleString('en')}`,
  ],
  maxRequest: rule.positive,
};

/**
 * A broker for Consul's key-value store.
 *
 * Writes are transactions of Consul: at most 64 operations (a put with `ttl` or `lifetime` is two), all or nothing; more is refused
 * with `TOO_LARGE`, never split. They resolve with Consul's index as `revision`, but for deletes and for values that are too
 * large for a transaction (from about 390,000 bytes on), for which Consul gives none. A put sets the `Flags` of its key to 0.
 *
 * A `ttl` is kept by a session: Consul ends none before 20 seconds, and none later than after 48 hours; what was made longer, the
 * result says, of a transaction the longest. A put without one keeps a key that had one of a broker. A session belongs to the
 * agent that was asked for it: its keys outlive a crash of that agent, but vanish at once when it leaves the cluster
 * (`consul leave`, and with `leave_on_terminate` or as a client also a mere stop).
 *
 * A key with `lifetime: 'client'` hangs on one session of this broker; was it lost, the key is put again, unless somebody else has
 * written it since: also a key that somebody had deleted, since a session leaves no trace of what it held. After a write of this
 * broker with `OUTCOME_UNKNOWN` it is not put again, since that might undo it. What Consul refuses then is tried again, for as
 * long as the broker is open. When it is closed, such a put is `FATAL`.
 *
 * A key that a session of another program holds (a lock) stays with it: it can be put, but not with a `ttl` or `lifetime`
 * (`REFUSED`), and if that session deletes its keys, it goes with it. To know whose a session is, the token must be allowed
 * to read sessions; else a put on a key that is held rejects with `OUTCOME_UNKNOWN`.
 *
 * After a program has lost the session that held a key, Consul lets nobody lock it for a while, 15 seconds where that program did
 * not say otherwise: a put with a `ttl` or `lifetime` is `REFUSED` then.
 *
 * A write is never repeated: where the answer is missing it rejects with `OUTCOME_UNKNOWN`. A list without any keys is one only
 * where the token may read there, else it rejects with `ACCESS_DENIED`.
 *
 * Errors: `INVALID_KEY` (empty, with a slash at the start or two in a row, parts `.` and `..`, what cannot be printed,
 * what Consul refuses), `TOO_LARGE`, `ACCESS_DENIED`, `CONNECTION_LOST` (nothing was done), `OUTCOME_UNKNOWN`, `REFUSED`, `UNSUPPORTED`; see {@link brokerFrom}.
 *
 * @example
 * const broker = consulBroker(client, { prefix: 'nodes/', codec: jsonCodec<Node>() });
 * await broker.txn().put('a', one).delete('b').commit();
 *
 * @param client a client of npm `consul`; it stays as it is, whoever closes the broker
 * @param config see {@link ConsulBrokerConfig}
 * @throws DatasyncError `INVALID_CONFIG` at once, where the configuration is wrong
 */
export function consulBroker(client: Consul, config?: ConsulBrokerConfig<Uint8Array>): Broker<Uint8Array>;
export function consulBroker<T>(
  client: Consul,
  config: ConsulBrokerConfig<T> & { readonly codec: Codec<T> },
): Broker<T>;
export function consulBroker<T>(client: Consul, config: ConsulBrokerConfig<T> = {}): Broker<T> {
  checkClient('consulBroker', client);
  checkOptions('consulBroker', config, rules);
  const { prefix = '', timeout = 10_000, sessionTtl = shortestTtl, maxRequest = 524_288 } = config;
  const calls = new ConsulCalls(client, { begin: timeout, pause: timeout, size: 2 ** 29 });
  const codec = config.codec ?? (bytesCodec as unknown as Codec<T>);
  return brokerFrom(new ConsulCore(calls, { maxRequest, sessionTtl }), { prefix, codec });
}
