import {
  concat,
  concatMap,
  defer,
  ignoreElements,
  map,
  mergeMap,
  Observable,
  type OperatorFunction,
  of,
  tap,
  timer,
  toArray,
} from 'rxjs';
import type { Claim, DatasyncEvent } from '../../../lib/index.ts';
import { failure, type Outcome, outcomes } from '../../../lib/model/ack.ts';
import type { ConsumerOutcome } from '../../../lib/testing/index.ts';
import { HandLoop } from './handLoop.ts';
import { type KnownBad, play, type World } from './play.ts';

/** Works for some milliseconds, and fails on what it does not like. */
type Handler = (event: DatasyncEvent<string>) => Observable<unknown>;

const works =
  (ms: number, isBad: (event: DatasyncEvent<string>) => boolean = () => false, name = ''): Handler =>
  (event) =>
    timer(ms).pipe(
      tap(() => {
        if (isBad(event)) throw new Error(`${name} failed`);
      }),
    );

/** How a piece of work ended; it never fails itself. */
function outcomeOf(work: Observable<unknown>): Observable<Outcome> {
  return new Observable((subscriber) => {
    const say = (outcome: Outcome): void => {
      subscriber.next(outcome);
      subscriber.complete();
    };
    return work.subscribe({ error: (error: unknown) => say(failure(error)), complete: () => say(outcomes.applied) });
  });
}

// ---- one consumer ---------------------------------------------------------------------------------------------------

/** An event, and the claim that was taken when it came. */
interface Claimed {
  readonly event: DatasyncEvent<string>;
  readonly claim: Claim;
}

/** One after the other, or all at once; every event is claimed as soon as it comes. */
function each(
  work: (claimed: Claimed) => Observable<unknown>,
  isParallel = false,
): OperatorFunction<DatasyncEvent<string>, unknown> {
  return (source) => {
    const claimed = source.pipe(map((event) => ({ event, claim: event.claim() })));
    return claimed.pipe(isParallel ? mergeMap(work) : concatMap(work));
  };
}

/** A commit that waits so long, and no longer: then it is done. */
function ackAnyway(
  world: World,
  handler: Handler,
  ms: number,
  isTimeOutSuccess: boolean,
): OperatorFunction<DatasyncEvent<string>, unknown> {
  const work = world.history.work('consumer', handler);
  return each(
    ({ event, claim }) =>
      new Observable((subscriber) => {
        const patience = timer(ms).subscribe(() => {
          if (isTimeOutSuccess) claim.done();
          else claim.fail(new Error('timed out'));
          subscriber.complete();
        });
        // The work goes on, whoever waits for it.
        work(event).subscribe({
          complete: () => {
            patience.unsubscribe();
            claim.done();
            subscriber.complete();
          },
        });
      }),
  );
}

/** Several consumers of each event; the aggregate keeps all errors, or the last. */
function aggregated(
  world: World,
  handlers: readonly Handler[],
  { isLastOnly = false, isParallel = false } = {},
): OperatorFunction<DatasyncEvent<string>, unknown> {
  const recorded = handlers.map((handler, index) => world.history.work(`consumer ${index}`, handler));
  return each(
    ({ event, claim }) =>
      concat(...recorded.map((work) => defer(() => outcomeOf(work(event))))).pipe(
        toArray(),
        map((all) => {
          const errors = all.flatMap((outcome) => (outcome.type === 'failed' ? [outcome.error] : []));
          if (errors.length === 0) claim.done();
          else claim.fail(isLastOnly ? errors.at(-1) : new AggregateError(errors));
        }),
      ),
    isParallel,
  );
}

// ---- several in order -----------------------------------------------------------------------------------------------

interface Rounds {
  /** Each event goes to them in this order. */
  readonly order: readonly string[];
  /** After a failure the others get the resync all the same. */
  readonly goesOn?: boolean;
  /** The result says applied of everybody. */
  readonly isBlind?: boolean;
  /** A change does not wait for the round of the resync. */
  readonly isParallel?: boolean;
  /** This one gets no resync. */
  readonly leavesOut?: string;
}

/** Consumers that get each event one after the other, in one round at a time. */
function rounds(
  world: World,
  handlers: Readonly<Record<string, Handler>>,
  { order, goesOn = false, isBlind = false, isParallel = false, leavesOut }: Rounds,
): OperatorFunction<DatasyncEvent<string>, unknown> {
  const recorded = new Map(
    Object.entries(handlers).map(([name, handler]) => [name, world.history.work(name, handler)] as const),
  );
  const round = ({ event, claim }: Claimed): Observable<unknown> => {
    const said: Record<string, ConsumerOutcome> = {};
    let error: unknown;
    const one = (name: string): Observable<never> =>
      defer(() => {
        said[name] = { type: 'notStarted' };
        const isStopped = (error !== undefined && !goesOn) || name === leavesOut;
        if (isStopped && event.type === 'resync') return of<Outcome>();
        return outcomeOf(recorded.get(name)!(event)).pipe(
          tap((outcome) => {
            said[name] = isBlind ? outcomes.applied : outcome;
            if (outcome.type === 'failed') error ??= outcome.error;
          }),
        );
      }).pipe(ignoreElements());
    const result = defer(() => {
      if (error === undefined) claim.done();
      else claim.fail(error);
      return of({ event, outcomes: said });
    });
    return concat(...order.map(one), result).pipe(world.history.tapResults());
  };
  return each(round, isParallel);
}

const declared = ['interfaces', 'routes', 'rules'];
const all: Readonly<Record<string, Handler>> = Object.fromEntries(declared.map((name) => [name, works(20)]));
const failing = {
  ...all,
  interfaces: works(20, (event) => event.type === 'resync' && event.epoch === 1, 'interfaces'),
};

function ordered(
  name: string,
  breaks: KnownBad['breaks'],
  handlers: Readonly<Record<string, Handler>>,
  bad: Rounds,
): KnownBad {
  return {
    name,
    breaks,
    play: (variant) =>
      play(
        (world) => {
          world.store.write({ x: '1' });
          const consumers = rounds(world, handlers, variant === 'bad' ? bad : { order: declared });
          world.run(world.source(HandLoop).pipe(world.history.tap('source'), consumers));
          world.writes(handlers === failing ? 200 : 10, { x: '2' });
        },
        { consumers: declared.map((consumer) => ({ name: consumer })), onFailure: 'stop' },
      ),
  };
}

/** What is wrong on the consumers' side. */
export const consumers: readonly KnownBad[] = [
  {
    name: 'cn-infra done: the aggregate keeps the last error only',
    breaks: ['I34'],
    play: (variant) =>
      play((world) => {
        const bad = (event: DatasyncEvent<string>): boolean => event.type === 'change' && event.revision === 1;
        const handlers = [works(5, bad, 'first'), works(10, bad, 'second')];
        world.run(
          world
            .source(HandLoop)
            .pipe(world.history.tap('source'), aggregated(world, handlers, { isLastOnly: variant === 'bad' })),
        );
        world.writes(10, { x: '1' });
      }),
  },
  {
    name: 'cn-infra watcher: a time-out is success',
    breaks: ['I35'],
    play: (variant) =>
      play((world) => {
        const slow: Handler = (event) => timer(event.type === 'change' && event.revision === 1 ? 100 : 1);
        world.run(
          world.source(HandLoop).pipe(world.history.tap('source'), ackAnyway(world, slow, 50, variant === 'bad')),
        );
        world.writes(10, { x: '1' });
      }),
  },
  {
    name: 'plain concatMap(work): the source hears nothing of the work',
    breaks: ['I34', 'I35'],
    play: (variant) =>
      play((world) => {
        const isBad = (event: DatasyncEvent<string>): boolean => event.type === 'change' && event.revision === 1;
        const handler = works(20, isBad, 'work');
        const work = world.history.work('consumer', handler);
        const naive = concatMap((event: DatasyncEvent<string>) => outcomeOf(work(event)));
        const consumer = variant === 'bad' ? naive : aggregated(world, [handler]);
        world.run(world.source(HandLoop).pipe(world.history.tap('source'), consumer));
        world.writes(100, { x: '1' });
      }),
  },
  {
    name: 'concatMap forgotten: a consumer works on everything at once',
    breaks: ['I36'],
    play: (variant) =>
      play((world) => {
        const consumer = aggregated(world, [works(50)], { isParallel: variant === 'bad' });
        world.run(world.source(HandLoop).pipe(world.history.tap('source'), consumer));
        world.writes(10, { x: '1' }, { x: '2' });
      }),
  },
  {
    name: 'no buffer at all',
    breaks: ['I30'],
    play: (variant) =>
      play((world) => {
        const { history } = world;
        const held = aggregated(world, [works(variant === 'bad' ? 50 : 0)]);
        world.run(world.source(HandLoop).pipe(history.tap('source'), history.tap('buffered'), held));
        world.writes(10, { x: '1' });
      }),
  },
  ordered('cn-infra kvdbsync: consumers in the order of a map', ['I37'], all, {
    order: ['routes', 'interfaces', 'rules'],
  }),
  ordered('cn-infra resync: goes on with changes after its time-out', ['I37', 'I36'], all, {
    order: declared,
    isParallel: true,
  }),
  ordered('cn-infra resync: goes on after a failure, whatever the policy', ['I38'], failing, {
    order: declared,
    goesOn: true,
  }),
  ordered('cn-infra Register: who registers late gets no resync', ['I38', 'I37'], all, {
    order: declared,
    leavesOut: 'rules',
  }),
  ordered('cn-infra resync: the result does not say who failed', ['I38'], failing, { order: declared, isBlind: true }),
];
