import { Redis as Client } from 'ioredis';
import { onTestFinished } from 'vitest';
import { redisBroker } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { Broker } from '../../../lib/model/broker.ts';
import { DatasyncError } from '../../../lib/model/errors.ts';
import { openProxy } from '../../servers/proxy.ts';
import { type RedisOptions, startRedis } from '../../servers/redis.ts';
import { until } from './follower.ts';

export const lasting = { lifetime: 'client' } as const;

/** A server, and brokers that reach it by a proxy. */
export async function place(
  config: { readonly sessionTtl: number; readonly timeout?: number },
  options?: RedisOptions,
) {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  const proxy = await openProxy({ port: redis.port });
  onTestFinished(() => proxy.close());
  const another = (more: object = {}): Broker<string> => {
    const made = redisBroker(new Client({ port: proxy.port, lazyConnect: true }), {
      codec: textCodec,
      ...config,
      ...more,
    });
    onTestFinished(() => made.close());
    return made;
  };
  const ttl = async (key: string) => Number(await redis.cli('PTTL', key));
  /** Waits until its time to live is longer than it was. @returns how short it had become; negative: it was gone */
  const renewed = async (key: string) => {
    let lowest = Infinity;
    await until(async () => {
      const left = await ttl(key);
      if (left > lowest) return undefined;
      lowest = left;
      return `${key} is not renewed, it has ${left} ms left`;
    });
    return lowest;
  };
  return { redis, proxy, another, broker: another(), ttl, renewed };
}

/** `done`, the code of a DatasyncError, or any other error. */
export const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof DatasyncError ? error.code : error),
  );
