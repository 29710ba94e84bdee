/**
 * A phone book in Redis, as the redis-lib/simple example of cn-infra; see README.md beside it.
 *
 *     npx tsx examples/redis-simple/main.ts                                  with the node of REDIS_ENDPOINT, or 127.0.0.1:6379
 *     npx tsx examples/redis-simple/main.ts --redis-config sentinel.conf     with what that file names: a node, Sentinels, a cluster
 */
import { run } from './redisSimple.ts';
import { withRedis } from './withRedis.ts';

await withRedis((redis) => run(redis, '{rx-datasync}/phonebook/', (line) => console.log(line)));
