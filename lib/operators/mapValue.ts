import { type OperatorFunction, Subscription } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { connect } from '../internal/connect.ts';
import { type Outcome, settledWell } from '../model/ack.ts';
import { ackOf, type DatasyncEvent, release, retained } from '../model/events.ts';
import { checkOptions, rule } from '../model/options.ts';
import { amended, Suspects } from '../source/suspects.ts';
import { explained, Mapping } from './internal/mapping.ts';

/**
 * Maps every value of every event: those of the entries, the changes and the diff, previous values, last good ones.
 *
 * ![](../../marbles/mapValue.svg)
 *
 * A value that is the same as the one before for its key is not mapped again: it keeps its identity, from resync to
 * resync too. What the function throws, `undefined` and a Promise make the key `rejected` (`DECODE_FAILED`): its last good value
 * stays in force, and it is told again as soon as there is a good one. The diff of a resync is made anew, against what went
 * through here last: to a key whose value was rejected something else happened here than above.
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
    cold((subscriber) => {
      const mapping = new Mapping(explained(project));
      const suspects = new Suspects<U>();

      const pass = (event: DatasyncEvent<U>, clear: () => void): void => {
        const ack = ackOf(event)!;
        const judge = (outcome: Outcome): void => {
          if (settledWell(outcome)) clear();
          // Whoever throws a change away for a newer resync amends that resync itself.
          else if (event.type === 'resync' || outcome.type !== 'superseded') suspects.add(event);
        };
        ack.onSettled(judge);
        ack.onLate(judge);
        subscriber.next(event);
        release(event);
      };

      const upstream = new Subscription();
      subscriber.add(upstream);
      connect(
        source,
        {
          next: (arrived) => {
            const event = mapping.take(retained(arrived, 'mapValue'));
            if (event.type === 'resync') {
              const named = amended(event, suspects);
              pass(named.event, named.clear);
              return;
            }
            suspects.told(event);
            pass(event, () => undefined);
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        },
        upstream,
      );
    });
}
