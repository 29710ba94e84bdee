import { defer, map, type OperatorFunction } from 'rxjs';
import { checkEvent, type DatasyncEvent } from '../model/events.ts';
import { checkOptions, rule } from '../model/options.ts';
import { explained, Mapping } from './internal/mapping.ts';

/**
 * Maps every value of every event: those of the entries, the changes and the diff, previous values, last good ones.
 *
 * ![](../../marbles/mapValue.svg)
 *
 * A value that is the same as the one before for its key is not mapped again: it keeps its identity, from resync to
 * resync too. What the function throws, and `undefined`, make the key `rejected` (`DECODE_FAILED`): its last good value
 * stays in force, and it is told again as soon as there is a good one.
 *
 * Order: kept. Errors and completion: passed on; what is no event is an error. Memory: one entry per key.
 *
 * @example
 * source.pipe(mapValue((node: Node) => node.address), toState());
 *
 * @see {@link consumer} which decodes the values of one part of a source
 * @param project given a value and its key; pure, as it may be called again for a previous value
 * @returns an operator that passes each event with the values mapped
 * @throws DatasyncError `INVALID_CONFIG` at once, where `project` is no function
 */
export function mapValue<T, U>(
  project: (value: T, key: string) => U,
): OperatorFunction<DatasyncEvent<T>, DatasyncEvent<U>> {
  checkOptions('mapValue', { project }, { project: rule.callback }, ['project']);
  return (source) =>
    defer(() => {
      const mapping = new Mapping(explained(project), 'given');
      return source.pipe(
        map((event) => {
          checkEvent(event, 'mapValue');
          return mapping.take(event);
        }),
      );
    });
}
