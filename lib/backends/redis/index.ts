export type { RedisArgument, RedisBatch, RedisClient, RedisCluster, RedisNode } from './client.ts';
export { createRedis, type RedisConfig, type RedisStore } from './createRedis.ts';
export { fromRedis } from './fromRedis.ts';
export type { KeyEncoding } from './keys.ts';
export { hashReader, jsonReader, type RedisCall, type RedisReader } from './readers.ts';
export { redisBackend } from './redisBackend.ts';
export { type RedisBrokerConfig, redisBroker } from './redisBroker.ts';
export { redisConfig } from './redisConfig.ts';
export type { FromRedisConfig, RedisOptions } from './sourceOptions.ts';
