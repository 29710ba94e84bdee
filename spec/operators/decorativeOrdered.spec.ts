import {
  catchError,
  concatMap,
  endWith,
  forkJoin,
  ignoreElements,
  map,
  type Observable,
  of,
  throwError,
  timer,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import {
  bytesCodec,
  type ConsumerOutcome,
  consumer,
  type DatasyncEvent,
  fromMemory,
  jsonCodec,
  mapValue,
  memoryStore,
  orderedResync,
  type Source,
  withPrefix,
} from '../../lib/index.ts';
import { History, recordStore, validate } from '../../lib/testing/index.ts';

const codec = jsonCodec<number>();
const applied: ConsumerOutcome = { type: 'applied' };
const names = ['interfaces', 'routes', 'rules'] as const;

/** Three consumers, of which the second fails on the first resync; ordered, or by the means of rxjs. */
function violations(isOrdered: boolean): string[] {
  const store = memoryStore();
  const history = new History<Uint8Array>({ consumers: names.map((name) => ({ name })), onFailure: 'stop' });
  new TestScheduler(() => undefined).run(() => {
    recordStore(store, history, bytesCodec);
    const put = (key: string): void => void store.put(key, codec.encode(1, key));
    for (const name of names) put(`${name}/1`);
    timer(15).subscribe(() => put('interfaces/2'));
    timer(200).subscribe(() => put('rules/2'));

    let left = 1;
    const works = names.map((name) =>
      history.work(name, (event: DatasyncEvent<number>): Observable<unknown> => {
        const fails = name === 'routes' && event.type === 'resync' && left-- > 0;
        return timer(10).pipe(concatMap(() => (fails ? throwError(() => new Error('no gateway')) : [])));
      }),
    );
    const source = fromMemory(store, {
      prefixes: [''],
      codec: bytesCodec,
      delivery: { redeliver: { delay: 50 } },
    }).pipe(history.tap('source'));
    const consumers = names.map((name, index) =>
      consumer(name, `${name}/`, codec, { resync: works[index]!, change: works[index]! }),
    );
    const results = isOrdered
      ? source.pipe(orderedResync(consumers, { onFailure: 'stop' }), history.tapResults())
      : source.pipe(allAtOnce(works), history.tapResults());
    const subscription = results.subscribe();
    timer(10_000).subscribe(() => {
      history.quiet();
      subscription.unsubscribe();
    });
  });
  const found = validate(history, memoryBackend(store).capabilities);
  return [...new Set(found.map(({ invariant }) => invariant))].sort();
}

/** `forkJoin` over the consumers of each event, and one claim that hears of all of them. */
function allAtOnce(works: readonly ((event: DatasyncEvent<number>) => Observable<unknown>)[]) {
  return (source: Source<Uint8Array>) => {
    const claimed = source.pipe(map((event) => ({ event, claim: event.claim() })));
    return claimed.pipe(
      concatMap(({ event, claim }) => {
        let error: unknown;
        const outcomes = names.map((name, index) =>
          of(event).pipe(
            withPrefix(`${name}/`),
            mapValue((raw, key) => codec.decode(raw, key)),
            concatMap((one) => works[index]!(one)),
            ignoreElements(),
            endWith(applied),
            catchError((cause: unknown) => {
              error = cause;
              return of<ConsumerOutcome>({ type: 'failed', error: cause });
            }),
          ),
        );
        const all: Observable<ConsumerOutcome[]> = forkJoin(outcomes);
        return all.pipe(
          map((said) => {
            if (error === undefined) claim.done();
            else claim.fail(error);
            return { event, outcomes: Object.fromEntries(names.map((name, index) => [name, said[index]!])) };
          }),
        );
      }),
    );
  };
}

describe('no operator is decorative: orderedResync over three consumers that depend on each other', () => {
  it('with it every promise is kept', () => expect(violations(true)).toEqual([]));

  it('with forkJoin in its place I37 and I38 break', () => {
    expect(violations(false)).toEqual(expect.arrayContaining(['I37', 'I38']));
  });
});
