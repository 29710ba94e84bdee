import type { Observable, Observer, Subscribable, Subscriber, Unsubscribable } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { drain } from '../../internal/drain.ts';
import { type Outcome, outcomes } from '../../model/ack.ts';
import { type DatasyncEvent, release, retained } from '../../model/events.ts';
import type { SourceStatus } from '../../model/status.ts';
import type { ResolvedDelivery } from '../../source/config.ts';
import { Delivery } from '../../source/delivery.ts';
import { StatusBoard } from '../../source/statusBoard.ts';
import { Folded } from './folded.ts';

/** What {@link Sharing} needs to know. */
export interface SharingConfig {
  readonly delivery: ResolvedDelivery;
  /** The event of the source waits for all who are subscribed when it comes. */
  readonly waitsForAll: boolean;
  readonly statusObserver: Partial<Observer<SourceStatus>> | undefined;
  /** The number of the next subscription. */
  readonly number: () => number;
}

/** How the source ended. */
type End = { readonly error: unknown } | 'completed';

/** One who is subscribed. */
interface Member<T> {
  readonly subscriber: Subscriber<DatasyncEvent<T>>;
  readonly delivery: Delivery<T>;
  readonly board: StatusBoard;
}

/**
 * The subject between one source and many subscribers, for rxjs `share`: folds the events into one state, and leads each
 * subscriber to it by a delivery of its own.
 */
export class Sharing<T> implements Observer<DatasyncEvent<T>>, Subscribable<DatasyncEvent<T>> {
  readonly #config: SharingConfig;
  readonly #state = new Folded<T>();
  readonly #members = new Set<Member<T>>();
  readonly #subscribers: Observable<DatasyncEvent<T>>;
  /** What came while an event was being told: by a consumer that writes inside `next`. */
  readonly #waiting: DatasyncEvent<T>[] = [];
  #telling = false;
  #end: End | undefined;

  constructor(config: SharingConfig) {
    this.#config = config;
    this.#subscribers = cold((subscriber) => this.#join(subscriber));
  }

  subscribe(observer: Partial<Observer<DatasyncEvent<T>>>): Unsubscribable {
    return this.#subscribers.subscribe(observer);
  }

  next(event: DatasyncEvent<T>): void {
    this.#waiting.push(retained(event));
    if (this.#telling) return;
    this.#telling = true;
    // All are told of one event before any is told of the next.
    drain(
      this.#waiting,
      () => true,
      (waiting) => this.#tell(waiting),
    );
    this.#telling = false;
    this.#finishAll();
  }

  error(error: unknown): void {
    this.#end = { error };
    for (const event of this.#waiting.splice(0)) release(event, outcomes.cancelled);
    for (const { delivery } of [...this.#members]) delivery.error(error);
  }

  complete(): void {
    this.#end = 'completed';
    this.#finishAll();
  }

  #tell(event: DatasyncEvent<T>): void {
    const steps = this.#state.apply(event);
    const { revision } = event;
    const members = [...this.#members];
    if (event.type === 'resync') {
      // A retry of the source's own: it is told to those who failed. They may have been quicker themselves.
      const isRetry = event.reason === 'nacked' && steps.length === 0;
      for (const member of members) {
        if (isRetry && member.delivery.nacked === undefined) continue;
        const isFirst = member.delivery.revision === undefined;
        member.delivery.resync(event.reason, steps, this.#settledBy(member, event));
        if (isFirst) this.#live(member);
      }
    } else if (steps.length > 0) {
      for (const member of members) {
        const settled = this.#settledBy(member, event);
        const { coalesced } = event;
        member.delivery.change({ revision, steps, coalesced, settled: settled === undefined ? [] : [settled] });
      }
    }
    release(event, event.type === 'change' && steps.length === 0 ? outcomes.superseded : undefined);
  }

  /** What a subscriber says of an event, where the source waits for it; one that has left says nothing. */
  #settledBy({ subscriber }: Member<T>, event: DatasyncEvent<T>): ((outcome: Outcome) => void) | undefined {
    if (!this.#config.waitsForAll) return undefined;
    const own = retained(event);
    return (outcome) => release(own, subscriber.closed ? undefined : outcome);
  }

  #join(subscriber: Subscriber<DatasyncEvent<T>>): void {
    const { statusObserver, delivery: config, number } = this.#config;
    const board = new StatusBoard(number(), statusObserver);
    const delivery: Delivery<T> = new Delivery(this.#state, subscriber, config, {
      status: (cause) => board.tell(delivery, connection, cause),
      settled: () => this.#finish(member),
    });
    const member: Member<T> = { subscriber, delivery, board };
    this.#members.add(member);
    subscriber.add(() => {
      this.#members.delete(member);
      delivery.close();
      board.state = 'closed';
      board.tell(delivery, connection, undefined);
    });
    board.tell(delivery, connection, undefined);
    const end = this.#end;
    if (end !== undefined && end !== 'completed') delivery.error(end.error);
    else if (this.#state.synced && delivery.revision === undefined) {
      delivery.resync('initial', []);
      this.#live(member);
    }
    this.#finish(member);
  }

  #live({ subscriber, board, delivery }: Member<T>): void {
    if (subscriber.closed) return;
    board.state = 'live';
    board.tell(delivery, connection, undefined);
  }

  #finishAll(): void {
    for (const member of [...this.#members]) this.#finish(member);
  }

  /** The source has completed, and this one has been told everything and has settled it. */
  #finish({ delivery, subscriber }: Member<T>): void {
    if (this.#end !== 'completed' || this.#telling) return;
    if (delivery.lag === 0 && delivery.unsettled === 0 && !delivery.resyncIsOpen) subscriber.complete();
  }
}

/** It is not for this status to say how the source is connected. */
const connection = { attempt: 0, until: undefined };
