import { BehaviorSubject, type Observable, Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import {
  type Claim,
  type Codec,
  ContinuityLost,
  type DatasyncEvent,
  fromBackend,
  type RawWrite,
  textCodec,
} from '../../lib/index.ts';
import { History, type Inspection, inspect, recordStore, recordUpstream } from '../../lib/testing/index.ts';
import { Consumer, differenceOf } from './consumer.ts';
import { faulty } from './faulty.ts';
import { type Pipeline, subscribe } from './pipeline.ts';
import type { Behaviour, Script, Step } from './script.ts';

/** One of the combinations the fuzz runs over. */
export interface Combination {
  readonly handOver: 'pinned' | 'windowed' | 'diffed';
  readonly pipeline: Pipeline;
  readonly dynamic: boolean;
}

const encode = textCodec.encode;
export const codec: Codec<string> = {
  ...textCodec,
  decode: (raw, key) => {
    const text = textCodec.decode(raw, key);
    if (text === 'BAD') throw new Error('as the script says');
    return text;
  },
};

const well: Behaviour = { says: 'done', applied: 'all', delay: 0 };
const lateError = new Error('late, as the script says');

/** Runs one script in virtual time; returns everything that was wrong, and what the validators looked at. */
export function runScript(
  { handOver, pipeline, dynamic }: Combination,
  script: Script,
): Pick<Inspection, 'checked' | 'skipped'> & { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const history = new History<string>();
  const store = memoryStore();
  const capabilities = memoryBackend(store, { handOver }).capabilities;
  const scheduler = new TestScheduler(() => undefined);
  scheduler.run(() => {
    recordStore(store, history, codec);
    const cut = new Subject<unknown>();
    const requests = new Subject<void>();
    const wanted = new BehaviorSubject<readonly string[]>(['/a/', '/b/']);
    const consumer = new Consumer();
    const frames = { sent: 0, settled: 0 };
    let latency = 0;
    let faded = false;
    let quiet = false;
    let handled = 0;
    let state: ReadonlyMap<string, string> | undefined;
    let inside: (() => void) | undefined;
    const open = new Map<Claim, Behaviour>();
    const past: DatasyncEvent<string>[] = [];

    const network = faulty(memoryBackend(store, { handOver }), {
      cut,
      latency: () => latency,
      faded: () => faded,
      sent: () => frames.sent++,
      settled: () => frames.settled++,
    });
    const source = fromBackend(recordUpstream(network, history), {
      statusObserver: history.statusObserver,
      prefixes: dynamic ? wanted : ['/a/', '/b/'],
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

    const behaviour = (): Behaviour => (quiet ? well : (script.behaviours[handled++] ?? well));
    const writeInside = (): void => {
      const write = inside;
      inside = undefined;
      write?.();
    };

    const bare = (event: DatasyncEvent<string>): void => {
      const { says, applied, delay } = behaviour();
      if (says === 'fail') consumer.failed = true;
      consumer.take(event, applied);
      past.push(event);
      if (open.size > script.inFlight + 1)
        problems.push(`${open.size} events are open, ${script.inFlight} were allowed`);
      if (delay === 0) {
        if (says === 'done') event.done();
        if (says === 'fail') event.fail(lateError);
        writeInside();
        return;
      }
      const claim = event.claim();
      open.set(claim, { says, applied, delay });
      if (applied !== 'all') consumer.failed = true;
      writeInside();
      if (delay === Infinity) return;
      timer(delay).subscribe(() => {
        open.delete(claim);
        if (says === 'done') claim.done();
        else claim.fail(lateError);
      });
    };

    let resyncHolds = false;
    let lastResync: DatasyncEvent<string> | undefined;
    const passed = new Set<DatasyncEvent<string>>();
    let underway: ReadonlySet<DatasyncEvent<string>> = new Set();
    const handle = (event: DatasyncEvent<string>): Observable<unknown> | undefined => {
      const next = behaviour();
      if (event.type === 'change' && !resyncHolds && !underway.has(event))
        problems.push('I30: a change although the last resync was not settled well');
      if (event.type === 'resync') {
        lastResync = event;
        underway = new Set();
        resyncHolds = false;
      }
      writeInside();
      if (next.delay === Infinity) consumer.failed = true;
      return consumer.work(event, next);
    };
    const result = (event: DatasyncEvent<string>, type: string): void => {
      past.push(event);
      if (event.type === 'resync') resyncHolds = type === 'applied';
      if (type !== 'applied') consumer.failed = true;
    };

    const subscription = subscribe(
      pipeline,
      source.pipe(
        history.tap('source', { inFlight: script.inFlight, ...(dynamic ? {} : { prefixes: ['/a/', '/b/'] }) }),
      ),
      history,
      {
        bare,
        passed: (event) => passed.add(event),
        handle: history.work('consumer', handle),
        result,
        state: (next) => (state = next),
      },
      problems,
    );

    const textOf = (key: string): string | undefined => {
      const entry = store.get(key);
      return entry === undefined ? undefined : textCodec.decode(entry.value, key);
    };
    const put = (key: string, text: string | undefined): RawWrite =>
      text === undefined ? { op: 'delete', key } : { op: 'put', key, value: encode(text, key) };

    const perform = (step: Step): void => {
      switch (step.do) {
        case 'put':
          store.apply([put(step.key, step.value)]);
          return;
        case 'same':
          store.apply([put(step.key, textOf(step.key))]);
          return;
        case 'delete':
          store.apply([put(step.key, undefined)]);
          return;
        case 'txn':
          store.apply(step.writes.map(([key, text]) => put(key, text)));
          return;
        case 'cut':
          return cut.next(new Error('cut'));
        case 'cutAndCompact':
          store.compact();
          return cut.next(new ContinuityLost('compacted'));
        case 'compact':
          return store.compact();
        case 'wipe':
          return store.wipe();
        case 'request':
          return requests.next();
        case 'fade':
          faded = true;
          timer(300).subscribe(() => {
            faded = false;
            cut.next(new Error('found dead'));
          });
          return;
        case 'latency':
          latency = step.ms;
          return;
        case 'prefixes':
          return wanted.next(step.prefixes);
        case 'writeInside':
          inside = () => store.apply([put(step.key, step.value)]);
          return;
        case 'lateFail': {
          const event = past.at(-1 - step.back);
          if (event === undefined) return;
          consumer.failed = true;
          if (event === lastResync) {
            resyncHolds = false;
            // What has left the buffer is not called back.
            underway = new Set(passed);
          }
          event.fail(lateError);
          return;
        }
        case 'unsubscribe':
          return subscription.unsubscribe();
      }
    };

    let at = 1;
    for (const [pause, step] of script.steps) {
      at += pause;
      timer(at).subscribe(() => perform(step));
    }
    const view = (): ReadonlyMap<string, string> => {
      const prefixes = dynamic ? wanted.value : ['/a/', '/b/'];
      const watched = store.entries().filter(({ key }) => prefixes.some((prefix) => key.startsWith(prefix)));
      return new Map(watched.map(({ key, value }) => [key, textCodec.decode(value, key)]));
    };
    const compare = (what: string, held: ReadonlyMap<string, string>): void => {
      const difference = differenceOf(held, view());
      if (difference !== undefined) problems.push(`${what}: ${difference}`);
    };

    timer(at + 5_000).subscribe(() => {
      quiet = true;
      latency = 0;
      inside = undefined;
      for (const [claim, { applied }] of open) {
        if (applied === 'all') claim.done();
        else claim.fail(lateError);
      }
      open.clear();
      // What does not decode has no value that every consumer must agree on.
      for (const { key } of store.entries()) if (textOf(key) === 'BAD') store.apply([put(key, 'healed')]);
    });
    timer(at + 50_000).subscribe(() => {
      if (!subscription.closed && pipeline === 'bare') compare('I18 told', consumer.told);
      requests.next();
    });
    timer(at + 120_000).subscribe(() => {
      if (!subscription.closed) {
        if (pipeline === 'toState') compare('I18 state', state ?? new Map());
        else {
          compare('I18 told', consumer.told);
          compare('by diff', consumer.byDiff);
          compare('by entries', consumer.byEntries);
        }
        history.quiet();
        if (frames.sent !== frames.settled)
          problems.push(`I33: ${frames.sent} frames were sent, ${frames.settled} settled, while nothing is open`);
      }
      subscription.unsubscribe();
      if (frames.sent !== frames.settled)
        problems.push(`I33: ${frames.sent} frames were sent, ${frames.settled} settled, after the end`);
      problems.push(...consumer.problems);
    });
  });
  const { violations, checked, skipped } = inspect(history, capabilities);
  problems.push(...violations.map(({ invariant, message }) => `${invariant}: ${message}`));
  return { problems, checked, skipped };
}
