import { type Observable, tap, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import {
  ackWithCallback,
  bufferDuringResync,
  bytesCodec,
  type DatasyncEvent,
  fromBackend,
  mapValue,
  type Source,
  withPrefix,
} from '../../lib/index.ts';
import { History, inspect, recordStore } from '../../lib/testing/index.ts';
import { Consumer, differenceOf } from './consumer.ts';
import { OrderedWorld } from './orderedWorld.ts';
import type { Script } from './script.ts';
import { type Combination, codec } from './world.ts';

/** Where the values are mapped: above the buffer, or below it. */
export type Mapped = 'above' | 'below';

/** One part of a source, its values decoded by `mapValue`, followed by a consumer that fails as the script says. */
export function runMapped(
  { handOver, dynamic }: Pick<Combination, 'handOver' | 'dynamic'>,
  mapped: Mapped,
  script: Script,
): readonly string[] {
  const problems: string[] = [];
  const history = new History<string>();
  const store = memoryStore();
  const { capabilities } = memoryBackend(store, { handOver });
  new TestScheduler(() => undefined).run(() => {
    recordStore(store, history, codec);
    const world = new OrderedWorld(store, script, handOver);
    const oracle = new Consumer();
    const past: DatasyncEvent<string>[] = [];
    const source = fromBackend(world.network, {
      prefixes: dynamic ? world.wanted : ['/a/', '/b/'],
      codec: bytesCodec,
      resyncOn: world.requests,
      retry: { random: () => 0.5, maxDelay: 400 },
      delivery: {
        inFlight: script.inFlight,
        queue: script.queue,
        onNack: script.onNack,
        redeliver: { count: 3, delay: 20, maxDelay: 200 },
      },
    });
    const decode = mapValue(codec.decode);
    const part: Source<string> =
      mapped === 'above'
        ? source.pipe(withPrefix('/a/'), decode, bufferDuringResync())
        : source.pipe(bufferDuringResync(), decode, withPrefix('/a/'));
    const work = history.work('consumer', (event: DatasyncEvent<string>): Observable<unknown> | undefined => {
      world.writeInside();
      past.push(event);
      const behaviour = world.behaviour();
      if (behaviour.delay === Infinity) oracle.failed = true;
      return oracle.work(event, behaviour);
    });
    const subscription = part
      .pipe(
        history.tap('buffered', dynamic ? {} : { prefixes: ['/a/'] }),
        ackWithCallback({ resync: work, change: work }, { timeout: 1_000 }),
        tap(({ outcome }) => (oracle.failed ||= outcome.type !== 'applied')),
        history.tapResults(),
      )
      .subscribe({ error: (error: unknown) => problems.push(`the stream ended: ${String(error)}`) });
    world.lateFail = (back) => {
      const event = past.at(-1 - back);
      oracle.failed ||= event !== undefined;
      event?.fail(new Error('late, as the script says'));
    };
    world.unsubscribe = () => subscription.unsubscribe();

    const end = world.play();
    timer(end + 50_000).subscribe(() => world.requests.next());
    timer(end + 120_000).subscribe(() => {
      if (!subscription.closed) {
        const expected = new Map([...world.view(dynamic)].filter(([key]) => key.startsWith('/a/')));
        const views = { told: oracle.told, 'by diff': oracle.byDiff, 'by entries': oracle.byEntries };
        for (const [what, held] of Object.entries(views)) {
          const difference = differenceOf(held, expected);
          if (difference !== undefined) problems.push(`${what}: ${difference}`);
        }
        history.quiet();
      }
      subscription.unsubscribe();
      problems.push(...oracle.problems);
      const { sent, settled } = world.frames;
      if (sent !== settled) problems.push(`I33: ${sent} frames were sent, ${settled} settled, after the end`);
    });
  });
  // A prefix that is no longer watched is no part of what the view says of itself.
  const judged = dynamic ? [] : inspect(history, capabilities).violations;
  return [...problems, ...judged.map(({ invariant, message }) => `${invariant}: ${message}`)];
}
