import {
  concatMap,
  delayWhen,
  EMPTY,
  lastValueFrom,
  map,
  merge,
  type Observable,
  of,
  ReplaySubject,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { expect, onTestFinished } from 'vitest';
import {
  ackWithCallback,
  bufferDuringResync,
  type Capabilities,
  type ChangeEvent,
  type DatasyncEvent,
  filterByRevision,
  type ResyncEvent,
  trackPrevious,
} from '../../lib/index.ts';
import { History, validate } from '../../lib/testing/index.ts';
import { until } from './follower.ts';

/** An operator that is left out, and the promises that break then. */
export const broken = [
  ['bufferDuringResync', ['I30']],
  ['filterByRevision', ['I12', 'I9']],
  ['ackWithCallback', ['I34', 'I35']],
] as const;

/** The name of one of them. */
export type Dropped = 'nothing' | (typeof broken)[number][0];

/** The two halves of a real store that race. A list that is subscribed waits for the watches before it. */
export interface Racing {
  readonly prefix: string;
  readonly list: () => Observable<ResyncEvent<number>>;
  readonly watch: () => Observable<ChangeEvent<number>>;
  /** Puts, or deletes. @returns the store's revision, if it has one */
  readonly write: (key: string, value: number | undefined) => Promise<number | undefined>;
  readonly capabilities: Capabilities;
}

/** A list and a watch that race, and work that takes time and fails once, with one of the operators missing. */
export async function violationsWithout(
  dropped: Dropped,
  { prefix, list, watch, write, capabilities }: Racing,
): Promise<string[]> {
  const history = new History<number>();
  let counted = 0;
  let heard = 0;
  /** Writes, and waits until the watch has told it: each write is an event of its own. */
  const written = async (name: string, value?: number): Promise<void> => {
    const key = prefix + name;
    const before = heard;
    counted += 1;
    const revision = (await write(key, value)) ?? counted;
    history.write({ revision, ...(value === undefined ? { delete: [key] } : { put: { [key]: value } }) });
    await until(() => expect(heard).toBeGreaterThan(before));
  };

  const late = new Subject<void>();
  const start = new Subject<void>();
  const there = new Subject<void>();
  // It may be let go before it begins, while a change before it is still worked on.
  const applied = new ReplaySubject<void>(1);
  let isEarly = true;
  let isListed = false;
  const handled = new Set<string>();

  const listed = start.pipe(
    concatMap(list),
    tap(() => {
      isListed = true;
    }),
    delayWhen(() => there),
  );
  const watched = watch().pipe(
    tap(() => {
      heard += 1;
    }),
    // What the list contains comes late from the watch, after what is newer.
    delayWhen(() => (isEarly ? late : of(0))),
  );
  const work = history.work('consumer', (event: DatasyncEvent<number>): Observable<unknown> => {
    const changes = event.type === 'change' ? event.changes : [];
    const fails = changes.some((change) => change.op === 'put' && change.value === 9);
    // A resync takes until it is let go.
    const taking: Observable<unknown> = event.type === 'resync' ? applied.pipe(take(1)) : timer(5);
    return taking.pipe(
      tap(() => {
        for (const { key } of changes) handled.add(key.slice(prefix.length));
      }),
      concatMap(() => (fails ? throwError(() => new Error('no route')) : EMPTY)),
    );
  });
  const held = merge(watched, listed).pipe(
    dropped === 'bufferDuringResync' ? map((event: DatasyncEvent<number>) => event) : bufferDuringResync(),
  );
  const filtered = dropped === 'filterByRevision' ? held : held.pipe(filterByRevision());
  const told = filtered.pipe(trackPrevious(), history.tap('buffered'));
  const worked: Observable<unknown> =
    dropped === 'ackWithCallback'
      ? told.pipe(concatMap(work))
      : told.pipe(ackWithCallback({ resync: work, change: work }), history.tapResults());

  // The store as it is: its revisions are those of all who share it.
  const { revision } = await lastValueFrom(list());
  history.truth(capabilities.revision === 'store' ? revision : 0, []);
  const subscription = worked.subscribe({ error: () => undefined });
  onTestFinished(() => subscription.unsubscribe());
  await lastValueFrom(list());
  await written('x', 1);
  await written('x');
  await written('x', 2);
  isEarly = false;
  start.next();
  await until(() => expect(isListed).toBe(true));
  await written('y', 1);
  there.next();
  late.next();
  await written('z', 1);
  applied.next();
  await until(() => expect(handled).toContain('z'));
  await written('w', 9);
  await until(() => expect(handled).toContain('w'));
  history.quiet();
  subscription.unsubscribe();
  return [...new Set(validate(history, capabilities).map(({ invariant }) => invariant))].sort();
}
