import { loadSeedConfig, type SeedInput } from '../internal/loadSeedConfig.ts';
import { type SeedKeys, seedKey } from '../internal/seedKeys.ts';

const keys = {
  'configuration-paths': seedKey.texts,
  'status-path': seedKey.text,
} satisfies SeedKeys;

/** What the configuration of cn-infra's FileDB says, for {@link createFiles}. */
export interface FiledbConfig {
  /** `configuration-paths`: files and directories. */
  readonly paths: readonly string[];
  /** `status-path`: the file that holds the status. */
  readonly statusPath?: string;
}

/**
 * Reads the configuration of cn-infra's FileDB, `filedb.conf`:
 *
 * ```yaml
 * configuration-paths: [/etc/agent/config/, /etc/agent/extra.json]
 * status-path: /run/agent/status.yaml
 * ```
 *
 * Other than there, an unknown key is refused, and so is a file that does not exist. Paths are relative to the working directory.
 *
 * @example
 * const files = createFiles(await filedbConfig('filedb.conf'));
 *
 * @param input the path or `file:` URL of a YAML or JSON file, `{ yaml }` with its text, or an object with these keys
 * @see `findConfig` of `rx-datasync/config`, which looks for the file by flag and environment
 * @throws DatasyncError (as a rejection) `INVALID_CONFIG`, naming the key, what was expected, and file, line and column where there
 * are; `PARSE_FAILED` and `UNREADABLE` with the file; `MISSING_PEER` (`js-yaml`), unless it is JSON
 */
export async function filedbConfig(input: SeedInput): Promise<FiledbConfig> {
  const origin = { where: 'filedbConfig', backend: 'files' };
  const { configurationPaths, statusPath } = await loadSeedConfig(input, keys, origin, ['configuration-paths']);
  return { paths: configurationPaths!, ...(statusPath === undefined ? {} : { statusPath }) };
}
