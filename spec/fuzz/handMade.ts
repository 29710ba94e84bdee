import { concatMap, defer, map, merge, mergeMap, type Observable, of, Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { listMemory, watchMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import {
  ackWithCallback,
  bufferDuringResync,
  type DatasyncEvent,
  filterByRevision,
  textCodec,
  toState,
  trackPrevious,
} from '../../lib/index.ts';
import { Consumer, differenceOf } from './consumer.ts';
import type { Script } from './script.ts';
import { codec } from './world.ts';

/** What stands below the hand-made list and watch. */
export type HandMadePipeline = 'ack' | 'bare' | 'toState';

/**
 * A list and a watch made by hand, each as late as the script says, composed by the operators: what a store of one's own
 * has to get right. A list that was read early and comes late, and events that come before or after the list they belong to.
 */
export function runHandMade(pipeline: HandMadePipeline, listDelay: number, script: Script): string[] {
  const problems: string[] = [];
  new TestScheduler(() => undefined).run(() => {
    const store = memoryStore();
    const config = { prefixes: ['/a/', '/b/'], codec };
    const requests = new Subject<void>();
    const consumer = new Consumer();
    let latency = 0;
    let quiet = false;
    let handled = 0;
    let state: ReadonlyMap<string, string> | undefined;

    const late = <E>(event: E, ms: number): Observable<E> => (ms === 0 ? of(event) : timer(ms).pipe(map(() => event)));
    const watch = watchMemory(store, config).pipe(concatMap((event) => late(event, latency)));
    const list = defer(() => listMemory(store, config)).pipe(mergeMap((event) => late(event, quiet ? 0 : listDelay)));
    const source = merge(watch, list, requests.pipe(mergeMap(() => list))).pipe(
      bufferDuringResync(),
      filterByRevision(),
      trackPrevious(),
    );

    const work = (event: DatasyncEvent<string>): Observable<unknown> | undefined => {
      const behaviour = quiet ? undefined : script.behaviours[handled++];
      if (behaviour === undefined) {
        consumer.take(event, 'all');
        return undefined;
      }
      if (behaviour.delay === Infinity) consumer.failed = true;
      return consumer.work(event, behaviour);
    };
    const error = (cause: unknown): void => void problems.push(`the stream ended: ${String(cause)}`);
    const bare = (event: DatasyncEvent<string>): void => {
      const behaviour = quiet ? undefined : script.behaviours[handled++];
      const fails = behaviour?.says === 'fail';
      consumer.failed ||= fails;
      consumer.take(event, fails ? behaviour.applied : 'all');
      if (fails) event.fail(new Error('as the script says'));
    };
    const subscription =
      pipeline === 'toState'
        ? source.pipe(toState()).subscribe({ next: (next) => (state = next), error })
        : pipeline === 'bare'
          ? source.subscribe({ next: bare, error })
          : source
              .pipe(ackWithCallback({ resync: work, change: work }, { timeout: 1_000 }))
              .subscribe({ next: ({ outcome }) => (consumer.failed ||= outcome.type !== 'applied'), error });

    let at = 1;
    for (const [pause, step] of script.steps) {
      at += pause;
      timer(at).subscribe(() => {
        if (step.do === 'put' || step.do === 'same' || step.do === 'writeInside')
          store.put(step.key, textCodec.encode(step.value, step.key));
        if (step.do === 'delete') store.delete(step.key);
        if (step.do === 'txn') {
          store.apply(
            step.writes.map(([key, text]) =>
              text === undefined ? { op: 'delete', key } : { op: 'put', key, value: textCodec.encode(text, key) },
            ),
          );
        }
        if (step.do === 'request' || step.do === 'cut') requests.next();
        if (step.do === 'latency') latency = step.ms;
      });
    }
    timer(at + 10_000).subscribe(() => {
      quiet = true;
      latency = 0;
      for (const { key } of store.entries())
        if (store.get(key)?.value.length === 3) store.put(key, textCodec.encode('healed', key));
      requests.next();
    });
    timer(at + 20_000).subscribe(() => {
      const expected = new Map(
        store
          .entries()
          .filter(({ key }) => key.startsWith('/a/') || key.startsWith('/b/'))
          .map(({ key, value }) => [key, textCodec.decode(value, key)]),
      );
      const views =
        pipeline === 'toState'
          ? { state: state ?? new Map() }
          : { told: consumer.told, 'by diff': consumer.byDiff, 'by entries': consumer.byEntries };
      for (const [name, held] of Object.entries(views)) {
        const difference = differenceOf(held, expected);
        if (difference !== undefined) problems.push(`${name}: ${difference}`);
      }
      subscription.unsubscribe();
      problems.push(...consumer.problems);
    });
  });
  return problems;
}
