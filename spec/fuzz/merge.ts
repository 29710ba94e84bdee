import { NEVER, type Observable, Subject, tap, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { type MemoryStore, memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { type DatasyncEvent, fromBackend, mergeSources, type Source, textCodec } from '../../lib/index.ts';
import { History, type Inspection, inspect } from '../../lib/testing/index.ts';
import { faulty } from './faulty.ts';
import { MergedTruth } from './merge.truth.ts';
import type { Script, Step } from './script.ts';
import { FuzzMember, type Life } from './share.member.ts';
import { healBad, performOn } from './share.store.ts';
import { type Combination, codec } from './world.ts';

/** One of the combinations. */
export interface Merge {
  readonly handOver: Combination['handOver'];
  /** Which of the three sources never connects. */
  readonly never: number | undefined;
  readonly wait: number;
}

const names = ['a', 'b', 'c'] as const;

/** Three sources as one: writes to each, each with faults of its own, and one that may never connect. */
export function runMerged(
  { handOver, never, wait }: Merge,
  script: Script,
  targets: readonly number[],
  life: Life,
): Pick<Inspection, 'checked'> & { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const history = new History<string>();
  new TestScheduler(() => undefined).run(() => {
    const frames = { sent: 0, settled: 0 };
    const truth = new MergedTruth(names, history);
    const worlds = names.map((name, index) => new World(name, handOver, index === never, frames, truth));
    const { inFlight, queue, onNack } = script;
    const delivery = { inFlight, queue, onNack, redeliver: { count: 3, delay: 20, maxDelay: 200 } };
    const [a, b, c] = worlds.map(({ source }) => source) as [Source<string>, Source<string>, Source<string>];
    const merged = mergeSources({ a, b: { source: b, onError: 'status' }, c }, { wait, delivery });

    let inside: (() => void) | undefined;
    const member = new FuzzMember(life, problems, () => {
      const write = inside;
      inside = undefined;
      write?.();
    });
    member.subscribe(merged, life, history, inFlight);

    let at = 1;
    script.steps.forEach(([pause, step], index) => {
      at += pause;
      const world = worlds[targets[index % targets.length]! % names.length]!;
      timer(at).subscribe(() => {
        if (step.do === 'writeInside') inside = () => world.perform(step);
        else if (step.do === 'lateFail') member.failLate(step.back);
        else if (step.do === 'unsubscribe') member.unsubscribe();
        else world.perform(step);
      });
    });
    timer(at + 8_000).subscribe(() => {
      inside = undefined;
      member.rest();
      for (const world of worlds) world.rest();
    });
    timer(at + 50_000).subscribe(() => {
      for (const { requests } of worlds) requests.next();
    });
    timer(at + 120_000).subscribe(() => {
      const stores = worlds.filter((_world, index) => index !== never).map(({ store }) => store);
      if (member.isSubscribed) member.compare('merged', wholeOf(stores));
      history.quiet();
      if (frames.sent !== frames.settled)
        problems.push(`I33: ${frames.sent} frames were sent, ${frames.settled} settled, while nothing is open`);
      member.unsubscribe();
      if (frames.sent !== frames.settled)
        problems.push(`I33: ${frames.sent} frames were sent, ${frames.settled} settled, after the end`);
      problems.push(...member.consumer.problems);
    });
  });
  // The merged revisions are counted: what a store promises of its own is not promised of several.
  const { capabilities } = memoryBackend(memoryStore(), { handOver: 'windowed' });
  const { violations, checked } = inspect(history, capabilities);
  problems.push(...violations.map(({ invariant, message }) => `${invariant}: ${message}`));
  return { problems, checked };
}

/** One source with its store and its network. */
class World {
  readonly store: MemoryStore = memoryStore();
  readonly requests: Subject<void> = new Subject();
  readonly source: Observable<DatasyncEvent<string>>;
  readonly #cut = new Subject<unknown>();
  #latency = 0;
  #faded = false;

  constructor(
    name: string,
    handOver: Combination['handOver'],
    never: boolean,
    frames: { sent: number; settled: number },
    truth: MergedTruth,
  ) {
    const backend = faulty(memoryBackend(this.store, { handOver }), {
      cut: this.#cut,
      latency: () => this.#latency,
      faded: () => this.#faded,
      sent: () => frames.sent++,
      settled: () => frames.settled++,
    });
    const source = fromBackend(backend, {
      prefixes: ['/a/', '/b/'],
      codec,
      resyncOn: this.requests,
      retry: { random: () => 0.5, maxDelay: 400 },
      delivery: { redeliver: { count: 3, delay: 20, maxDelay: 200 } },
    });
    this.source = never ? NEVER : source.pipe(tap((event) => truth.take(name, event)));
  }

  perform(step: Step): void {
    if (step.do === 'request') this.requests.next();
    else if (step.do === 'latency') this.#latency = step.ms;
    else if (step.do === 'fade') {
      this.#faded = true;
      timer(300).subscribe(() => {
        this.#faded = false;
        this.#cut.next(new Error('found dead'));
      });
    } else performOn(this.store, step, this.#cut);
  }

  rest(): void {
    this.#latency = 0;
    healBad(this.store);
  }
}

/** Of each key the value of the first store that has it. */
function wholeOf(stores: readonly MemoryStore[]): ReadonlyMap<string, string> {
  const entries = [...stores].reverse().flatMap((store) => store.entries());
  const watched = entries.filter(({ key }) => /^\/[ab]\//.test(key));
  return new Map(watched.map(({ key, value }) => [key, textCodec.decode(value, key)]));
}
