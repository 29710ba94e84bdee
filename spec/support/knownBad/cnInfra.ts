import { concatMap, from } from 'rxjs';
import {
  ChangeBeforeSnapshot,
  ContainsPrefix,
  DiesSilently,
  Exploded,
  ForgetsDeletes,
  getPerEvent,
  OldModifyIndex,
  RetriesAtOnce,
  SharedPrevious,
  StaleAfterResync,
  StalePrevious,
  sharedClose,
  skipsForward,
  UndecodableIsDeleted,
  UnknownIsSuccess,
  watchFromNow,
} from './cnInfraDefects.ts';
import { HandLoop } from './handLoop.ts';
import { badBackend, badLoop, type KnownBad, play, type World } from './play.ts';
import { BAD } from './tinyStore.ts';

const away = (world: World): void => {
  const { store } = world;
  store.write({ x: '1', y: '1', z: '1' });
  world.writes(20, { x: '2' });
  // Back with a listing: the log is gone.
  world.at(50, () => store.cut());
  world.at(60, () => {
    store.write({ y: undefined });
    store.write({ z: '2' });
    store.compact();
  });
};

/** The defects of Ligato cn-infra, and of what stands on it. */
export const cnInfra: readonly KnownBad[] = [
  badBackend('cn-infra kvdbsync: list, then watch without a start revision', ['I10'], watchFromNow, ({ store, at }) => {
    store.write({ x: '1' });
    at(2, () => store.write({ x: '2' }));
    at(20, () => store.write({ x: '3' }));
  }),
  badLoop('cn-infra kvdbsync: a change before the snapshot', ['I1'], ChangeBeforeSnapshot, ({ store, at }) => {
    at(5, () => store.write({ x: '1' }));
    at(8, () => store.write({ x: undefined }));
  }),
  badLoop('cn-infra kvdbsync: previous values survive a resync', ['I14'], StalePrevious, (world) => {
    away(world);
    world.writes(500, { z: '3' });
  }),
  badLoop('cn-infra kvdbsync: deletes lost while away', ['I21', 'I18'], ForgetsDeletes, away),
  badLoop('cn-infra kvdbsync: a stale delete after the resync', ['I9'], StaleAfterResync, (world) => {
    const { store, requests, at } = world;
    store.write({ x: '1', y: '1' });
    world.writes(20, { x: undefined }, { x: '2' });
    at(50, () => requests.next());
    world.writes(60, { x: '3' });
  }),
  badLoop('vpp-agent orchestrator: an undecodable value counts as deleted', ['I40'], UndecodableIsDeleted, (world) => {
    away(world);
    world.at(61, () => world.store.write({ x: BAD }));
    world.at(62, () => world.store.compact());
  }),
  badLoop('cn-infra etcd: a transaction as single events', ['I13'], Exploded, (world) =>
    world.writes(10, { x: '1', y: '1' }, { x: '2', y: undefined }),
  ),
  badBackend('cn-infra etcd: compacted while away, it skips forward', ['I24'], skipsForward, (world) => {
    away(world);
    world.writes(500, { y: '3', z: '3' });
  }),
  badLoop('cn-infra redis: one previous value for all keys', ['I14'], SharedPrevious, (world) =>
    world.writes(10, { x: '1' }, { x: '2' }, { y: '1' }),
  ),
  badBackend('cn-infra redis: a GET for each event', ['I19'], getPerEvent, (world) =>
    world.writes(10, { x: '1' }, { x: '2' }, { x: '3' }),
  ),
  badLoop('cn-infra consul: a delete with the revision of the last put', ['I15'], OldModifyIndex, (world) =>
    world.writes(10, { x: '1' }, { y: '1' }, { x: undefined }),
  ),
  badLoop('cn-infra consul: the watch dies silently', ['I18', 'I27'], DiesSilently, away),
  badBackendScene('cn-infra redis: an error loop without a pause'),
  {
    name: 'cn-infra filedb: strings.Contains for a prefix',
    breaks: ['I4'],
    adapter: { Loop: ContainsPrefix },
    play: (variant) =>
      play((world) => {
        const { store, history } = world;
        store.write({ 'a/1': '1', 'ba/1': '1' });
        world.run(
          world
            .source(variant === 'bad' ? ContainsPrefix : HandLoop, world.backend(), ['a/'])
            .pipe(history.tap('source')),
        );
        world.writes(10, { 'a/2': '1' }, { 'ba/2': '2' });
      }),
  },
  badLoop('cn-infra syncbase: unknown, and a time-out, count as success', ['I35'], UnknownIsSuccess, (world) =>
    world.writes(10, { x: '1' }),
  ),
  {
    name: 'cn-infra: Close of one closes all',
    breaks: ['I2'],
    play: (variant) =>
      play((world) => {
        const [a, b] = sharedClose(world, variant === 'bad');
        world.run(from([0]).pipe(concatMap(() => b!)));
        const first = a!.subscribe();
        world.at(50, () => first.unsubscribe());
        world.writes(10, { x: '1' });
      }),
  },
];

/** The server refuses for a while. */
function badBackendScene(name: string): KnownBad {
  return {
    name,
    breaks: ['I27'],
    adapter: { Loop: RetriesAtOnce },
    play: (variant) =>
      play((world) => {
        let left = 6;
        const backend = world.backend({
          list: () => {
            if (left-- > 0) throw new Error('connection refused');
            return world.store.list();
          },
        });
        world.run(
          world.source(variant === 'bad' ? RetriesAtOnce : HandLoop, backend).pipe(world.history.tap('source')),
        );
      }),
  };
}
