import { findConfig } from 'rx-datasync/config';
import { createRedis, type RedisStore, redisConfig } from 'rx-datasync/redis';
import { fromEvent, merge, type Observable, take } from 'rxjs';

/**
 * Works with the Redis that `redis.conf` (`--redis-config`, `REDIS_CONFIG`) names, else with the node at `REDIS_ENDPOINT`, else
 * with `127.0.0.1:6379`, and closes it. What goes wrong is printed, and the program ends with 1.
 */
export async function withRedis(work: (redis: RedisStore) => Promise<void>): Promise<void> {
  try {
    const file = findConfig('redis');
    const { REDIS_ENDPOINT: endpoint = '127.0.0.1:6379' } = process.env;
    await using redis = createRedis(file === undefined ? { endpoint } : await redisConfig(file));
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
