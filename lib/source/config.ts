import type { Observable, ObservableInput, Observer } from 'rxjs';
import type { Codec } from '../model/codec.ts';
import { checkOptions, isObject, oneOf, type Rules, rule, withMethods } from '../model/options.ts';
import type { SourceStatus } from '../model/status.ts';

/** How a broken connection is tried again. */
export interface RetryConfig {
  /** How many failures in a row are survived; then the subscription ends with `RETRY_EXHAUSTED`. Default: `Infinity`. */
  readonly count?: number;
  /**
   * Milliseconds before the first retry, doubled with each failure in a row; or a notifier per failure, as in rxjs `retry`:
   * its first emission starts the next attempt, its completion without one, or its error, ends the subscription with
   * `RETRY_EXHAUSTED`. Default: 100.
   */
  readonly delay?: number | ((error: unknown, attempt: number) => ObservableInput<unknown>);
  /** The longest delay in milliseconds. Default: 30,000. */
  readonly maxDelay?: number;
  /** Milliseconds a connection must be live before the next failure counts as the first again. Default: 10,000. */
  readonly stable?: number;
  /** 0 to 1; a delay is multiplied by 0.5 to 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What a subscriber holds and how it is told again. */
export interface DeliveryConfig {
  /** At most so many unsettled events; a resync alone does not wait for room. Default: 128. */
  readonly inFlight?: number;
  /** So many changes wait behind them one by one; what comes then is kept per key. Default: 1,000. */
  readonly queue?: number;
  /** What happens beyond `queue`: `conflate` keeps the first previous value and the last value per key; `error` ends the subscription with `OVERFLOW`. Default: `conflate`. */
  readonly overflow?: 'conflate' | 'error';
  /**
   * What a failed change means. `report`: the producer and the status are told, and nothing else happens: the status stays
   * `stale` until some resync that names its keys is settled well; make one by `resyncOn`. `resync`: one is told from memory,
   * as after a failed resync (see `redeliver`). Default: `report`.
   */
  readonly onNack?: 'report' | 'resync';
  /** How a failed resync is told again from memory: up to `count` times, after `delay` ms, doubled up to `maxDelay`. Default: 5 × 1,000 … 30,000. */
  readonly redeliver?: RedeliverConfig;
  /**
   * When nothing has settled for so many milliseconds, the oldest open event is settled `timedOut`, and the status says it.
   * Without it a consumer that hangs is only reported (`STALLED`), and only when something arrives. Default: off.
   */
  readonly claimTimeout?: number;
}

/** The same right at a source, which may also let the store wait. */
export interface SourceDeliveryConfig extends Omit<DeliveryConfig, 'overflow'> {
  /**
   * As of {@link DeliveryConfig}, or `pause`: no queue here; reading stops while `inFlight` events are unsettled, and every state
   * in between is told later, for as long as the store remembers it. Only where the store can wait (etcd). Default: `conflate`.
   */
  readonly overflow?: 'conflate' | 'error' | 'pause';
}

/** See {@link DeliveryConfig.redeliver}. */
export interface RedeliverConfig {
  /** Default: 5. Afterwards it is told again only when something new is known, at most once per `maxDelay`. */
  readonly count?: number;
  /** Milliseconds. Default: 1,000. */
  readonly delay?: number;
  /** Milliseconds. Default: 30,000. */
  readonly maxDelay?: number;
}

/** The configuration every source shares. */
export interface SourceConfig<T> {
  /**
   * Raw string prefixes of the keys to watch; `''` is everything. As an Observable they may change: nothing is told before
   * its first emission, its error ends the subscription (`INVALID_CONFIG`, with it as `cause`), its completion leaves the last list.
   */
  readonly prefixes: readonly string[] | Observable<readonly string[]>;
  /** Default: `bytesCodec`; `jsonCodec` for files. */
  readonly codec?: Codec<T>;
  /** For messages and reports. */
  readonly name?: string;
  /** Each emission reads everything again, and names what a consumer failed on; requests merge, at most one is answered per 100 ms. Errors and completion are ignored. */
  readonly resyncOn?: Observable<unknown>;
  /** Read everything again after each reconnect, also where the store proves continuity. Default: false. */
  readonly resyncAfterReconnect?: boolean;
  /**
   * Told how each subscription is doing; only `next` is called. `stale` after a failed change (`cause` is `NACKED`, with the
   * reason) goes away with the next resync that is settled well, and with `delivery.onNack: 'report'` nothing makes one: let
   * `resyncOn` emit, or set `onNack: 'resync'`.
   */
  readonly statusObserver?: Partial<Observer<SourceStatus>>;
  readonly retry?: RetryConfig;
  readonly delivery?: SourceDeliveryConfig;
}

/** The options that the makers of backends share. */
export const storeRules: Rules = {
  name: rule.text,
  capabilities: [isObject, 'an object'],
  maxSilence: rule.milliseconds,
};

const delays: Rules = {
  count: rule.count,
  delay: [
    (value) => typeof value === 'function' || rule.milliseconds[0](value),
    'a number of milliseconds, or a function',
  ],
  maxDelay: rule.milliseconds,
};

/** The table of {@link RetryConfig}, but for `stable`, which is about connections. */
export const retryRules: Rules = { ...delays, random: rule.callback };

/** The table of {@link RedeliverConfig}. */
export const redeliverRules: Rules = { count: rule.count, delay: rule.milliseconds, maxDelay: rule.milliseconds };

/** The table of {@link DeliveryConfig}. */
export const deliveryRules: Rules = {
  inFlight: rule.positive,
  queue: rule.count,
  overflow: oneOf('conflate', 'error'),
  onNack: oneOf('report', 'resync'),
  redeliver: redeliverRules,
  claimTimeout: rule.milliseconds,
};

/** The table of {@link SourceConfig}, for sources that add options of their own. */
export const sourceRules: Rules = {
  prefixes: rule.textsOrObservable,
  codec: withMethods('a codec: { name, decode, encode }', 'decode', 'encode'),
  name: rule.text,
  resyncOn: rule.observable,
  resyncAfterReconnect: rule.flag,
  statusObserver: rule.observer,
  retry: { ...delays, stable: rule.milliseconds, random: rule.callback },
  delivery: { ...deliveryRules, overflow: oneOf('conflate', 'error', 'pause') },
};

/** A bag whose options are all there. */
type Resolved<C> = { readonly [K in keyof C]-?: Exclude<C[K], undefined> };

export type ResolvedRetry = Resolved<RetryConfig>;
export type ResolvedRedeliver = Resolved<RedeliverConfig>;
export type ResolvedDelivery = Resolved<Omit<SourceDeliveryConfig, 'redeliver'>> & {
  readonly redeliver: ResolvedRedeliver;
};

/** The one place of the defaults. */
export function retryDefaults(config: RetryConfig = {}): ResolvedRetry {
  return { count: Infinity, delay: 100, maxDelay: 30_000, stable: 10_000, random: Math.random, ...defined(config) };
}

/** The one place of the defaults; `claimTimeout: Infinity` is off. */
export function deliveryDefaults(config: SourceDeliveryConfig = {}): ResolvedDelivery {
  return {
    inFlight: 128,
    queue: 1_000,
    overflow: 'conflate',
    onNack: 'report',
    claimTimeout: Infinity,
    ...defined(config),
    redeliver: { count: 5, delay: 1_000, maxDelay: 30_000, ...defined(config.redeliver ?? {}) },
  };
}

/** @throws DatasyncError `INVALID_CONFIG` */
export function checkSourceConfig(where: string, config: unknown): void {
  checkOptions(where, config, sourceRules, ['prefixes']);
  const { prefixes } = config as { prefixes: unknown };
  if (Array.isArray(prefixes)) checkPrefixes(where, prefixes);
}

/** A fixed list must not be empty: a source that watches nothing, for ever, is a mistake. */
function checkPrefixes(where: string, prefixes: readonly unknown[]): void {
  checkOptions(
    where,
    { prefixes },
    { prefixes: [() => prefixes.length > 0, "a list that is not empty ('' watches everything)"] },
  );
}

// An option that is present and undefined must not hide its default.
function defined<C extends object>(config: C): { [K in keyof C]: Exclude<C[K], undefined> } {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as {
    [K in keyof C]: Exclude<C[K], undefined>;
  };
}
