import {
  concatMap,
  delayWhen,
  EMPTY,
  lastValueFrom,
  map,
  merge,
  type Observable,
  of,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { etcdBackend } from '../../../lib/backends/etcd/etcdBackend.ts';
import { listEtcd, watchEtcd } from '../../../lib/backends/etcd/halves.ts';
import {
  ackWithCallback,
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  jsonCodec,
  trackPrevious,
} from '../../../lib/index.ts';
import { History, validate } from '../../../lib/testing/index.ts';
import { needShared, shared } from '../../servers/shared.ts';
import { plainClient, transact } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';

type Dropped = 'nothing' | 'bufferDuringResync' | 'filterByRevision' | 'ackWithCallback';

const codec = jsonCodec<number>();
let runs = 0;
const clients: ReturnType<typeof plainClient>[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

/** The two halves of a real server that race, and work that takes time and fails once, with one of the operators missing. */
async function violationsWithout(dropped: Dropped): Promise<string[]> {
  const client = plainClient([...(await shared('etcd-3.4')).endpoints]);
  clients.push(client);
  runs += 1;
  const prefix = `decorative-${process.pid}-${runs}/`;
  const config = { prefixes: [prefix], codec };
  const history = new History<number>();
  const written = async (key: string, value?: number): Promise<number> => {
    const whole = prefix + key;
    const write =
      value === undefined
        ? { op: 'delete' as const, key: whole }
        : { op: 'put' as const, key: whole, value: codec.encode(value, whole) };
    const revision = await transact(client, [write]);
    history.write({
      revision,
      put: value === undefined ? {} : { [whole]: value },
      delete: value === undefined ? [whole] : [],
    });
    return revision;
  };

  const late = new Subject<void>();
  const start = new Subject<void>();
  const there = new Subject<void>();
  const applied = new Subject<void>();
  let early = Infinity;
  const heard = new Set<number>();
  let listed = 0;
  const handled = new Set<number>();

  const list = start.pipe(
    concatMap(() => listEtcd(client, config)),
    tap(({ revision }) => {
      listed = revision;
    }),
    delayWhen(() => there),
  );
  const watch = watchEtcd(client, config).pipe(
    tap(({ revision }) => heard.add(revision)),
    // What the list contains comes late from the watch, after what is newer.
    delayWhen(({ revision }) => (revision <= early ? late : of(0))),
  );
  const work = history.work('consumer', (event: DatasyncEvent<number>): Observable<unknown> => {
    const fails = event.type === 'change' && event.changes.some((change) => change.op === 'put' && change.value === 9);
    // A resync takes until it is let go.
    const taking: Observable<unknown> = event.type === 'resync' ? applied.pipe(take(1)) : timer(5);
    return taking.pipe(
      tap(() => handled.add(event.revision)),
      concatMap(() => (fails ? throwError(() => new Error('no route')) : EMPTY)),
    );
  });
  const held = merge(watch, list).pipe(
    dropped === 'bufferDuringResync' ? map((event: DatasyncEvent<number>) => event) : bufferDuringResync(),
  );
  const filtered = dropped === 'filterByRevision' ? held : held.pipe(filterByRevision());
  const told = filtered.pipe(trackPrevious(), history.tap('buffered'));
  const worked: Observable<unknown> =
    dropped === 'ackWithCallback'
      ? told.pipe(concatMap(work))
      : told.pipe(ackWithCallback({ resync: work, change: work }), history.tapResults());

  // The store as it is: its revisions are those of all who share it.
  const { revision } = await lastValueFrom(listEtcd(client, config));
  history.truth(revision, []);
  const subscription = worked.subscribe({ error: () => undefined });
  // A list waits for the watches before it.
  await lastValueFrom(listEtcd(client, config));
  await written('x', 1);
  await written('x');
  early = await written('x', 2);
  await until(() => expect(heard).toContain(early));
  start.next();
  await until(() => expect(listed).toBeGreaterThan(0));
  const between = await written('y', 1);
  await until(() => expect(heard).toContain(between));
  there.next();
  late.next();
  const meanwhile = await written('z', 1);
  await until(() => expect(heard).toContain(meanwhile));
  applied.next();
  await until(() => expect(handled).toContain(meanwhile));
  const last = await written('x', 9);
  await until(() => expect(handled).toContain(last));
  history.quiet();
  subscription.unsubscribe();
  return [...new Set(validate(history, etcdBackend(client).capabilities).map(({ invariant }) => invariant))].sort();
}

describe.runIf(needShared('etcd-3.4'))('no operator is decorative: over a list and a watch of etcd that race', () => {
  it('with all of them every promise is kept', async () => expect(await violationsWithout('nothing')).toEqual([]));

  it.each([
    ['bufferDuringResync', ['I30']],
    ['filterByRevision', ['I12', 'I9']],
    ['ackWithCallback', ['I34', 'I35']],
  ] as const)('without %s %j break', async (dropped, broken) => {
    expect(await violationsWithout(dropped)).toEqual(expect.arrayContaining([...broken]));
  });
});
