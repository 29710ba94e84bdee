import { findConfig } from 'rx-datasync/config';
import { type CreatedRedis, createRedis, redisConfig } from 'rx-datasync/redis';
import { fromEvent, merge, type Observable, take } from 'rxjs';

/**
 * Works with the Redis that `redis.conf` (`--redis-config`, `REDIS_CONFIG`) names, else with the node at `REDIS_ENDPOINT`, else
 * with `127.0.0.1:6379`, and closes it. What goes wrong is printed, and the program ends with 1.
 */
export async function withRedis(work: (redis: CreatedRedis) => Promise<void>): Promise<void> {
  try {
    const node = { endpoint: process.env['REDIS_ENDPOINT'] ?? '127.0.0.1:6379' };
    await using redis = await createRedis(await redisConfig(findConfig('redis') ?? node));
    await work(redis);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** Emits when the program is asked to end: while somebody is subscribed, it has the time to clear up. */
export const stopped: Observable<unknown> = merge(fromEvent(process, 'SIGINT'), fromEvent(process, 'SIGTERM')).pipe(
  take(1),
);
