import { isNamedBySentinels, ownConnection, type RedisNode } from './client.ts';

/** The socket of a connection: there as soon as it has been connected. */
interface Wire {
  readonly bytesRead: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  destroy(): void;
}

/** What connects to Sentinels, in ioredis 5 and 6; it keeps no note of the connections that are being made. */
interface Connector {
  connectToSentinel?: (...args: unknown[]) => RedisNode;
}

const asked = new WeakMap<RedisNode, RedisNode[]>();

/**
 * A connection of our own after the options of a client. ioredis asks one Sentinel after the other, and would wait for ever
 * for one that accepts the connection and says nothing: each has its share of the time.
 *
 * @param limit milliseconds that connecting may take
 */
export function ownNode(client: RedisNode, limit: number): RedisNode {
  const isNamed = isNamedBySentinels(client);
  // The check asks for the role of the node, and warns on the console where `INFO` is not allowed.
  const made = client.duplicate({ ...ownConnection, enableReadyCheck: isNamed, ...(isNamed && shares(client, limit)) });
  const { connector } = made as unknown as { readonly connector?: Connector };
  const connect = connector?.connectToSentinel;
  if (!isNamed || connector === undefined || connect === undefined) return made;
  const sentinels: RedisNode[] = [];
  asked.set(made, sentinels);
  connector.connectToSentinel = (...args) => {
    const sentinel = connect.apply(connector, args);
    sentinels.push(sentinel);
    return sentinel;
  };
  return made;
}

function shares({ options }: RedisNode, limit: number): object {
  const { sentinels, sentinelCommandTimeout: own } = options as {
    readonly sentinels: readonly unknown[];
    readonly sentinelCommandTimeout?: number;
  };
  // One share is for the master itself.
  const share = Math.max(1, Math.floor(limit / (sentinels.length + 1)));
  return { connectTimeout: share, sentinelCommandTimeout: Math.min(own ?? share, share) };
}

const ended = new WeakSet<RedisNode>();

/** Whether it was us who ended it. */
export function isEnded(connection: RedisNode): boolean {
  return ended.has(connection);
}

/** Ends a connection at once, also where nobody answers any more, and those to Sentinels with it. */
export function endNode(connection: RedisNode): void {
  endAtOnce(connection);
  endSentinels(connection);
}

/** ioredis keeps those that tell of a failover open when the connection that they were made for is over. */
export function endSentinels(connection: RedisNode): void {
  for (const each of asked.get(connection) ?? []) endAtOnce(each);
}

function endAtOnce(connection: RedisNode): void {
  ended.add(connection);
  connection.disconnect();
  wireOf(connection)?.destroy();
}

export function wireOf(connection: RedisNode): Wire | undefined {
  return (connection as unknown as { readonly stream?: Wire | null }).stream ?? undefined;
}

/** Whether a connection waits for an answer. */
export function isAsked(connection: RedisNode): boolean {
  const { commandQueue } = connection as unknown as { readonly commandQueue?: { readonly length: number } };
  return commandQueue === undefined || commandQueue.length > 0;
}
