/** Host and port of a server. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** The keys that say what there is to connect to. */
export interface RedisKeys {
  readonly endpoint?: string;
  readonly endpoints?: readonly string[];
  readonly masterName?: string;
  readonly db?: number;
}

/** A node, the Sentinels that know one, or a cluster. */
export type RedisKind = 'node' | 'sentinel' | 'cluster';

/** What {@link isEndpoint} takes, for messages. */
export const endpointForm = 'host:port';

const endpoint = /^(\[[^\]\s]+\]|[^:\s/]+):(\d{1,5})$/;

export function isEndpoint(value: unknown): boolean {
  const port = Number(endpoint.exec(String(value))?.[2]);
  return typeof value === 'string' && port >= 1 && port <= 65_535;
}

export function addressOf(text: string): RedisAddress {
  const [, host, port] = endpoint.exec(text)!;
  return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port) };
}

export function kindOf({ masterName, endpoints }: RedisKeys): RedisKind {
  return masterName !== undefined ? 'sentinel' : endpoints !== undefined ? 'cluster' : 'node';
}

/** Why these keys do not go together; `undefined`: they do. */
export function contradiction(keys: RedisKeys): string | undefined {
  if (keys.endpoint !== undefined && keys.endpoints !== undefined)
    return "'endpoint' (a node) and 'endpoints' (a cluster, or Sentinels) exclude each other";
  const kind = kindOf(keys);
  if (kind === 'sentinel' && keys.endpoints === undefined) return "'endpoints' is missing: the Sentinels";
  if (kind === 'cluster' && keys.db !== undefined && keys.db !== 0) return "a cluster has no 'db' but 0";
  return undefined;
}
