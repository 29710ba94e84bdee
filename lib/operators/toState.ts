import { defer, filter, map, type OperatorFunction } from 'rxjs';
import { StateMap } from '../internal/stateMap.ts';
import { checkEvent, type DatasyncEvent } from '../model/events.ts';

/**
 * The current view as a Map: one emission per event that changes something.
 *
 * ![](../../marbles/toState.svg)
 *
 * Each emission is a new immutable Map that shares what did not change, made in O(change); values keep their identity,
 * so it fits `toSignal`, `OnPush` and `useSyncExternalStore` as it is. Nothing is emitted before the first resync, nor for
 * an event that changes no value. A rejected key keeps its last good value. Iteration is in no particular order.
 * `structuredClone` and `postMessage` see its insides, not a Map: give them `new Map(state)`.
 *
 * It claims nothing: events settle `delivered`. Order: kept. Errors and completion: passed on. Memory: one reference per key.
 *
 * @example
 * fromFiles({ paths: ['config/'], prefixes: ['/nodes/'] }).pipe(toState()).subscribe((nodes) => console.log(nodes.get('/nodes/a')))
 *
 * @see {@link ackWithCallback} where each event is work that can fail
 * @returns an operator that emits the whole view
 */
export function toState<T>(): OperatorFunction<DatasyncEvent<T>, ReadonlyMap<string, T>> {
  return (source) =>
    defer(() => {
      let state: StateMap<T> | undefined;
      const next = (event: DatasyncEvent<T>): StateMap<T> | undefined => {
        if (event.type === 'change') {
          return state?.with(
            event.changes.map((change) => [change.key, change.op === 'put' ? change.value : undefined] as const),
          );
        }
        const { entries } = event;
        const values = entries.items.map(({ key, value }) => [key, value] as const);
        if (state === undefined) return StateMap.from(values, entries.size);
        const updated = state.with(values);
        if (updated.size === entries.size) return updated;
        // `has` of the snapshot would sort it: a Set costs less.
        const kept = new Set(entries.items.map(({ key }) => key));
        return updated.with(
          [...updated.keys()].filter((key) => !kept.has(key)).map((key) => [key, undefined] as const),
        );
      };
      return source.pipe(
        map((event) => {
          checkEvent(event, 'toState');
          const before = state;
          state = next(event);
          return state === before ? undefined : state;
        }),
        filter((changed) => changed !== undefined),
      );
    });
}
