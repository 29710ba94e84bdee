import type { OperatorFunction } from 'rxjs';
import { DatasyncError } from '../model/errors.ts';
import type { DatasyncEvent } from '../model/events.ts';
import { checkOptions, oneOf } from '../model/options.ts';
import { deliveryDefaults, type RedeliverConfig, redeliverRules } from '../source/config.ts';
import type { Consumer } from './consumer.ts';
import { buffered } from './internal/buffered.ts';
import { Declared, type OnFailure } from './internal/declared.ts';
import type { ConsumerOutcome } from './internal/member.ts';
import { rounds } from './internal/rounds.ts';

export type { OnFailure } from './internal/declared.ts';
export type { ConsumerOutcome } from './internal/member.ts';

/** Options of {@link orderedResync}. */
export interface OrderedResyncConfig {
  /** What follows when a consumer fails that does not say so itself; `stop` holds for the required ones. Default: `continue`. */
  readonly onFailure?: OnFailure;
  /** When a consumer that only this operator knows to have failed is told again, in ms. Default: 5 × 1,000 … 30,000. */
  readonly redeliver?: RedeliverConfig;
}

/** An event, and how it ended for each consumer. */
export interface OrderedResult<Name extends string = string> {
  readonly event: DatasyncEvent<Uint8Array>;
  readonly outcomes: { readonly [N in Name]: ConsumerOutcome };
  /** Set where one consumer alone was told again, from memory; `event` is a resync of its prefix. */
  readonly again?: Name;
}

/**
 * Gives each event to several consumers, in the order of the array: the next one after the one before has settled.
 *
 * ![](../../marbles/orderedResync.svg)
 *
 * Each gets the part under its prefix, decoded, see {@link consumer}. One round runs at a time; no change reaches anybody
 * before all have applied the resync before it ({@link bufferDuringResync} is included). Where a required consumer fails
 * or times out the event is settled `failed`, with an AggregateError that names the consumers: after a resync no change
 * follows until one has been settled well, a failed change is followed by the next. What else follows, by `onFailure`:
 *
 * - `continue`: the rest of the round
 * - `stop`: nothing, and the rest is `notStarted` (a change still goes to all); one with `required: false` stops nobody
 * - `retry`: the consumer again, in this round, as its `retry` says; then as `continue`
 *
 * The failure of a consumer with `required: false` is in the result only. It gets no change (`notStarted`) while its resync
 * has failed, and is told again from memory, in a round of its own: a resync with reason `nacked`. So is a consumer whose pipeline ended.
 *
 * Order: kept, nothing is discarded. Errors: at once, the work is cancelled. Completion: after the last round; who is still
 * to be told again is not. Memory: one claim per event that waits, bounded by the source's `inFlight`; one entry per key and consumer.
 *
 * @example
 * source.pipe(orderedResync([
 *   consumer('interfaces', '/if/', jsonCodec<Interface>(), { resync: (event) => replaceAll(event.entries), change }),
 *   consumer('routes', '/route/', jsonCodec<Route>(), (routes) => routes.pipe(ackWithCallback(handlers)), { timeout: 5_000 }),
 * ])).subscribe(({ outcomes }) => console.log(outcomes.interfaces.type, outcomes.routes.type))
 *
 * @see {@link consumer}
 * @param consumers at least one, each name once; their prefixes may overlap
 * @param config see {@link OrderedResyncConfig}
 * @returns an operator over a source of bytes (`codec: bytesCodec`) that emits each event with the outcomes by name, after it was settled
 * @throws DatasyncError `INVALID_CONFIG` at once, where a name comes twice, an item is no consumer, or an option is unknown
 */
export function orderedResync<const C extends readonly Consumer[]>(
  consumers: C,
  config: OrderedResyncConfig = {},
): OperatorFunction<DatasyncEvent<Uint8Array>, OrderedResult<C[number]['name']>> {
  checkOptions('orderedResync', config, { onFailure: oneOf('continue', 'stop', 'retry'), redeliver: redeliverRules });
  const onFailure = config.onFailure ?? 'continue';
  const declared = checked(consumers, onFailure);
  const { redeliver } = deliveryDefaults(config.redeliver === undefined ? {} : { redeliver: config.redeliver });

  return (source) =>
    rounds(buffered(source, undefined, 'orderedResync'), declared, onFailure, redeliver) as ReturnType<
      OperatorFunction<DatasyncEvent<Uint8Array>, OrderedResult<C[number]['name']>>
    >;
}

function checked(consumers: readonly unknown[], onFailure: OnFailure): readonly Declared[] {
  if (!Array.isArray(consumers) || consumers.length === 0) throw invalid('expected an array of at least one consumer');
  const names = new Map<string, number>();
  return consumers.map((one: unknown, index) => {
    if (!(one instanceof Declared)) throw invalid(`item ${index} is no consumer: expected what consumer(…) returns`);
    const { name, treatment } = one as Declared;
    const twin = names.get(name);
    if (twin !== undefined) throw invalid(`items ${twin} and ${index} are both named '${name}': each name once`);
    names.set(name, index);
    if (treatment.retry !== undefined && (treatment.onFailure ?? onFailure) !== 'retry')
      throw invalid(`consumer '${name}' has the option 'retry', which takes onFailure: 'retry'`);
    return one as Declared;
  });
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `orderedResync: ${message}`);
}
