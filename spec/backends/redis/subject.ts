import { Redis as Client } from 'ioredis';
import { merge } from 'rxjs';
import type { RedisClient } from '../../../lib/backends/redis/client.ts';
import { listRedis, type RedisOptions, redisBackend, watchRedis } from '../../../lib/backends/redis/index.ts';
import type { RawWrite } from '../../../lib/model/broker.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import type { SourceSubject } from '../../../lib/testing/index.ts';
import { openProxy, type TcpProxy } from '../../servers/proxy.ts';
import { type Redis, startRedis } from '../../servers/redis.ts';
import { byHand } from '../../support/pipelines.ts';

/** A server of its own, whoever writes to it, and what the source goes through. */
export interface Place {
  readonly redis: Redis;
  readonly proxy: TcpProxy;
  readonly writer: Client;
  /** Never connected: the source makes its own after it. */
  readonly client: RedisClient;
}

/** How the client of a source is made. */
export type MakeClient = (options: {
  readonly port: number;
  readonly host: string;
  readonly lazyConnect: true;
}) => RedisClient;

/** All of it is closed by {@link closePlace}. */
export async function openPlace(
  make: MakeClient = (options) => new Client(options),
  args: readonly string[] = [],
): Promise<Place> {
  const redis = await startRedis({ persist: true, args });
  const proxy = await openProxy({ port: redis.port });
  const writer = new Client({
    port: redis.port,
    host: '127.0.0.1',
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
  });
  writer.on('error', () => undefined);
  const client = make({ port: proxy.port, host: '127.0.0.1', lazyConnect: true });
  return { redis, proxy, writer, client };
}

export async function closePlace({ redis, proxy, writer }: Place): Promise<void> {
  writer.disconnect();
  await proxy.close();
  await redis.stop();
}

/** Everything in one transaction. */
export async function write(writer: Client, writes: readonly RawWrite[]): Promise<undefined> {
  const multi = writer.multi();
  for (const each of writes) {
    if (each.op === 'delete') multi.del(each.key);
    else multi.set(each.key, Buffer.from(each.value));
  }
  await multi.exec();
  return undefined;
}

/** A node under the conformance suite. */
export function nodeSubject(
  name: string,
  version: string,
  options: RedisOptions,
  make?: MakeClient,
  args?: readonly string[],
): SourceSubject<Place> {
  const quick: RedisOptions = { probeInterval: 200, timeout: 300, ...options };
  return {
    name,
    version,
    capabilities: redisBackend(new Client({ lazyConnect: true })).capabilities,
    time: 'real',
    open: () => openPlace(make, args),
    write: ({ writer }, writes) => write(writer, writes),
    source: ({ client }, config, { observed }) => fromBackend(observed(redisBackend(client, quick)), config),
    faults: {
      disconnect: ({ proxy }) => proxy.cut(),
      partition: ({ proxy }) => {
        proxy.blackHole();
        return () => proxy.heal();
      },
      pause: ({ redis }) => {
        redis.pause();
        return () => redis.resume();
      },
      restart: async ({ redis }) => {
        await redis.kill();
        await redis.start();
      },
      wipe: async ({ redis }) => {
        await redis.wipe();
        await redis.start();
      },
      compact: 'Redis has no history',
    },
    close: closePlace,
  };
}

/** The four operators over the halves: all that only a loop can do is not theirs. */
export function handMadeSubject(
  name: string,
  version: string,
  options: RedisOptions,
  make?: MakeClient,
  args?: readonly string[],
): SourceSubject<Place> {
  return {
    ...nodeSubject(name, version, options, make, args),
    ...byHand,
    source: ({ client }, { prefixes, codec }) => {
      const config = { prefixes: prefixes as readonly string[], codec, probeInterval: 200, ...options };
      return merge(watchRedis(client, config), listRedis(client, config));
    },
  };
}
