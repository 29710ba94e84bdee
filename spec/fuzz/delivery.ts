import { timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  type Claim,
  type DatasyncEvent,
  type KeyValue,
  type Outcome,
  type RawChange,
  textCodec,
} from '../../lib/index.ts';
import { cold } from '../../lib/internal/cold.ts';
import { deliveryDefaults } from '../../lib/source/config.ts';
import { Delivery } from '../../lib/source/delivery.ts';
import { Shadow } from '../../lib/source/shadow.ts';
import { Consumer, differenceOf } from './consumer.ts';
import type { Behaviour, Script } from './script.ts';
import { codec } from './world.ts';

const well: Behaviour = { says: 'done', applied: 'all', delay: 0 };
const failure = new Error('as the script says');
const all = [''];

/** The delivery by itself, over a shadow that the script writes to: no loop, no connection, no operator. */
export function runDelivery(script: Script, claimTimeout: number): string[] {
  const problems: string[] = [];
  new TestScheduler(() => undefined).run(() => {
    const truth = new Map<string, string>();
    const shadow = new Shadow<string>(codec, 'fuzz');
    const consumer = new Consumer();
    const open = new Map<Claim, Behaviour>();
    const resyncs = new Set<Claim>();
    const past: DatasyncEvent<string>[] = [];
    const settled = new Map<number, number>();
    let frames = 0;
    let revision = 0;
    let away = false;
    let quiet = false;
    let handled = 0;
    let openResyncs = 0;
    let delivery!: Delivery<string>;

    const view = {
      get: (key: string) => shadow.get(key),
      restore: (key: string, good: KeyValue<string>) => shadow.restore(key, good),
      keys: () => shadow.keys(),
      snapshot: () => shadow.snapshot(),
      rejected: () => shadow.rejected(),
      prefixes: all,
      get revision() {
        return revision;
      },
    };
    const frame = (): ((outcome: Outcome) => void) => {
      const id = frames++;
      settled.set(id, 0);
      return () => settled.set(id, settled.get(id)! + 1);
    };
    const write = (writes: readonly (readonly [string, string | undefined])[]): void => {
      for (const [key, text] of writes) {
        if (text === undefined) truth.delete(key);
        else truth.set(key, text);
      }
      if (away) return;
      const last = new Map(writes);
      const changes = Array.from(
        last,
        ([key, text]): RawChange =>
          text === undefined ? { op: 'delete', key } : { op: 'put', key, value: textCodec.encode(text, key) },
      );
      const { steps } = shadow.apply(changes, all, revision + 1);
      if (steps.length > 0) delivery.change({ revision: ++revision, steps, coalesced: false, settled: [frame()] });
    };
    const relist = (reason: 'requested' | 'reconnected'): void => {
      away = false;
      shadow.stage(
        Array.from(truth, ([key, text]) => ({ key, value: textCodec.encode(text, key) })),
        all,
        revision + 1,
      );
      delivery.resync(reason, shadow.commit(all, all, ++revision), frame());
    };

    const take = (event: DatasyncEvent<string>): void => {
      const { says, applied, delay } = quiet ? well : (script.behaviours[handled++] ?? well);
      // The watchdog may have settled a resync whose claim is still held here.
      if (event.type === 'resync' && openResyncs > 0 && claimTimeout === Infinity)
        problems.push('I31: a resync while another is open');
      if (delivery.unsettled > script.inFlight + 1) problems.push(`I31: ${delivery.unsettled} events are open`);
      if (says === 'fail' || (delay > 0 && (applied !== 'all' || claimTimeout !== Infinity))) consumer.failed = true;
      consumer.take(event, applied);
      past.push(event);
      if (delay === 0) {
        if (says === 'done') event.done();
        if (says === 'fail') event.fail(failure);
        return;
      }
      const claim = event.claim();
      open.set(claim, { says, applied, delay });
      if (event.type === 'resync') {
        openResyncs++;
        resyncs.add(claim);
      }
      if (delay !== Infinity) timer(delay).subscribe(() => settle(claim));
    };
    const settle = (claim: Claim): void => {
      const behaviour = open.get(claim);
      if (behaviour === undefined) return;
      open.delete(claim);
      if (resyncs.has(claim)) openResyncs--;
      if (behaviour.says !== 'fail' && behaviour.applied === 'all') claim.done();
      else claim.fail(failure);
    };

    const subscription = cold<DatasyncEvent<string>>((subscriber) => {
      const config = {
        inFlight: script.inFlight,
        queue: script.queue,
        onNack: script.onNack,
        claimTimeout,
        redeliver: { count: 3, delay: 20, maxDelay: 200 },
      };
      delivery = new Delivery(view, subscriber, deliveryDefaults(config), {
        status: () => undefined,
        settled: () => undefined,
      });
      subscriber.add(() => delivery.close());
      relist('reconnected');
    }).subscribe({ next: take, error: (error) => problems.push(`the stream ended: ${String(error)}`) });

    let at = 1;
    for (const [pause, step] of script.steps) {
      at += pause;
      timer(at).subscribe(() => {
        if (subscription.closed) return;
        if (step.do === 'put' || step.do === 'writeInside' || step.do === 'same') write([[step.key, step.value]]);
        if (step.do === 'delete') write([[step.key, undefined]]);
        if (step.do === 'txn') write(step.writes);
        if (step.do === 'request' || step.do === 'latency') relist('requested');
        if (step.do === 'cut' || step.do === 'cutAndCompact' || step.do === 'fade') away = true;
        if (step.do === 'lateFail') {
          consumer.failed = true;
          past.at(-1 - step.back)?.fail(failure);
        }
        if (step.do === 'unsubscribe') subscription.unsubscribe();
      });
    }
    timer(at + 5_000).subscribe(() => {
      quiet = true;
      for (const claim of [...open.keys()]) settle(claim);
      for (const [key, text] of truth) if (text === 'BAD') write([[key, 'healed']]);
    });
    timer(at + 50_000).subscribe(() => {
      if (!subscription.closed) relist('requested');
    });
    timer(at + 60_000).subscribe(() => {
      if (!subscription.closed) {
        for (const [name, held] of Object.entries({
          told: consumer.told,
          'by diff': consumer.byDiff,
          'by entries': consumer.byEntries,
        })) {
          const difference = differenceOf(held, truth);
          if (difference !== undefined) problems.push(`${name}: ${difference}`);
        }
        if (delivery.unsettled + delivery.lag > 0)
          problems.push(`${delivery.unsettled} events are open, ${delivery.lag} wait, at the end`);
        if (delivery.nacked !== undefined) problems.push('still nacked after a resync that was settled well');
      }
      subscription.unsubscribe();
      for (const [id, times] of settled) if (times !== 1) problems.push(`I33: frame ${id} was settled ${times} times`);
      problems.push(...consumer.problems);
    });
  });
  return problems;
}
