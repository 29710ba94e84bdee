import { isObject, type Leaf, oneOf, type Rules, rule, wrongElement } from '../../model/options.ts';
import type { SourceConfig } from '../../source/config.ts';
import type { KeyEncoding } from './keys.ts';
import type { RedisReader } from './readers.ts';

/** What the Redis backend takes. */
export interface RedisOptions {
  /**
   * How Redis says what was touched. `tracking`: invalidation messages (`CLIENT TRACKING … BCAST`, Redis 6 and later), which
   * need no setting of the server and come in batches. `keyspace`: keyspace notifications, for older or proxied servers; not
   * of a replica, which announces nothing when it receives everything anew.
   * `auto`: the first, and where the server cannot or may not, the second. Default: `tracking`.
   */
  readonly mode?: 'tracking' | 'keyspace' | 'auto';
  /**
   * What follows where the server's `notify-keyspace-events` does not name all events that are needed. `check`: the
   * subscription ends with `INVALID_CONFIG`, which says what to set. `set`: it is set, by `CONFIG SET`, at every connect.
   * `trust`: nobody looks, for servers that refuse `CONFIG`. Only with keyspace notifications. Default: `check`.
   */
  readonly keyspaceEvents?: 'check' | 'set' | 'trust';
  /**
   * How keys are texts. With `utf8` a key that is not UTF-8 is `rejected`, each of its foreign bytes shown as the surrogate
   * U+DC00 + byte; `latin1` holds every key, a character per byte. Default: `utf8`.
   */
  readonly keyEncoding?: KeyEncoding;
  /** How values that are no strings become bytes: {@link hashReader}, {@link jsonReader}, your own. Others are `rejected`. Default: none. */
  readonly readers?: readonly RedisReader[];
  /**
   * Milliseconds between two small questions on each connection. They find out that nothing comes through any more, that the
   * data was replaced without a word (`SWAPDB`), that a permission or the server's settings are gone. Less than the server's
   * own `timeout` for idle clients, if it has one. Default: 5,000.
   */
  readonly probeInterval?: number;
  /**
   * Milliseconds without a sign of life after which such a question counts as failed; and that a reader may take in which it
   * does not wait for the server. Default: 5,000.
   */
  readonly timeout?: number;
  /**
   * How many keys are asked for at once, by a listing and by a re-read; fewer where their values would come to more than about
   * 16 MB. One value may have up to 512 MB, which is the limit of Redis. Default: 1,000.
   */
  readonly batch?: number;
  /**
   * What follows when Redis refuses the password, a command, a key or the channel. `fail`: the subscription ends with
   * `ACCESS_DENIED`. `retry`: it is tried again, as after any other failure, and the status is `stale`. Default: `fail`.
   */
  readonly onDenied?: 'fail' | 'retry';
}

/** Configuration of {@link fromRedis}. */
export interface FromRedisConfig<T> extends SourceConfig<T>, RedisOptions {}

/** {@link RedisOptions} with the defaults. */
export type ResolvedRedisOptions = Required<RedisOptions>;

const isReader = (value: unknown): boolean =>
  isObject(value) &&
  typeof (value as RedisReader).type === 'string' &&
  // These are read without one.
  (value as RedisReader).type !== 'string' &&
  typeof (value as RedisReader).read === 'function';

/** A time that cannot be none. */
export const positiveTime: Leaf = [
  (value) => rule.milliseconds[0](value) && Number.isInteger(value) && value !== 0,
  'a whole number of milliseconds, 1 to 2,147,483,647',
];

/** The table of {@link RedisOptions}. */
export const redisRules: Rules = {
  mode: oneOf('tracking', 'keyspace', 'auto'),
  keyspaceEvents: oneOf('check', 'set', 'trust'),
  keyEncoding: oneOf('utf8', 'latin1'),
  readers: [
    (value) => Array.isArray(value) && value.every(isReader),
    "an array of readers: { type, read }, none of them for 'string'",
    wrongElement(isReader),
  ],
  probeInterval: [
    (value) => rule.milliseconds[0](value) && (value as number) >= 10,
    'a number of milliseconds, 10 or more',
  ],
  timeout: positiveTime,
  batch: rule.positive,
  onDenied: oneOf('fail', 'retry'),
};

export function resolveRedisOptions(options: RedisOptions): ResolvedRedisOptions {
  const { mode = 'tracking', keyspaceEvents = 'check', keyEncoding = 'utf8', readers = [] } = options;
  const { probeInterval = 5_000, timeout = 5_000, batch = 1_000, onDenied = 'fail' } = options;
  return { mode, keyspaceEvents, keyEncoding, readers, probeInterval, timeout, batch, onDenied };
}
