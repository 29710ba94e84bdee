import { filter, type MonoTypeOperatorFunction, map } from 'rxjs';
import { checkEvent, type DatasyncEvent } from '../model/events.ts';
import { checkOptions, rule } from '../model/options.ts';
import { partOf } from './internal/partOf.ts';

/**
 * Passes what concerns the keys under one prefix: a part of a source as a source of its own.
 *
 * ![](../../marbles/withPrefix.svg)
 *
 * Every resync passes, also one that is empty then; its `prefixes` are this prefix, or those under it where
 * the source watches no more. A change that says nothing of
 * these keys goes no further, and is `delivered` as far as this operator is concerned. Keys stay whole: the prefix is not
 * stripped. Revisions and epochs stay too, so that there are gaps between the revisions.
 *
 * Order: kept. Errors and completion: passed on; what is no event is an error. Memory: none. The entries come out sorted.
 *
 * @example
 * const source = fromMemory(store, { prefixes: ['/config/'], codec });
 * source.pipe(withPrefix('/config/interfaces/'), toState());
 *
 * @see {@link consumer} for several parts of one source, each with a type of its own
 * @param prefix a raw string prefix, no path rules; `''` is everything
 * @returns an operator that passes the part of each event
 * @throws DatasyncError `INVALID_CONFIG` at once, where the prefix is no text
 */
export function withPrefix<T>(prefix: string): MonoTypeOperatorFunction<DatasyncEvent<T>> {
  checkOptions('withPrefix', { prefix }, { prefix: rule.anyText }, ['prefix']);
  return (source) =>
    source.pipe(
      map((event) => {
        checkEvent(event, 'withPrefix');
        return partOf(event, prefix);
      }),
      filter((part) => part !== undefined),
    );
}
