import type { Observable } from 'rxjs';
import type { Codec } from '../model/codec.ts';
import { DatasyncError } from '../model/errors.ts';
import type { Source } from '../model/events.ts';
import { checkOptions, oneOf, rule } from '../model/options.ts';
import { type RetryConfig, retryRules, sourceRules } from '../source/config.ts';
import { type AckHandlers, ackWithCallback } from './ackWithCallback.ts';
import { Declared, type OnFailure } from './internal/declared.ts';
import { checkHandlers } from './internal/handle.ts';

/** One consumer for {@link orderedResync}, as {@link consumer} makes it. */
export interface Consumer<Name extends string = string> {
  readonly name: Name;
  readonly prefix: string;
  readonly required: boolean;
}

/** Options of {@link consumer}. */
export interface ConsumerConfig {
  /** Whether its failure is the failure of the whole event. If not, `orderedResync` tells it again by itself. Default: true. */
  readonly required?: boolean;
  /** What follows its failure; `stop` only where it is required. Default: what `orderedResync` says for all. */
  readonly onFailure?: OnFailure;
  /** Milliseconds it may take over one event; then `timedOut`, and the work of handlers is stopped. Default: no limit. */
  readonly timeout?: number;
  /** With `onFailure: 'retry'`: how often within a round, and when, in ms. Default: 3 × 100 … 30,000, doubled, jittered. */
  readonly retry?: Omit<RetryConfig, 'stable'>;
}

/**
 * Describes one consumer for {@link orderedResync}: its name, its keys, its type, its work.
 *
 * ![](../../marbles/consumer.svg)
 *
 * It gets the events of its prefix ({@link withPrefix}), decoded by its codec: a value that cannot be decoded is `rejected`
 * for this consumer alone, and its own last good value stays. The work is a pair of handlers as of {@link ackWithCallback},
 * or a pipeline of its own, which is subscribed before its first resync. A pipeline that errors, completes, or listens no
 * more has failed on the event it was given; it is subscribed anew for the next resync. Its events are a source in their own
 * right: epochs count its own resyncs, the diff says what this consumer was told. An event nobody claims in it is `delivered`.
 *
 * It needs no `bufferDuringResync`: {@link orderedResync} includes it. Memory: one entry per key.
 *
 * @example
 * consumer('routes', '/route/', jsonCodec<Route>(), { resync: ({ entries }) => replaceAll(entries), change }, { required: false })
 *
 * @param name in messages and in the results; each once
 * @param prefix a raw string prefix, no path rules; `''` is everything
 * @param codec of its values; the source hands over bytes
 * @param work handlers, or a pipeline over its events
 * @param config see {@link ConsumerConfig}
 * @returns a description: each subscription of `orderedResync` starts it anew
 * @throws DatasyncError `INVALID_CONFIG` at once, where something is missing, unknown or contradicts
 */
export function consumer<const Name extends string, T>(
  name: Name,
  prefix: string,
  codec: Codec<T>,
  work: AckHandlers<T> | ((source: Source<T>) => Observable<unknown>),
  config: ConsumerConfig = {},
): Consumer<Name> {
  checkOptions('consumer', { name }, { name: rule.text }, ['name']);
  const where = `consumer '${name}'`;
  checkOptions(where, { prefix, codec }, { prefix: rule.anyText, codec: sourceRules['codec']! }, ['prefix', 'codec']);
  checkOptions(where, config, {
    required: rule.flag,
    onFailure: oneOf('continue', 'stop', 'retry'),
    timeout: rule.milliseconds,
    retry: retryRules,
  });
  const { required = true, onFailure, timeout, retry } = config;
  if (!required && onFailure === 'stop')
    throw new DatasyncError('INVALID_CONFIG', `${where}: required: false stops nobody, so onFailure cannot be 'stop'`);
  const pipeline = typeof work === 'function' ? work : worked(where, work, timeout);
  return new Declared(name, prefix, codec, pipeline, { required, onFailure, timeout, retry });
}

function worked<T>(
  where: string,
  handlers: AckHandlers<T>,
  timeout: number | undefined,
): (source: Source<T>) => Observable<unknown> {
  checkHandlers(where, handlers, 'work', 'handlers { resync, change }, or a pipeline: a function');
  const apply = ackWithCallback(handlers, timeout === undefined ? {} : { timeout });
  return (source) => source.pipe(apply);
}
