import { Subject, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { fromBackend, shareResync, textCodec } from '../../lib/index.ts';
import { History, type Inspection, inspect, recordStore } from '../../lib/testing/index.ts';
import { faulty } from './faulty.ts';
import type { Script } from './script.ts';
import { FuzzMember, type Life } from './share.member.ts';
import { healBad, performOn } from './share.store.ts';
import { type Combination, codec } from './world.ts';

/** One of the combinations. */
export interface Shared {
  readonly handOver: Combination['handOver'];
  readonly acks: 'own' | 'all';
  readonly resetOnRefCountZero: boolean;
}

/** One source, shared by several who come, go, are slow and fail, each in its own way. */
export function runShared(
  { handOver, acks, resetOnRefCountZero }: Shared,
  script: Script,
  lives: readonly Life[],
): Pick<Inspection, 'checked'> & { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const store = memoryStore();
  const histories = lives.map(() => new History<string>());
  const capabilities = memoryBackend(store, { handOver }).capabilities;
  new TestScheduler(() => undefined).run(() => {
    for (const history of histories) recordStore(store, history, codec);
    const cut = new Subject<unknown>();
    const requests = new Subject<void>();
    const frames = { sent: 0, settled: 0 };
    let latency = 0;
    let faded = false;
    const backend = faulty(memoryBackend(store, { handOver }), {
      cut,
      latency: () => latency,
      faded: () => faded,
      sent: () => frames.sent++,
      settled: () => frames.settled++,
    });
    const { inFlight, queue, onNack } = script;
    const delivery = { inFlight, queue, onNack, redeliver: { count: 3, delay: 20, maxDelay: 200 } };
    const source = fromBackend(backend, {
      prefixes: ['/a/', '/b/'],
      codec,
      resyncOn: requests,
      retry: { random: () => 0.5, maxDelay: 400 },
      delivery: { redeliver: delivery.redeliver },
    }).pipe(shareResync({ acks, delivery, resetOnRefCountZero }));

    let inside: (() => void) | undefined;
    const writeInside = (): void => {
      const write = inside;
      inside = undefined;
      write?.();
    };
    const members = lives.map((one) => new FuzzMember(one, problems, writeInside));
    lives.forEach((one, index) => {
      const member = members[index]!;
      const join = (): void => member.subscribe(source, one, histories[index]!, inFlight);
      if (one.joins === 0) join();
      else timer(one.joins).subscribe(join);
      if (one.leaves !== undefined) timer(one.joins + one.leaves).subscribe(() => member.unsubscribe());
    });

    let at = 1;
    for (const [pause, step] of script.steps) {
      at += pause;
      timer(at).subscribe(() => {
        if (step.do === 'writeInside') inside = () => performOn(store, step, cut);
        else if (step.do === 'request') requests.next();
        else if (step.do === 'latency') latency = step.ms;
        else if (step.do === 'lateFail') members[step.back % members.length]!.failLate(step.back);
        else if (step.do === 'unsubscribe') members[0]!.unsubscribe();
        else if (step.do === 'fade') {
          faded = true;
          timer(300).subscribe(() => {
            faded = false;
            cut.next(new Error('found dead'));
          });
        } else performOn(store, step, cut);
      });
    }
    timer(at + 8_000).subscribe(() => {
      latency = 0;
      inside = undefined;
      for (const member of members) member.rest();
      healBad(store);
    });
    timer(at + 50_000).subscribe(() => requests.next());
    timer(at + 120_000).subscribe(() => {
      const truth = new Map(
        store
          .entries()
          .filter(({ key }) => /^\/[ab]\//.test(key))
          .map(({ key, value }) => [key, textCodec.decode(value, key)]),
      );
      members.forEach((member, index) => {
        if (member.isSubscribed) member.compare(`subscriber ${index}`, truth);
        histories[index]!.quiet();
      });
      const settled = (when: string): void => {
        if (frames.sent !== frames.settled)
          problems.push(`I33: ${frames.sent} frames were sent, ${frames.settled} settled, ${when}`);
      };
      settled('while nothing is open');
      for (const member of members) {
        member.unsubscribe();
        problems.push(...member.consumer.problems);
      }
      settled('after the end');
    });
  });
  const checked = new Set<Inspection['checked'][number]>();
  histories.forEach((history, index) => {
    const { violations, checked: own } = inspect(history, capabilities);
    problems.push(...violations.map(({ invariant, message }) => `subscriber ${index}: ${invariant}: ${message}`));
    for (const invariant of own) checked.add(invariant);
  });
  return { problems, checked: [...checked] };
}
