import { DatasyncError } from '../../model/errors.ts';
import { isNamedBySentinels, type RedisNode } from './client.ts';
import { isAnswer } from './failures.ts';
import { isEnded } from './ownNode.ts';

/** How often, one after the other, a connection after the options of a client ended over the question, or was spared it. */
const ended = new WeakMap<RedisNode, number>();

/**
 * What a server says of itself, for one attempt to connect. Some proxies hang up where they are asked: the next attempt does
 * not ask, and none does any more when that has happened twice.
 */
export class Questions {
  /** Whether anything may be asked. */
  readonly isAllowed: boolean;
  readonly #client: RedisNode;
  readonly #before: number;

  /** @param client after whose options the connections are made */
  constructor(client: RedisNode) {
    this.#client = client;
    this.#before = ended.get(client) ?? 0;
    this.isAllowed = this.#before === 0 || this.#before === 2;
    if (this.#before === 1) ended.set(client, 2);
  }

  /** @returns what `INFO server` says; nothing where it may not be asked */
  async ask(connection: RedisNode): Promise<string> {
    if (!this.isAllowed) return '';
    try {
      const text = String(await connection.call('INFO', ...(['server'] as never[])));
      ended.delete(this.#client);
      return text;
    } catch (error) {
      if (isAnswer(error)) return '';
      if (!isEnded(connection)) ended.set(this.#client, this.#before + 1);
      throw error;
    }
  }
}

/**
 * Looks whether a connection has come to what it was made for: a client of ioredis takes one node of a cluster for the whole.
 * Where the server may not be asked, nobody knows.
 *
 * @param server what it says of itself
 * @throws DatasyncError `INVALID_CONFIG`, or what is wrong with the connection
 */
export async function checkServer(connection: RedisNode, server: string): Promise<void> {
  const mode = /^(?:redis|server)_mode:(\w+)/m.exec(server)?.[1];
  if (mode === 'sentinel' && !isNamedBySentinels(connection))
    throw invalid('this is a Sentinel: name it to the client in `sentinels`, with the `name` of the master');
  // One that has all slots is a server like any other.
  if (mode === 'cluster' && (await mastersBeside(connection)) > 1)
    throw invalid('this node belongs to a cluster, and has a part of its keys: make a Cluster of ioredis');
}

/** How many masters of its cluster have slots; 0: it does not say. */
async function mastersBeside(connection: RedisNode): Promise<number> {
  try {
    const text = String(await connection.call('CLUSTER', ...(['INFO'] as never[])));
    return Number(/^cluster_size:(\d+)/m.exec(text)?.[1] ?? 0);
  } catch (error) {
    if (!isAnswer(error)) throw error;
    return 0;
  }
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', message, { backend: 'redis' });
}
