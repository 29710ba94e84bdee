import { type Observable, type Observer, type Subscriber, Subscription, timer } from 'rxjs';
import { attach } from '../../internal/connect.ts';
import { type Outcome, outcomes } from '../../model/ack.ts';
import { DatasyncError } from '../../model/errors.ts';
import { type DatasyncEvent, release, retained } from '../../model/events.ts';
import type { SourceStatus } from '../../model/status.ts';
import type { ResolvedDelivery } from '../../source/config.ts';
import { Delivery } from '../../source/delivery.ts';
import type { Step } from '../../source/shadow.ts';
import { StatusBoard } from '../../source/statusBoard.ts';
import { Merged } from './merged.ts';

/** One of the sources. */
export interface Given<T> {
  readonly name: string;
  readonly source: Observable<DatasyncEvent<T>>;
  /** Milliseconds, or Infinity. */
  readonly wait: number;
  readonly endsAll: boolean;
}

/** One subscription to merged sources. */
export class Merging<T> {
  readonly #given: readonly Given<T>[];
  readonly #subscriber: Subscriber<DatasyncEvent<T>>;
  readonly #state: Merged<T>;
  readonly #delivery: Delivery<T>;
  readonly #board: StatusBoard;
  /** The sources for which the first resync waits, each with what ends it. */
  readonly #awaited = new Map<string, Subscription>();
  readonly #running: Set<string>;
  /** Why the status is stale, by source. */
  readonly #troubles = new Map<string, unknown>();
  /** What waits for the first resync. */
  #early: ((outcome: Outcome) => void)[] = [];
  #told = false;

  constructor(
    given: readonly Given<T>[],
    delivery: ResolvedDelivery,
    statusObserver: Partial<Observer<SourceStatus>> | undefined,
    subscriber: Subscriber<DatasyncEvent<T>>,
    subscription: number,
  ) {
    const names = given.map(({ name }) => name);
    this.#given = given;
    this.#subscriber = subscriber;
    this.#state = new Merged(names);
    this.#running = new Set(names);
    this.#board = new StatusBoard(subscription, statusObserver);
    this.#delivery = new Delivery(this.#state, subscriber, delivery, {
      status: (cause) => this.#status(cause),
      settled: () => this.#finish(),
    });
  }

  start(): void {
    const upstream = new Subscription();
    const waits = new Subscription();
    // In this order: the sources cancel what is open, the rest is let go of.
    this.#subscriber.add(upstream);
    this.#subscriber.add(waits);
    this.#subscriber.add(() => this.#close());
    this.#status();
    for (const { name, wait } of this.#given) {
      const waiting = new Subscription();
      if (wait !== Infinity) waiting.add(timer(wait).subscribe(() => this.#waitedFor(name, wait)));
      this.#awaited.set(name, waiting);
      waits.add(waiting);
    }
    for (const { name, source, endsAll } of this.#given) {
      attach(upstream, source, {
        next: (event) => this.#take(name, event),
        error: (error) => this.#failed(name, error, endsAll),
        complete: () => this.#ended(name),
      });
    }
  }

  #take(name: string, arrived: DatasyncEvent<T>): void {
    const event = retained(arrived, `the source '${name}' of mergeSources`);
    const settled = (outcome: Outcome): void => release(event, outcome);
    if (event.type === 'change' && !this.#state.has(name)) {
      settled(outcomes.superseded);
      this.#tooEarly(name);
      return;
    }
    const isFirst = !this.#state.has(name);
    const steps = this.#state.apply(name, event);
    if (!this.#told) {
      this.#early.push(settled);
      if (isFirst) this.#arrived(name);
    } else if (event.type === 'change') {
      const { revision } = this.#state;
      if (steps.length === 0) settled(outcomes.superseded);
      else
        this.#delivery.change({ revision, steps, coalesced: event.coalesced || hidesOne(steps), settled: [settled] });
    } else if (event.reason === 'nacked' && steps.length === 0 && this.#delivery.nacked === undefined) {
      // The source tells again what has been applied here meanwhile.
      release(event);
    } else {
      this.#delivery.resync(isFirst && event.reason === 'initial' ? 'reconnected' : event.reason, steps, settled);
      if (isFirst) this.#arrived(name);
    }
  }

  /** What it changed is lost, unless the resync that comes contains it. Said once, and counted. */
  #tooEarly(name: string): void {
    if (this.#board.dropped++ > 0) return;
    const message = `the source '${name}' told a change before its first resync, which is dropped: it needs bufferDuringResync()`;
    this.#status(new DatasyncError('CONTRACT_BROKEN', message));
  }

  #arrived(name: string): void {
    if (this.#subscriber.closed) return;
    this.#stopWaiting(name);
    if (this.#troubles.delete(name)) this.#trouble();
    this.#tellFirst();
  }

  #waitedFor(name: string, wait: number): void {
    this.#stopWaiting(name);
    const message = `the source '${name}' has told nothing for ${wait} ms; the first resync waits no longer for it`;
    this.#lack(name, new DatasyncError('NOT_READY', message));
    this.#tellFirst();
  }

  #failed(name: string, error: unknown, endsAll: boolean): void {
    // Of the last one that runs: nothing would ever come any more.
    if (endsAll || this.#running.size === 1) {
      this.#delivery.error(error);
      return;
    }
    this.#lack(name, error);
    this.#ended(name);
  }

  #ended(name: string): void {
    this.#running.delete(name);
    this.#stopWaiting(name);
    this.#tellFirst();
    this.#finish();
  }

  #stopWaiting(name: string): void {
    this.#awaited.get(name)?.unsubscribe();
    this.#awaited.delete(name);
  }

  /** Not without any: that no source answers does not mean that there is nothing. */
  #tellFirst(): void {
    if (this.#told || this.#awaited.size > 0 || !this.#given.some(({ name }) => this.#state.has(name))) return;
    this.#told = this.#state.counting = true;
    this.#board.state = 'live';
    const early = this.#early;
    this.#early = [];
    this.#delivery.resync('initial', [], (outcome) => {
      for (const settled of early) settled(outcome);
    });
    if (!this.#subscriber.closed) this.#status();
  }

  #lack(name: string, cause: unknown): void {
    this.#troubles.set(name, cause);
    this.#trouble(cause);
  }

  /** The status shows the trouble of the first source that has one. */
  #trouble(news?: unknown): void {
    const first = this.#given.find(({ name }) => this.#troubles.has(name));
    this.#board.troubled(first && this.#troubles.get(first.name));
    this.#status(news);
  }

  #status(cause?: unknown): void {
    this.#board.tell(this.#delivery, { attempt: 0, until: undefined }, cause);
  }

  /** All sources have completed, and everything has been told and settled. */
  #finish(): void {
    const { lag, unsettled, resyncIsOpen } = this.#delivery;
    if (this.#running.size === 0 && lag === 0 && unsettled === 0 && !resyncIsOpen) this.#subscriber.complete();
  }

  #close(): void {
    this.#delivery.close();
    for (const settled of this.#early.splice(0)) settled(outcomes.cancelled);
    this.#board.state = 'closed';
    this.#status();
  }
}

/** Where a value goes that stood above an undecodable one, or below it, two things happen to the key at once. */
function hidesOne(steps: readonly Step<unknown>[]): boolean {
  return steps.some(({ before, after }) => after?.error !== undefined && after.good !== before?.good);
}
