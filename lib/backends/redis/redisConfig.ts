import { fileURLToPath } from 'node:url';
import { DatasyncError } from '../../model/errors.ts';
import { wrongElement } from '../../model/options.ts';
import { loadSeedConfig, type SeedInput } from '../internal/loadSeedConfig.ts';
import { SeedKey, type SeedKeys, seedKey } from '../internal/seedKeys.ts';
import type { RedisConfig } from './createRedis.ts';
import { contradiction, endpointForm, isEndpoint } from './kind.ts';

/** A key of cn-infra's that means nothing here. */
const refused = (why: string) => new SeedKey<never>([() => false, `left out: ${why}`]);
const off = (why: string) => new SeedKey<boolean>([(value) => value === false, `false: ${why}`]);

const onePool = 'all commands go over one connection, there is no pool';
const onMaster = 'what is read comes from the masters';

const keys = {
  endpoint: new SeedKey<string>([isEndpoint, endpointForm]),
  endpoints: new SeedKey<readonly string[]>([
    (value) => Array.isArray(value) && value.length > 0 && value.every(isEndpoint),
    `a list of at least one ${endpointForm}`,
    wrongElement(isEndpoint),
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

/**
 * Reads a configuration of cn-infra's Redis plugin. Its keys say of which kind it is: `master-name` means Sentinels,
 * `endpoints` alone a cluster, else it is one node.
 *
 * ```yaml
 * endpoints: [10.0.0.1:26379, 10.0.0.2:26379, 10.0.0.3:26379]
 * master-name: mymaster
 * password: secret
 * dial-timeout: 5s
 * tls: { enabled: true, ca-file: /etc/agent/ca.pem }
 * ```
 *
 * Durations are texts (`1m30s`) or nanoseconds, 0 is the default; of `read-timeout` and `write-timeout` the longer one counts.
 * `username` is new: the ACL user. Other than there, TLS works with every kind, what cannot be honoured is refused (`pool`,
 * `route-by-latency`, `enable-query-on-slave`), and an unknown key too.
 *
 * @example
 * const redis = createRedis(await redisConfig('redis.conf'));
 *
 * @param input the path or `file:` URL of a YAML or JSON file, `{ yaml }` with its text, or an object with these keys
 * @see `findConfig` of `rx-datasync/config`, which looks for the file by flag and environment
 * @throws DatasyncError (as a rejection) `INVALID_CONFIG`, naming the key, what was expected, and file, line and column where there
 * are; `PARSE_FAILED` and `UNREADABLE` with the file; `MISSING_PEER` (`js-yaml`), unless it is JSON
 */
export async function redisConfig(input: SeedInput): Promise<RedisConfig> {
  const read = await loadSeedConfig(input, keys, { where: 'redisConfig', backend: 'redis' });
  const { dialTimeout = 0, readTimeout = 0, writeTimeout = 0, maxRediects, tls, ...config } = read;
  const { pool: _, enableQueryOnSlave: __, routeByLatency: ___, ...known } = config;
  const wrong = contradiction(known);
  if (wrong !== undefined) throw invalid(input, wrong);
  const timeout = Math.max(readTimeout, writeTimeout);
  return {
    ...(maxRediects !== undefined && { maxRedirects: maxRediects }),
    ...known,
    ...(dialTimeout > 0 && { dialTimeout: Math.ceil(dialTimeout) }),
    ...(timeout > 0 && { timeout: Math.ceil(timeout) }),
    ...(tls !== undefined && { tls: { ...tls, enabled: tls.enabled === true } }),
  };
}

function invalid(input: SeedInput, message: string): DatasyncError {
  const file = typeof input === 'string' ? input : input instanceof URL ? fileURLToPath(input) : undefined;
  return new DatasyncError('INVALID_CONFIG', `${file ?? 'redisConfig'}: ${message}`, {
    backend: 'redis',
    ...(file !== undefined && { file }),
  });
}
