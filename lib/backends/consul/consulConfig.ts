import { loadSeedConfig, type SeedInput } from '../internal/loadSeedConfig.ts';
import { type SeedKeys, seedKey } from '../internal/seedKeys.ts';
import type { ConsulConfig } from './createConsul.ts';

const keys = {
  address: seedKey.text,
  'resync-after-reconnect': seedKey.flag,
  token: seedKey.secret,
  datacenter: seedKey.text,
  tls: {
    enabled: seedKey.flag,
    'skip-verify': seedKey.flag,
    'cert-file': seedKey.text,
    'key-file': seedKey.text,
    'ca-file': seedKey.text,
  },
} satisfies SeedKeys;

/**
 * Reads the configuration of cn-infra's Consul plugin, `consul.conf`, with a token and TLS as its other plugins have them:
 *
 * ```yaml
 * address: 10.0.0.1:8500
 * resync-after-reconnect: true
 * token: 8f246b77-f3e1-ff88-5b48-8ec93abf3e05
 * tls:
 *   ca-file: /etc/agent/ca.pem
 * ```
 *
 * Other than there, an unknown key is refused.
 *
 * @example
 * const consul = createConsul(await consulConfig('consul.conf'));
 *
 * @param input the path or `file:` URL of a YAML or JSON file, `{ yaml }` with its text, or an object with these keys
 * @see `findConfig` of `rx-datasync/config`, which looks for the file by flag and environment
 * @throws DatasyncError (as a rejection) `INVALID_CONFIG`, naming the key, what was expected, and file, line and column where there
 * are; `PARSE_FAILED` and `UNREADABLE` with the file; `MISSING_PEER` (`js-yaml`), unless it is JSON
 */
export function consulConfig(input: SeedInput): Promise<ConsulConfig> {
  return loadSeedConfig(input, keys, { where: 'consulConfig', backend: 'consul' });
}
