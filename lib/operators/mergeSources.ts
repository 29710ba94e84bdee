import { isObservable, type Observable, type Observer } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { isPromiseLike } from '../internal/isPromiseLike.ts';
import { DatasyncError } from '../model/errors.ts';
import type { DatasyncEvent, Source } from '../model/events.ts';
import { checkOptions, isBag, type Leaf, oneOf, type Rules, rule } from '../model/options.ts';
import type { SourceStatus } from '../model/status.ts';
import { type DeliveryConfig, deliveryDefaults, deliveryRules } from '../source/config.ts';
import { Merging } from './internal/merging.ts';

/** How long a source is waited for, and what its error means. */
interface MergeOptions {
  /** Milliseconds the first resync waits for this source; then it is told without it, and the status says so. `Infinity`: not without it. Default: 10,000. */
  readonly wait?: number;
  /** What the error of this source means: the `end` of all, or a `status`: the others go on, and what it told last stays; where no other runs any more, it is the end all the same. Default: `end`. */
  readonly onError?: 'end' | 'status';
}

/** A source with options of its own. */
export interface MergedSource<T> extends MergeOptions {
  readonly source: Observable<DatasyncEvent<T>>;
}

/** Options of {@link mergeSources}; `wait` and `onError` hold for every source that does not say its own. */
export interface MergeSourcesConfig extends MergeOptions {
  /** What the subscriber may hold, and how it is told again. */
  readonly delivery?: DeliveryConfig;
  /** Told how each subscription is doing, and why it is stale; only `next` is called. */
  readonly statusObserver?: Partial<Observer<SourceStatus>>;
}

/** The type of the values of a source, or of one with options. */
export type ValueOfSource<S> =
  S extends Observable<DatasyncEvent<infer T>>
    ? T
    : S extends { readonly source: Observable<DatasyncEvent<infer T>> }
      ? T
      : never;

const wait: Leaf = [
  (value) => value === Infinity || rule.milliseconds[0](value),
  `${rule.milliseconds[1]}, or Infinity`,
];
const options: Rules = { wait, onError: oneOf('end', 'status') };
const rules: Rules = { ...options, delivery: deliveryRules, statusObserver: rule.observer };

/**
 * Several sources as one: of each key the value of the first source that has it.
 *
 * ![](../../marbles/mergeSources.svg)
 *
 * Priority is the order of the names. `from` says of each entry and change whose it is. A value that lost reappears, as a
 * put, when the one above it goes. A resync of one source is told as a resync of the whole, in which only the keys of that
 * source can differ; epochs and revisions are counted anew. The first resync waits for every source, each up to its `wait`;
 * it is never told without any. A change that a source tells before its first resync is dropped (`superseded`), and the status
 * says so once (`CONTRACT_BROKEN`, counted in `dropped`): a list and a watch of your own go through `bufferDuringResync` first. An event is settled with the first outcome of what is told of it, `superseded` where another
 * source wins. A key that cannot be decoded is `rejected`; until it has had a good value one from below stays.
 *
 * Order: that in which the sources tell. Errors: that of a source at once, as it is, unless `onError` says otherwise; with
 * `status` that of the last source which still ran ends all, also before the first resync. Completion: when
 * all have completed, and everything is settled. Memory: one entry per key and source, one per key, and what waits.
 *
 * @example
 * mergeSources({ files: fromFiles({ paths: ['overrides/'], prefixes: ['/nodes/'] }), etcd: fromEtcd(client, config) })
 *   .pipe(bufferDuringResync(), ackWithCallback({ resync, change }))
 *
 * @see {@link shareResync} for one source and many subscribers
 * @param sources by name, the first one wins; a name may not be a whole number, which JavaScript would put first
 * @param config see {@link MergeSourcesConfig}
 * @returns a source of its own
 * @throws DatasyncError `INVALID_CONFIG` at once, where there is no source, or an option is unknown or wrong
 */
export function mergeSources<const S extends Readonly<Record<string, Source<unknown> | MergedSource<unknown>>>>(
  sources: S,
  config: MergeSourcesConfig = {},
): Source<ValueOfSource<S[keyof S]>> {
  checkOptions('mergeSources', config, rules);
  checkOptions('mergeSources', sources, rulesOf(sources));
  const given = Object.entries(sources).map(([name, one]) => {
    const own: Partial<MergedSource<unknown>> | undefined = isObservable(one) ? { source: one } : one;
    if (own?.source === undefined) throw invalid(`the source '${name}' is missing`);
    if (/^(0|[1-9]\d*)$/.test(name))
      throw invalid(`a source may not be called '${name}': a whole number comes before all other names`);
    return {
      name,
      source: own.source,
      wait: own.wait ?? config.wait ?? 10_000,
      endsAll: (own.onError ?? config.onError ?? 'end') === 'end',
    };
  });
  if (given.length === 0) throw invalid('there must be at least one source');
  const delivery = deliveryDefaults(config.delivery);
  let subscriptions = 0;
  return cold<DatasyncEvent<unknown>>((subscriber) => {
    new Merging(given, delivery, config.statusObserver, subscriber, ++subscriptions).start();
  }) as Source<ValueOfSource<S[keyof S]>>;
}

const plain: Leaf = [isObservable, 'an Observable, or { source, wait, onError }'];
const bag: Rules = { source: rule.observable, ...options };

/** Each name is an option of its own. */
function rulesOf(sources: unknown): Rules {
  const given: [string, unknown][] = isBag(sources) ? Object.entries(sources) : [];
  return Object.fromEntries(
    given.map(([name, one]) => [name, isBag(one) && !isObservable(one) && !isPromiseLike(one) ? bag : plain]),
  );
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `mergeSources: ${message}`);
}
