import { catchError, defer, NEVER, throwError } from 'rxjs';
import type { Capabilities } from '../../model/capabilities.ts';
import { checkOptions } from '../../model/options.ts';
import type { Backend } from '../../source/frames.ts';
import { windowed } from '../../source/windowed.ts';
import { checkClient, isCluster, type RedisClient } from './client.ts';
import { clusterStore } from './cluster.ts';
import { failure } from './failures.ts';
import { checkKeyPrefixes } from './keys.ts';
import { nodeStore } from './node.ts';
import { type RedisOptions, redisRules, resolveRedisOptions } from './sourceOptions.ts';

const reasons: NonNullable<Capabilities['reasons']> = {
  atomic: 'Redis announces keys, not transactions, and their values are read afterwards',
  resume: 'announcements are not kept by the server: whatever was missed is found by reading everything again',
  progress: 'the server is asked whether it is there, and that is not told',
  revision: 'Redis has no revision',
};

/**
 * Redis for `fromBackend`: two connections of its own to each node, made after the options of the client.
 *
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function redisBackend(client: RedisClient, options: RedisOptions = {}): Backend<never> {
  checkClient('redisBackend', client);
  checkOptions('redisBackend', options, redisRules);
  const resolved = resolveRedisOptions(options);
  const { batch, onDenied } = resolved;
  const common = { name: 'redis', batch, capabilities: { reasons } };
  const never = { watch: () => NEVER, list: () => NEVER, read: () => NEVER };
  return {
    ...windowed({ ...common, ...never }),
    open: (context) =>
      defer(() => {
        checkKeyPrefixes('redisBackend', context.prefixes, resolved.keyEncoding);
        const store = isCluster(client) ? clusterStore(client, resolved) : nodeStore(client, resolved);
        return windowed({ ...common, ...store }).open(context);
      }).pipe(catchError((error: unknown) => throwError(() => failure(error, onDenied === 'retry')))),
  };
}
