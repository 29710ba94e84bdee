import fc from 'fast-check';
import { type Observable, type OperatorFunction, takeWhile, tap, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import {
  ackWithCallback,
  bytesCodec,
  type ConsumerOutcome,
  consumer,
  type DatasyncEvent,
  fromBackend,
  orderedResync,
  type Source,
  settledWell,
} from '../../lib/index.ts';
import { History, inspect, recordStore, recordUpstream } from '../../lib/testing/index.ts';
import { Consumer, differenceOf } from './consumer.ts';
import { OrderedWorld } from './orderedWorld.ts';
import { type Behaviour, type Script, scripts } from './script.ts';
import { type Combination, codec } from './world.ts';

/** A script for several consumers. */
export interface OrderedScript {
  readonly script: Script;
  readonly onFailure: 'continue' | 'stop' | 'retry';
  /** Of the events that the last consumer gets, how many in turn until its pipeline ends; then how. */
  readonly deaths: readonly (readonly [after: number, how: 'errors' | 'errorsBelow' | 'completes'])[];
}

export function orderedScripts(dynamic: boolean): fc.Arbitrary<OrderedScript> {
  return fc.record({
    script: scripts(dynamic),
    onFailure: fc.constantFrom('continue', 'stop', 'retry'),
    deaths: fc.array(fc.tuple(fc.nat(6), fc.constantFrom('errors', 'errorsBelow', 'completes')), { maxLength: 3 }),
  });
}

const lateError = new Error('late, as the script says');

/** A consumer of the round, followed by the oracle. */
class Follower {
  readonly name: string;
  readonly prefix: string;
  readonly oracle = new Consumer();
  readonly past: DatasyncEvent<string>[] = [];
  readonly #behaviour: () => Behaviour;
  #entered: DatasyncEvent<string> | undefined;
  #before = { told: this.oracle.told, revision: this.oracle.revision };

  constructor(name: string, prefix: string, behaviour: () => Behaviour) {
    this.name = name;
    this.prefix = prefix;
    this.#behaviour = behaviour;
  }

  readonly work = (event: DatasyncEvent<string>): Observable<unknown> | undefined => {
    const { oracle } = this;
    this.#entered = undefined;
    // The same change once more, in the same round.
    if (event.type === 'change' && event.revision === oracle.revision) Object.assign(oracle, this.#before);
    this.#before = { told: oracle.told, revision: oracle.revision };
    const next = this.#behaviour();
    if (next.delay === Infinity) oracle.failed = true;
    this.past.push(event);
    return oracle.work(event, next);
  };

  /** What enters its pipeline and is never worked on was told all the same. */
  readonly entered = tap((event: DatasyncEvent<string>) => {
    if (this.#entered !== undefined) {
      this.oracle.failed = true;
      this.oracle.take(this.#entered, 'none');
    }
    this.#entered = event;
  });

  /** A change that it was not given, or given in vain: a diff may name more than it must. */
  hears(outcome: ConsumerOutcome): void {
    if (outcome.type === 'notStarted' || !settledWell(outcome)) this.oracle.failed = true;
  }

  differences(view: ReadonlyMap<string, string>): string[] {
    const expected = new Map([...view].filter(([key]) => key.startsWith(this.prefix)));
    const { told, byDiff, byEntries, problems } = this.oracle;
    const views = { told, 'by diff': byDiff, 'by entries': byEntries };
    return [
      ...problems.map((problem) => `${this.name}: ${problem}`),
      ...Object.entries(views).flatMap(([what, held]) => {
        const difference = differenceOf(held, expected);
        return difference === undefined ? [] : [`${this.name}, ${what}: ${difference}`];
      }),
    ];
  }
}

/** Three consumers of mixed speed and failure, one of them not required and with a pipeline that ends now and then. */
export function runOrdered(
  { handOver, dynamic }: Pick<Combination, 'handOver' | 'dynamic'>,
  { script, onFailure, deaths }: OrderedScript,
): readonly string[] {
  const problems: string[] = [];
  const declared = [{ name: 'a' }, { name: 'b', onFailure }, { name: 'all', required: false }];
  const history = new History<Uint8Array>({ consumers: declared, onFailure: 'continue' });
  const parts = { a: new History<string>(), b: new History<string>() };
  const store = memoryStore();
  const { capabilities } = memoryBackend(store, { handOver });
  new TestScheduler(() => undefined).run(() => {
    recordStore(store, history, bytesCodec);
    for (const part of Object.values(parts)) recordStore(store, part, codec);
    const world = new OrderedWorld(store, script, handOver);
    const behaviour = world.behaviour;
    const a = new Follower('a', '/a/', behaviour);
    const b = new Follower('b', '/b/', behaviour);
    const all = new Follower('all', '', behaviour);
    const followers = [a, b, all];

    const dying = dyings(deaths, () => world.isQuiet);
    const handlers = ({ name, work }: Follower) => {
      const recorded = history.work(name, (event: DatasyncEvent<string>) => {
        world.writeInside();
        return work(event);
      });
      return { resync: recorded, change: recorded };
    };
    const acks = (follower: Follower) => ackWithCallback<string>(handlers(follower), { timeout: 1_000 });
    const source = fromBackend(recordUpstream(world.network, history), {
      statusObserver: history.statusObserver,
      prefixes: dynamic ? world.wanted : ['/a/', '/b/'],
      codec: bytesCodec,
      resyncOn: world.requests.pipe(history.requests()),
      retry: { random: () => 0.5, maxDelay: 400 },
      delivery: {
        inFlight: script.inFlight,
        queue: script.queue,
        onNack: script.onNack,
        redeliver: { count: 3, delay: 20, maxDelay: 200 },
      },
    }).pipe(history.tap('source', { inFlight: script.inFlight }));

    const retry = onFailure === 'retry' ? { retry: { count: 2, delay: 10, random: () => 1 } } : {};
    const results = source.pipe(
      orderedResync(
        [
          consumer('a', '/a/', codec, (part) => part.pipe(parts.a.tap('buffered'), a.entered, acks(a))),
          consumer('b', '/b/', codec, (part) => part.pipe(parts.b.tap('buffered'), b.entered, acks(b)), {
            onFailure,
            ...retry,
          }),
          consumer('all', '', codec, (part) => part.pipe(all.entered, dying(all.oracle, acks(all))), {
            required: false,
          }),
        ],
        { redeliver: { count: 3, delay: 30, maxDelay: 300 } },
      ),
      history.tapResults(),
    );
    const subscription = results.subscribe({
      next: ({ outcomes }) => {
        for (const follower of followers) follower.hears(outcomes[follower.name as 'a']);
      },
      error: (error: unknown) => problems.push(`the stream ended: ${String(error)}`),
    });
    world.lateFail = (back) => {
      const follower = followers[back % 3]!;
      const event = follower.past.at(-1 - Math.floor(back / 3));
      follower.oracle.failed ||= event !== undefined;
      event?.fail(lateError);
    };
    world.unsubscribe = () => subscription.unsubscribe();

    const end = world.play();
    timer(end + 50_000).subscribe(() => world.requests.next());
    timer(end + 120_000).subscribe(() => {
      if (!subscription.closed) {
        const view = world.view(dynamic);
        problems.push(...followers.flatMap((follower) => follower.differences(view)));
        history.quiet();
        for (const part of Object.values(parts)) part.quiet();
      }
      subscription.unsubscribe();
      const { sent, settled } = world.frames;
      if (sent !== settled) problems.push(`I33: ${sent} frames were sent, ${settled} settled, after the end`);
    });
  });
  const told = (of: string, { violations }: ReturnType<typeof inspect>): string[] =>
    violations.map(({ invariant, message }) => `${of}${invariant}: ${message}`);
  problems.push(...told('', inspect(history, capabilities)));
  if (dynamic) return problems;
  problems.push(...told('a: ', inspect(parts.a, capabilities)));
  // A change that is tried again is told twice.
  if (onFailure !== 'retry') problems.push(...told('b: ', inspect(parts.b, capabilities)));
  return problems;
}

/** Puts an end to pipelines, one after the other. */
function dyings(deaths: OrderedScript['deaths'], isQuiet: () => boolean) {
  const left = [...deaths];
  return (oracle: Consumer, work: OperatorFunction<DatasyncEvent<string>, unknown>) =>
    (source: Source<string>): Observable<unknown> => {
      let events = 0;
      const ends = (way: string): boolean => {
        const [after, how] = left[0] ?? [Infinity, ''];
        if (way !== how || events <= after || isQuiet()) return false;
        left.shift();
        oracle.failed = true;
        return true;
      };
      return source.pipe(
        tap(() => {
          events++;
          if (ends('errors')) throw new Error('the pipeline errors, as the script says');
        }),
        work,
        tap(() => {
          if (ends('errorsBelow')) throw new Error('the pipeline errors below, as the script says');
        }),
        takeWhile(() => !ends('completes')),
      );
    };
}
