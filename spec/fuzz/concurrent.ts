import { concat, defer, EMPTY, NEVER, type Observable, Subject, tap, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import {
  ackWithCallback,
  bufferDuringResync,
  ContinuityLost,
  type DatasyncEvent,
  distinctValue,
  fromBackend,
  textCodec,
} from '../../lib/index.ts';
import { History, inspect, recordStore, recordUpstream } from '../../lib/testing/index.ts';
import { Consumer, differenceOf } from './consumer.ts';
import { faulty } from './faulty.ts';
import type { Behaviour, Script, Step } from './script.ts';
import { type Combination, codec } from './world.ts';

const concurrency = 3;
const well: Behaviour = { says: 'done', applied: 'all', delay: 0 };
const failure = new Error('as the script says');
const prefixes = ['/a/', '/b/'];

/**
 * What a consumer holds that works on several events at once. A work reaches it at its end: had two works on one key, or
 * a resync and a change, met, the later start would not be what is left.
 */
class Holder {
  readonly byDiff = new Map<string, string>();
  byEntries = new Map<string, string>();

  apply(event: DatasyncEvent<string>, applied: Behaviour['applied']): void {
    if (applied === 'none') return;
    const writes = writesOf(event).filter((_, index) => applied === 'all' || index % 2 === 0);
    if (event.type === 'resync' && applied === 'all')
      this.byEntries = new Map(event.entries.items.map(({ key, value }) => [key, value]));
    for (const held of event.type === 'resync' ? [this.byDiff] : [this.byDiff, this.byEntries]) {
      for (const [key, value] of writes) {
        if (value === undefined) held.delete(key);
        else held.set(key, value);
      }
    }
  }
}

function writesOf(event: DatasyncEvent<string>): (readonly [key: string, value: string | undefined])[] {
  if (event.type === 'change')
    return event.changes.map((change) => [change.key, change.op === 'put' ? change.value : undefined]);
  const { added, changed, removed } = event.diff;
  const puts = [...added, ...changed].map(({ key, value }) => [key, value] as const);
  return [...puts, ...removed.map(({ key }) => [key, undefined] as const)];
}

/** The loop, `bufferDuringResync`, and `ackWithCallback` with three events at once; with `distinct`, `distinctValue` above. */
export function runConcurrent(handOver: Combination['handOver'], isDistinct: boolean, script: Script): string[] {
  const problems: string[] = [];
  const history = new History<string>();
  const store = memoryStore();
  const { capabilities } = memoryBackend(store, { handOver });
  let most = 0;
  new TestScheduler(() => undefined).run(() => {
    recordStore(store, history, codec);
    const cut = new Subject<unknown>();
    const requests = new Subject<void>();
    const told = new Consumer();
    const holder = new Holder();
    const past: DatasyncEvent<string>[] = [];
    let latency = 0;
    let faded = false;
    let quiet = false;
    let handled = 0;
    let sent = 0;
    let settled = 0;
    let atWork = 0;
    let inside: (() => void) | undefined;

    const network = faulty(memoryBackend(store, { handOver }), {
      cut,
      latency: () => latency,
      faded: () => faded,
      sent: () => sent++,
      settled: () => settled++,
    });
    const source = fromBackend(recordUpstream(network, history), {
      statusObserver: history.statusObserver,
      prefixes,
      codec,
      resyncOn: requests.pipe(history.requests()),
      retry: { random: () => 0.5, maxDelay: 400 },
      delivery: {
        inFlight: script.inFlight,
        queue: script.queue,
        onNack: script.onNack,
        redeliver: { count: 3, delay: 20, maxDelay: 200 },
      },
    });

    const end = (event: DatasyncEvent<string>, { says, applied }: Behaviour): void => {
      holder.apply(event, says === 'fail' ? applied : 'all');
      if (says === 'fail') throw failure;
    };
    const work = history.work(
      'consumer',
      (event: DatasyncEvent<string>): Observable<unknown> | undefined => {
        const behaviour = quiet ? well : (script.behaviours[handled++] ?? well);
        if (behaviour.says === 'fail' || behaviour.delay === Infinity) told.failed = true;
        const write = inside;
        inside = undefined;
        write?.();
        if (behaviour.delay === 0) return void end(event, behaviour);
        most = Math.max(most, ++atWork);
        const less = (): void => void atWork--;
        // Not `finalize`, which comes after the operator has heard of the end, and has started the next.
        const over = tap<unknown>({ complete: less, error: less, unsubscribe: less });
        if (behaviour.delay === Infinity) return NEVER.pipe(over);
        return concat(
          timer(behaviour.delay),
          defer(() => {
            end(event, behaviour);
            return EMPTY;
          }),
        ).pipe(over);
      },
      { concurrency },
    );

    const top = source.pipe(history.tap('source', { inFlight: script.inFlight, prefixes }));
    const subscription = (isDistinct ? top.pipe(distinctValue()) : top)
      .pipe(
        bufferDuringResync(),
        isDistinct ? tap() : history.tap('buffered'),
        tap((event) => told.take(event, 'none')),
        ackWithCallback({ resync: work, change: work }, { timeout: 1_000, concurrency }),
        history.tapResults(),
      )
      .subscribe({
        next: ({ event, outcome }) => {
          past.push(event);
          if (outcome.type !== 'applied') told.failed = true;
        },
        error: (error) => problems.push(`the stream ended: ${String(error)}`),
      });

    const put = (key: string, value: string | undefined): void => {
      if (value === undefined) store.delete(key);
      else store.put(key, textCodec.encode(value, key));
    };
    const textOf = (key: string): string | undefined => {
      const entry = store.get(key);
      return entry && textCodec.decode(entry.value, key);
    };
    const perform = (step: Step): void => {
      if (step.do === 'put') put(step.key, step.value);
      if (step.do === 'same') put(step.key, textOf(step.key));
      if (step.do === 'delete') put(step.key, undefined);
      if (step.do === 'txn') {
        const write = ([key, text]: (typeof step.writes)[number]) =>
          text === undefined
            ? ({ op: 'delete', key } as const)
            : ({ op: 'put', key, value: textCodec.encode(text, key) } as const);
        store.apply(step.writes.map(write));
      }
      if (step.do === 'cut') cut.next(failure);
      if (step.do === 'compact' || step.do === 'cutAndCompact') store.compact();
      if (step.do === 'cutAndCompact') cut.next(new ContinuityLost('compacted'));
      if (step.do === 'wipe') store.wipe();
      if (step.do === 'request') requests.next();
      if (step.do === 'latency') latency = step.ms;
      if (step.do === 'writeInside') inside = () => put(step.key, step.value);
      if (step.do === 'unsubscribe') subscription.unsubscribe();
      if (step.do === 'fade') {
        faded = true;
        timer(300).subscribe(() => {
          faded = false;
          cut.next(failure);
        });
      }
      if (step.do === 'lateFail') {
        told.failed = true;
        past.at(-1 - step.back)?.fail(failure);
      }
    };
    let at = 1;
    for (const [pause, step] of script.steps) {
      at += pause;
      timer(at).subscribe(() => perform(step));
    }
    timer(at + 5_000).subscribe(() => {
      quiet = true;
      latency = 0;
      inside = undefined;
      for (const { key } of store.entries()) if (textOf(key) === 'BAD') put(key, 'healed');
    });
    timer(at + 50_000).subscribe(() => requests.next());
    timer(at + 120_000).subscribe(() => {
      const isWatched = ({ key }: { readonly key: string }): boolean =>
        prefixes.some((prefix) => key.startsWith(prefix));
      const truth = new Map(
        store
          .entries()
          .filter(isWatched)
          .map(({ key, value }) => [key, textCodec.decode(value, key)]),
      );
      const views = { told: told.told, 'by diff': holder.byDiff, 'by entries': holder.byEntries };
      for (const [name, held] of Object.entries(subscription.closed ? {} : views)) {
        const difference = differenceOf(held, truth);
        if (difference !== undefined) problems.push(`${name}: ${difference}`);
      }
      if (!subscription.closed) history.quiet();
      if (sent !== settled && !subscription.closed) problems.push(`I33: ${sent} frames, ${settled} settled`);
      subscription.unsubscribe();
      if (sent !== settled) problems.push(`I33: ${sent} frames, ${settled} settled after the end`);
      if (atWork > 0) problems.push(`I42: ${atWork} works go on`);
      problems.push(...told.problems);
    });
  });
  if (most > concurrency) problems.push(`I36: ${most} at work`);
  const { violations } = inspect(history, capabilities);
  return [...problems, ...violations.map(({ invariant, message }) => `${invariant}: ${message}`)];
}
