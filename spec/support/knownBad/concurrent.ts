import { concat, defer, EMPTY, map, mergeMap, type OperatorFunction, timer } from 'rxjs';
import { ackWithCallback, type DatasyncEvent } from '../../../lib/index.ts';
import { HandLoop } from './handLoop.ts';
import { type KnownBad, play, type World } from './play.ts';

/** What is declared for the consumer: three events at once. */
const concurrency = 3;

type Below = OperatorFunction<DatasyncEvent<string>, unknown>;

/** Works on so many events at once, whatever their keys are. */
function carelessly(world: World, atOnce: number): Below {
  const work = world.history.work('consumer', () => timer(50), { concurrency });
  return (source) =>
    source.pipe(
      map((event) => ({ event, claim: event.claim() })),
      mergeMap(({ event, claim }) => {
        const done = defer(() => {
          claim.done();
          return EMPTY;
        });
        return concat(work(event), done);
      }, atOnce),
    );
}

function carefully(world: World): Below {
  const work = world.history.work('consumer', () => timer(50), { concurrency });
  return ackWithCallback<string>({ resync: work, change: work }, { concurrency });
}

/** The resync and the changes come so far apart that only what the script says can meet. */
function worker(name: string, atOnce: number, start: number, ...writes: Readonly<Record<string, string>>[]): KnownBad {
  return {
    name,
    breaks: ['I36'],
    play: (variant) =>
      play((world) => {
        const below = variant === 'bad' ? carelessly(world, atOnce) : carefully(world);
        world.run(world.source(HandLoop).pipe(world.history.tap('source'), below));
        world.writes(start, ...writes);
      }),
  };
}

/** A consumer that declares a concurrency, and does not keep to what goes with it. */
export const concurrent: readonly KnownBad[] = [
  worker('mergeMap(work, 3): two works on one key', 3, 100, { x: '1' }, { x: '2' }),
  worker('mergeMap(work, 3): a change beside the resync', 3, 10, { x: '1' }),
  worker('mergeMap(work): more at once than was declared', 9, 100, { a: '1' }, { b: '1' }, { c: '1' }, { d: '1' }),
];
