import { DatasyncError } from '../../model/errors.ts';
import { loadSeedConfig, type SeedInput } from '../internal/loadSeedConfig.ts';
import { type SeedConfig, SeedKey, type SeedKeys, seedKey } from '../internal/seedKeys.ts';

/** A key of cn-infra's that means nothing here. */
const refused = (why: string) => new SeedKey<never>([() => false, `left out: ${why}`]);
const off = (why: string) => new SeedKey<boolean>([(value) => value === false, `false: ${why}`]);

const address = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/;
const addressForm = 'host:port';
const isAddress = (value: unknown): boolean => {
  const port = Number(address.exec(String(value))?.[2]);
  return typeof value === 'string' && port >= 1 && port <= 65_535;
};

const onePool = 'all commands go over one connection, there is no pool';
const onMaster = 'what is read comes from the masters';

const keys = {
  endpoint: new SeedKey<string>([isAddress, addressForm]),
  endpoints: new SeedKey<readonly string[]>([
    (value) => Array.isArray(value) && value.length > 0 && value.every(isAddress),
    `a list of at least one ${addressForm}`,
  ]),
  'master-name': seedKey.text,
  db: seedKey.count,
  username: seedKey.text,
  password: seedKey.secret,
  'dial-timeout': seedKey.duration,
  'read-timeout': seedKey.duration,
  'write-timeout': seedKey.duration,
  'max-rediects': seedKey.count,
  'max-redirects': seedKey.count,
  'enable-query-on-slave': off(onMaster),
  'route-by-latency': off(onMaster),
  pool: {
    'max-connections': refused(onePool),
    'busy-timeout': refused(onePool),
    'idle-timeout': refused(onePool),
    'idle-check-frequency': refused(onePool),
  },
  tls: {
    enabled: seedKey.flag,
    'skip-verify': seedKey.flag,
    'cert-file': seedKey.text,
    'key-file': seedKey.text,
    'ca-file': seedKey.text,
  },
} satisfies SeedKeys;

/** Host and port of a server. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** What {@link createRedis} connects to, and how. */
export interface RedisConfig {
  readonly kind: 'node' | 'sentinel' | 'cluster';
  /** The node, or the Sentinels, or some nodes of the cluster. */
  readonly addresses: readonly RedisAddress[];
  /** Only with Sentinels. */
  readonly masterName?: string;
  /** Default: 0. Not in a cluster. */
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  /** Milliseconds. Default: 5,000. */
  readonly dialTimeout?: number;
  /** Milliseconds for one request of a broker, and without a sign of life for a source. Default: 5,000. */
  readonly timeout?: number;
  /** How often a cluster may send a request on. Default: 16. */
  readonly maxRedirects?: number;
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly skipVerify?: boolean;
  };
}

/**
 * Reads a configuration of cn-infra's Redis plugin. Its keys say of which kind it is: `master-name` means Sentinels,
 * `endpoint` one node, `endpoints` alone a cluster.
 *
 * ```yaml
 * endpoints: [10.0.0.1:26379, 10.0.0.2:26379, 10.0.0.3:26379]
 * master-name: mymaster
 * password: secret
 * dial-timeout: 5s
 * tls: { enabled: true, ca-file: /etc/agent/ca.pem }
 * ```
 *
 * Durations are texts (`1m30s`) or nanoseconds; of `read-timeout` and `write-timeout` the longer one counts. `username` is
 * new: the ACL user. Other than there, TLS works with every kind, what cannot be honoured is refused (`pool`,
 * `route-by-latency`, `enable-query-on-slave`), and an unknown key too.
 *
 * @example
 * const redis = await createRedis(await redisConfig('redis.conf'));
 *
 * @param input the path or `file:` URL of a YAML or JSON file, `{ yaml }` with its text, or an object with these keys
 * @throws DatasyncError (as a rejection) `INVALID_CONFIG`, `PARSE_FAILED`, `UNREADABLE`, `MISSING_PEER`
 */
export async function redisConfig(input: SeedInput): Promise<RedisConfig> {
  const read = await loadSeedConfig(input, keys, { where: 'redisConfig', backend: 'redis' });
  const { endpoint, endpoints, masterName, db, username, password, dialTimeout, readTimeout, writeTimeout } = read;
  const kind = masterName !== undefined ? 'sentinel' : endpoint !== undefined ? 'node' : 'cluster';
  const given = kind === 'node' ? [endpoint!] : endpoints;
  if (given === undefined)
    throw invalid(
      kind === 'sentinel'
        ? "'endpoints' is missing: the Sentinels"
        : "'endpoint' (a node) or 'endpoints' (a cluster) is missing",
    );
  if (endpoint !== undefined && endpoints !== undefined)
    throw invalid("'endpoint' (a node) and 'endpoints' (a cluster, or Sentinels) exclude each other");
  if (kind === 'cluster' && db !== undefined && db !== 0) throw invalid("a cluster has no 'db' but 0");
  const timeouts = [readTimeout, writeTimeout].filter((each) => each !== undefined);
  const maxRedirects = read.maxRedirects ?? read.maxRediects;
  const tls = tlsOf(read.tls);
  return {
    kind,
    addresses: given.map(addressOf),
    ...(masterName !== undefined && { masterName }),
    ...(db !== undefined && { db }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(dialTimeout !== undefined && { dialTimeout }),
    ...(timeouts.length > 0 && { timeout: Math.max(...timeouts) }),
    ...(maxRedirects !== undefined && { maxRedirects }),
    ...(tls !== undefined && { tls }),
  };
}

function tlsOf(tls: SeedConfig<(typeof keys)['tls']> | undefined): RedisConfig['tls'] {
  if (tls?.enabled !== true) return undefined;
  const { enabled: _, ...files } = tls;
  return files;
}

function addressOf(text: string): RedisAddress {
  const [, host, port] = address.exec(text)!;
  return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `redisConfig: ${message}`, { backend: 'redis' });
}
