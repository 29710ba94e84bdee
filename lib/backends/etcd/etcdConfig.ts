import { loadSeedConfig, type SeedInput } from '../internal/loadSeedConfig.ts';
import { SeedKey, type SeedKeys, seedKey } from '../internal/seedKeys.ts';
import type { EtcdConfig } from './createEtcd.ts';

/** A switch of cn-infra's that is left as it is there by default. */
const off = (why: string) => new SeedKey<boolean>([(value) => value === false, `false: ${why}`]);

const keys = {
  endpoints: seedKey.texts,
  'dial-timeout': seedKey.duration,
  'operation-timeout': seedKey.duration,
  'insecure-transport': seedKey.flag,
  'insecure-skip-tls-verify': off("the client always verifies the server; name its authority as 'ca-file'"),
  'cert-file': seedKey.text,
  'key-file': seedKey.text,
  'ca-file': seedKey.text,
  'auto-compact': seedKey.duration,
  'resync-after-reconnect': seedKey.flag,
  'allow-delayed-start': seedKey.flag,
  'reconnect-interval': seedKey.duration,
  'session-ttl': seedKey.positive,
  'expand-env-variables': off('values are given as they are stored'),
} satisfies SeedKeys;

/**
 * Reads the configuration of cn-infra's etcd plugin, `etcd.conf`:
 *
 * ```yaml
 * endpoints: [10.0.0.1:2379, 10.0.0.2:2379]
 * dial-timeout: 1s
 * cert-file: /etc/agent/client.pem
 * key-file: /etc/agent/client-key.pem
 * ca-file: /etc/agent/ca.pem
 * session-ttl: 5
 * ```
 *
 * Durations are texts (`1m30s`) or nanoseconds, `session-ttl` is in seconds. Other than there, an unknown key is refused.
 *
 * @example
 * const etcd = createEtcd(await etcdConfig('etcd.conf'));
 *
 * @param input the path or `file:` URL of a YAML or JSON file, `{ yaml }` with its text, or an object with these keys
 * @see `findConfig` of `rx-datasync/config`, which looks for the file by flag and environment
 * @throws DatasyncError (as a rejection) `INVALID_CONFIG`, naming the key, what was expected, and file, line and column where there
 * are; `PARSE_FAILED` and `UNREADABLE` with the file; `MISSING_PEER` (`js-yaml`), unless it is JSON
 */
export async function etcdConfig(input: SeedInput): Promise<EtcdConfig> {
  const origin = { where: 'etcdConfig', backend: 'etcd' };
  const read = await loadSeedConfig(input, keys, origin);
  const { insecureSkipTlsVerify: _, expandEnvVariables: __, sessionTtl, autoCompact = 0, ...config } = read;
  return {
    ...config,
    ...(sessionTtl !== undefined && { sessionTtl: sessionTtl * 1_000 }),
    ...(autoCompact > 0 && { autoCompact }), // 0 is off
  };
}
