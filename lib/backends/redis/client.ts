import { DatasyncError, messageOf } from '../../model/errors.ts';
import { checkArgument, isObject, type Leaf, withMethods } from '../../model/options.ts';
import { isNoDatabase } from './failures.ts';
import { slotCount } from './slots.ts';

/** What a command takes. */
export type RedisArgument = string | number | Uint8Array | readonly (string | number | Uint8Array)[];

/** Commands that are sent, and answered, together. */
export interface RedisBatch {
  /** Adds a command; texts of its reply are bytes. */
  callBuffer(command: string, ...args: never[]): unknown;
  /** Sends them all. */
  exec(): Promise<readonly [error: Error | null, result?: unknown][] | null>;
}

/** What a client of ioredis 5 or 6 has, node and cluster alike, as far as it is used here. */
interface AnyClient {
  /** How its connection is doing: `ready`, `end` … */
  readonly status: string;
  /** Sends a command; texts of the reply are strings. */
  call(command: string, ...args: never[]): Promise<unknown>;
  /** Sends a command; texts of the reply are bytes. */
  callBuffer(command: string, ...args: never[]): Promise<unknown>;
  /** Makes the connection that `lazyConnect` has put off. */
  connect(): Promise<void>;
  /** Ends the connection. */
  disconnect(reconnect?: boolean): void;
  /** Begins a transaction. */
  multi(): RedisBatch;
  /** Listens to one of its events. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Listens no longer. */
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A `Redis` of ioredis 5.11 or later, or 6: a connection to one node, also one that Sentinels name. */
export interface RedisNode extends AnyClient {
  readonly isCluster: boolean;
  readonly options: object;
  /** A client like this one, with options of its own, and a connection of its own. */
  duplicate(override?: object): RedisNode;
}

/** A `Cluster` of ioredis 5.11 or later, or 6. */
export interface RedisCluster extends AnyClient {
  readonly isCluster: boolean;
  readonly options: object;
  /** A client like this one, with options of its own, and connections of its own. */
  duplicate(startupNodes?: never[], options?: object): RedisCluster;
  /** A client for each node that is known. */
  nodes(role?: 'master'): RedisNode[];
}

/** A client of ioredis. */
export type RedisClient = RedisNode | RedisCluster;

const clientRule: Leaf = [
  (value) => withMethods('', 'duplicate', 'callBuffer')[0](value) && isObject((value as RedisClient).options),
  'a Redis or Cluster of ioredis',
];

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkClient(where: string, client: RedisClient): void {
  checkArgument(where, 'client', client, clientRule);
  const { keyPrefix, redisOptions } = client.options as {
    readonly keyPrefix?: string;
    readonly redisOptions?: { readonly keyPrefix?: string };
  };
  const prefix = keyPrefix ?? redisOptions?.keyPrefix ?? '';
  if (prefix === '') return;
  const message = `${where}: the client has the keyPrefix ${JSON.stringify(prefix)}, which ioredis puts before the keys of some commands only: make one without it, and give whole prefixes`;
  throw new DatasyncError('INVALID_CONFIG', message, { backend: 'redis' });
}

export function isCluster(client: RedisClient): client is RedisCluster {
  return client.isCluster;
}

/** The address of a node of a cluster. */
export function nameOf({ options }: RedisNode): string {
  const { host, port } = options as { readonly host?: string; readonly port?: number };
  return `${host}:${port}`;
}

/** What a cluster of ioredis 5 and 6 knows of who has which slots: of each the addresses, that of the master first. */
interface Slots {
  readonly slots: readonly (readonly string[] | undefined)[];
  refreshSlotsCache(callback: (error?: Error) => void): void;
}

function slotsOf(cluster: RedisCluster): Slots {
  return cluster as unknown as Slots;
}

/** The address of the master that has a slot, as far as the client knows it. */
export function masterOf(cluster: RedisCluster, slot: number): string | undefined {
  return slotsOf(cluster).slots[slot]?.[0];
}

/** Whether every slot has a master, and `nodes('master')` all of them. */
export function knowsAllMasters(cluster: RedisCluster): boolean {
  const owners = new Set(Array.from({ length: slotCount }, (_, slot) => masterOf(cluster, slot)));
  for (const node of cluster.nodes('master')) owners.delete(nameOf(node));
  return owners.size === 0;
}

/** Asks the nodes of a cluster who has which slots. @throws where none of them says it */
export function refreshed(cluster: RedisCluster): Promise<void> {
  return new Promise((resolve, reject) => {
    slotsOf(cluster).refreshSlotsCache((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** The number of the database that the options of a client name. */
export function databaseOf(client: RedisNode): number {
  return (client.options as { readonly db?: number }).db ?? 0;
}

/** Whether Sentinels say which node it is. */
export function isNamedBySentinels(client: RedisNode): boolean {
  const { sentinels } = client.options as { readonly sentinels?: readonly unknown[] | null };
  return Array.isArray(sentinels) && sentinels.length > 0;
}

/** Sends a command and gives its reply with texts as Buffers. ioredis would write a plain Uint8Array as a list of numbers. */
export function send(
  client: RedisClient | RedisBatch,
  command: string,
  args: readonly RedisArgument[],
): Promise<unknown> {
  const sent = args.map((each) =>
    each instanceof Uint8Array ? Buffer.from(each.buffer, each.byteOffset, each.byteLength) : each,
  );
  return client.callBuffer(command, ...(sent as never[])) as Promise<unknown>;
}

/** What every connection of ours has, whatever the client it is made after. */
export const ownConnection: Readonly<Record<string, unknown>> = {
  lazyConnect: true,
  // A connection is used once: the loop above makes the next, and everything that depends on it anew.
  retryStrategy: null,
  reconnectOnError: null,
  sentinelRetryStrategy: null,
  maxRetriesPerRequest: null,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  // ioredis 6 drops what the server pushes over RESP3.
  protocol: 2,
  replyMapping: undefined,
  stringNumbers: false,
  // A master that was paused and replaced would be believed for ever.
  failoverDetector: true,
  commandTimeout: undefined,
  socketTimeout: undefined,
  keyPrefix: undefined,
  monitor: false,
};

/** The same for a cluster: nothing is sent twice, and what is broken is made anew. */
export function ownCluster({ options }: RedisCluster): object {
  const { redisOptions } = options as { readonly redisOptions?: object };
  const { sentinelRetryStrategy: _, lazyConnect, enableOfflineQueue: __, ...node } = ownConnection;
  return {
    lazyConnect,
    clusterRetryStrategy: null,
    retryDelayOnFailover: 0,
    // Without it, what is sent to a node that is still being connected fails.
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    // What is read is what was written.
    scaleReads: 'master',
    slotsRefreshInterval: 1_000,
    shardedSubscribers: false,
    redisOptions: { ...redisOptions, ...node },
  };
}

/** Ends a client of ours for good: a look at the slots that is under way would set the timer for the next one, and so on for ever. */
export function endCluster(cluster: RedisCluster): void {
  slotsOf(cluster).refreshSlotsCache = () => undefined;
  cluster.disconnect();
}

/** Milliseconds that connecting may take, without the questions that follow. */
export function connectLimit({ options }: RedisClient): number {
  const { redisOptions, connectTimeout } = options as {
    readonly connectTimeout?: number;
    readonly redisOptions?: { readonly connectTimeout?: number };
  };
  // 0 is none for ioredis.
  return connectTimeout || redisOptions?.connectTimeout || 10_000;
}

/**
 * Connects, to the database that the options name, or says why not.
 *
 * @throws what kept it from that: also where ioredis never answers, since a cluster that is connected is not well
 */
export async function connected(client: RedisClient): Promise<void> {
  let failure: unknown;
  client.on('error', (error) => {
    failure = (error as { readonly lastNodeError?: unknown } | undefined)?.lastNodeError ?? error;
  });
  const silent = new Set<string>();
  client.on('node error', (_error, address) => silent.add(String(address)));
  const ended = new Promise<never>((_, reject) => {
    client.on('end', () => reject(new Error('it was closed')));
  });
  ended.catch(() => undefined);
  try {
    await Promise.race([client.connect(), ended]);
  } catch (error) {
    // ioredis does not say why nobody can be reached; at least we say who.
    if (silent.size > 0 && messageOf(failure) === 'Connection is closed.')
      throw new Error(`no node of the cluster can be reached: ${[...silent].join(', ')}`, { cause: failure });
    throw failure ?? error;
  }
  if (!isCluster(client)) await choose(client);
}

/** ioredis goes on with database 0 where the server refuses the one of the options. */
async function choose(client: RedisNode): Promise<void> {
  const database = databaseOf(client);
  if (database === 0) return;
  try {
    await client.call('SELECT', ...([String(database)] as never[]));
  } catch (error) {
    if (!isNoDatabase(error)) throw error;
    const message = `the server has no database ${database}: ${messageOf(error)}`;
    throw new DatasyncError('INVALID_CONFIG', message, { cause: error, backend: 'redis' });
  }
}
