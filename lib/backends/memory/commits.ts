import { type Subscription, timer } from 'rxjs';
import { type Outcome, outcomes } from '../../model/ack.ts';
import type { SubscriberOutcome } from '../../model/broker.ts';
import type { Settled } from '../../source/frames.ts';
import { isUnder } from '../../source/prefixes.ts';
import type { MemoryPosition, MemoryRecord } from './feed.ts';

/** What the subscribers say of one commit. Collects from the moment of the write, since they may answer inside it. */
export class CommitReport {
  readonly #entries: { readonly subscriber: string; outcome: Outcome | undefined }[] = [];
  #open = 0;
  #complete: (() => void) | undefined;

  /** One more subscriber that is waited for. */
  expect(subscriber: string): Settled {
    const entry: { readonly subscriber: string; outcome: Outcome | undefined } = { subscriber, outcome: undefined };
    this.#entries.push(entry);
    this.#open++;
    return (outcome) => {
      if (entry.outcome !== undefined) return;
      entry.outcome = outcome;
      if (--this.#open === 0) this.#complete?.();
    };
  }

  /** @param timeout milliseconds; who has not answered by then is `timedOut` */
  wait(timeout: number = Infinity): Promise<readonly SubscriberOutcome[]> {
    return new Promise((resolve) => {
      let patience: Subscription | undefined;
      const complete = (): void => {
        patience?.unsubscribe();
        resolve(this.#entries.map(({ subscriber, outcome = outcomes.timedOut }) => ({ subscriber, outcome })));
      };
      this.#complete = complete;
      if (this.#open === 0) complete();
      else if (timeout !== Infinity) patience = timer(timeout).subscribe(complete);
    });
  }
}

/** One subscription of `fromMemory`, as the commits see it. */
export class Member {
  readonly name: string;
  #prefixes: readonly string[] = [];
  readonly #awaited = new Map<MemoryRecord, { readonly settle: Settled; handed: boolean }>();

  constructor(name: string) {
    this.name = name;
  }

  /** What it watches from now on; what it no longer watches nobody waits for. */
  watch(prefixes: readonly string[]): void {
    this.#prefixes = prefixes;
    this.#giveUp((record) => !this.watches(record));
  }

  watches(record: MemoryRecord): boolean {
    return record.changes.some(({ key }) => isUnder(key, this.#prefixes));
  }

  /** A commit waits for this member's word on its record. */
  expect(record: MemoryRecord, settle: Settled): void {
    this.#awaited.set(record, { settle, handed: false });
  }

  /** The record is on its way to the member: who takes the frame answers for it. `undefined`: nobody waits. */
  hand(record: MemoryRecord): Settled | undefined {
    const awaited = this.#awaited.get(record);
    if (awaited === undefined) return undefined;
    awaited.handed = true;
    return (outcome) => {
      this.#awaited.delete(record);
      awaited.settle(outcome);
    };
  }

  /** A listing contains what was never handed over one by one. */
  listed(position: MemoryPosition): void {
    this.#giveUp(
      (record) => record.position.identity !== position.identity || record.position.revision <= position.revision,
    );
  }

  /** The subscription is over. */
  leave(): void {
    for (const { settle } of this.#awaited.values()) settle(outcomes.cancelled);
    this.#awaited.clear();
  }

  #giveUp(which: (record: MemoryRecord) => boolean): void {
    for (const [record, { settle, handed }] of this.#awaited) {
      if (handed || !which(record)) continue;
      this.#awaited.delete(record);
      settle(outcomes.superseded);
    }
  }
}
