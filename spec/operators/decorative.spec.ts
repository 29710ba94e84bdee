import { concatMap, defer, delay, delayWhen, map, merge, type Observable, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import {
  ackWithCallback,
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  jsonCodec,
  listMemory,
  memoryStore,
  trackPrevious,
  watchMemory,
} from '../../lib/index.ts';
import { History, recordStore, validate } from '../../lib/testing/index.ts';

type Dropped = 'nothing' | 'bufferDuringResync' | 'filterByRevision' | 'ackWithCallback';

const codec = jsonCodec<number>();
const config = { prefixes: [''], codec };

/** A list and a watch that race, and work that takes time and fails once, with one of the operators missing. */
function violationsWithout(dropped: Dropped): string[] {
  const store = memoryStore();
  const history = new History<number>();
  new TestScheduler(() => undefined).run(() => {
    recordStore(store, history, codec);
    const put = (at: number, key: string, value?: number): void => {
      timer(at).subscribe(() => {
        if (value === undefined) store.delete(key);
        else store.put(key, codec.encode(value, key));
      });
    };
    put(1, 'x', 1);
    put(2, 'x');
    put(3, 'x', 2);
    put(12, 'y', 1);
    put(100, 'x', 9);

    // The list is read at 5 and there at 10. What it contains comes late from the watch, after what is newer.
    const list = timer(5).pipe(
      concatMap(() => listMemory(store, config)),
      delay(5),
    );
    const watch = watchMemory(store, config).pipe(delayWhen(({ revision }) => timer(revision <= 3 ? 150 : 20)));
    const work = history.work('consumer', (event: DatasyncEvent<number>): Observable<unknown> => {
      const fails =
        event.type === 'change' && event.changes.some((change) => change.op === 'put' && change.value === 9);
      return timer(50).pipe(concatMap(() => (fails ? throwError(() => new Error('no route')) : [])));
    });
    const held = merge(watch, list).pipe(
      dropped === 'bufferDuringResync' ? map((event) => event) : bufferDuringResync(),
    );
    const filtered = dropped === 'filterByRevision' ? held : held.pipe(filterByRevision());
    const told = filtered.pipe(trackPrevious(), history.tap('buffered'));
    const subscription = defer(
      (): Observable<unknown> =>
        dropped === 'ackWithCallback'
          ? told.pipe(concatMap(work))
          : told.pipe(ackWithCallback({ resync: work, change: work }), history.tapResults()),
    ).subscribe({ error: () => undefined });
    timer(1_000).subscribe(() => {
      history.quiet();
      subscription.unsubscribe();
    });
  });
  const { capabilities } = memoryBackend(store);
  return [...new Set(validate(history, capabilities).map(({ invariant }) => invariant))].sort();
}

describe('no operator is decorative: over a list and a watch that race', () => {
  it('with all of them every promise is kept', () => expect(violationsWithout('nothing')).toEqual([]));

  it.each([
    ['bufferDuringResync', ['I30']],
    ['filterByRevision', ['I12', 'I9']],
    ['ackWithCallback', ['I34', 'I35']],
  ] as const)('without %s %j break', (dropped, broken) => {
    expect(violationsWithout(dropped)).toEqual(expect.arrayContaining([...broken]));
  });
});
