import { DatasyncError } from '../../model/errors.ts';
import { isNamedBySentinels, type RedisNode } from './client.ts';
import { isReply } from './failures.ts';

/**
 * Looks whether a connection has come to what it was made for: a client of ioredis takes one node of a cluster for the whole.
 * Where `INFO` is not allowed, nobody knows.
 *
 * @throws DatasyncError `INVALID_CONFIG`, or what is wrong with the connection
 */
export async function checkServer(client: RedisNode): Promise<void> {
  const mode = /^redis_mode:(\w+)/m.exec(await told(client))?.[1];
  if (mode === 'sentinel' && !isNamedBySentinels(client))
    throw invalid('this is a Sentinel: name it to the client in `sentinels`, with the `name` of the master');
  if (mode === 'cluster')
    throw invalid('this node belongs to a cluster, and has a part of its keys: make a Cluster of ioredis');
}

async function told(client: RedisNode): Promise<string> {
  try {
    return String(await client.call('INFO', ...(['server'] as never[])));
  } catch (error) {
    if (!isReply(error)) throw error;
    return '';
  }
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', message, { backend: 'redis' });
}
