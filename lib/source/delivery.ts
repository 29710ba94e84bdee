import { asyncScheduler, type Observable, type Subscriber } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { Ack, type AckOwner, type Outcome, outcomes, settledWell } from '../model/ack.ts';
import { DatasyncError } from '../model/errors.ts';
import { ChangeEvent, type DatasyncEvent, own, ResyncEvent } from '../model/events.ts';
import type { ResyncReason } from '../model/values.ts';
import type { ResolvedDelivery } from './config.ts';
import type { Settled } from './frames.ts';
import { nackOf } from './nack.ts';
import { type Batch, Pending, toldOf, type View } from './pending.ts';
import { Progress } from './progress.ts';
import { strongest } from './reasons.ts';
import { Redelivery } from './redelivery.ts';
import type { Committed } from './shadow.ts';
import { keysOf, Suspects } from './suspects.ts';

/** Whom the delivery tells what happens to it. */
export interface DeliveryObserver {
  /** Something the status shows has changed; `cause` says what. */
  status(cause?: unknown): void;
  /** An event was settled, or room was made: what waited for it may go on. */
  settled(): void;
}

/**
 * The subscriber's side, and the only place in a source that holds back: what was told, what is open, what waits.
 *
 * At most `inFlight` change events are open; a resync does not wait for them, only for an open resync. What a consumer
 * failed on is suspect and named by every resync until one that names it has been settled well; a failed resync is told
 * again from memory.
 */
export class Delivery<T> {
  readonly #view: View<T>;
  readonly #subscriber: Subscriber<DatasyncEvent<T>>;
  readonly #config: ResolvedDelivery;
  readonly #observer: DeliveryObserver;
  readonly #pending: Pending<T>;
  readonly #suspects = new Suspects<T>();
  readonly #redelivery: Redelivery;
  readonly #waiting = new Set<Subscriber<void>>();

  #epoch = 0;
  #told: number | undefined;
  #due: ResyncReason | undefined;
  #openResync: OpenEvent<T> | undefined;
  #open = 0;
  /** `inFlight` was reached, and not all of it has settled since. */
  #full = false;
  /** The open ones among them that outlived their `next`, oldest first. */
  readonly #outlived = new Set<OpenEvent<T>>();
  #pumping = false;
  #closed = false;
  #lateClaims = 0;
  /** The epoch of the last resync that has been settled well. */
  #wellSettled = 0;
  #nacked: { readonly since: number; readonly cause: DatasyncError } | undefined;
  readonly #progress: Progress;

  constructor(
    view: View<T>,
    subscriber: Subscriber<DatasyncEvent<T>>,
    config: ResolvedDelivery,
    observer: DeliveryObserver,
  ) {
    this.#view = view;
    this.#subscriber = subscriber;
    this.#config = config;
    this.#observer = observer;
    // Who pauses sends what there is room for, and what comes while that is told must not be conflated.
    this.#pending = new Pending(view, config.overflow === 'pause' ? Infinity : config.queue);
    this.#redelivery = new Redelivery(config.redeliver, () => this.resync('nacked', []));
    this.#progress = new Progress(
      config.claimTimeout,
      () => this.oldestUnsettledSince,
      () => {
        const [oldest] = this.#outlived;
        oldest?.ack.force(outcomes.timedOut);
      },
    );
  }

  /** A resync was told and has not been settled. */
  get resyncIsOpen(): boolean {
    return this.#openResync !== undefined || this.#due !== undefined;
  }

  get lag(): number {
    return this.#pending.lag;
  }

  get unsettled(): number {
    return this.#open;
  }

  get oldestUnsettledSince(): number | undefined {
    for (const { since } of this.#outlived) return since;
    return undefined;
  }

  get lateClaims(): number {
    return this.#lateClaims;
  }

  /** Set from a failure on until a resync that names its keys has been settled well. */
  get nacked(): { readonly since: number; readonly cause: DatasyncError } | undefined {
    return this.#nacked;
  }

  /** The revision up to which everything has been told; `undefined` before the first resync. */
  get revision(): number | undefined {
    const all = this.#told !== undefined && this.#due === undefined && this.#pending.isEmpty && !this.#closed;
    return all ? this.#view.revision : this.#told;
  }

  /** The view has changed by a batch. */
  change(batch: Batch<T>): void {
    if (this.#closed) {
      settleAll(batch.settled, outcomes.cancelled);
      return;
    }
    this.#redelivery.news();
    if (
      !this.#pumping &&
      this.#told !== undefined &&
      this.#pending.isEmpty &&
      this.#due === undefined &&
      this.#open < this.#config.inFlight
    ) {
      this.#pumping = true;
      this.#tellChange(batch);
      this.#pumping = false;
    } else if (!this.#pending.push(batch) && this.#config.overflow === 'error') {
      const message = `more than ${this.#config.queue} changes wait for a consumer that has ${this.#open} events open; settle them sooner, raise delivery.queue, or use overflow: 'conflate'`;
      this.error(new DatasyncError('OVERFLOW', message));
      return;
    }
    this.#pump();
    this.heard();
  }

  /** The view was read again: a resync is due, as soon as no other is open. */
  resync(reason: ResyncReason, committed: Committed<T>, settled?: Settled): void {
    if (this.#closed) {
      settled?.(outcomes.cancelled);
      return;
    }
    this.#pending.commit(committed, settled === undefined ? [] : [settled]);
    this.#due = strongest(this.#due, reason);
    this.#pump();
    this.heard();
  }

  /** The store has said something, be it only that it lives: the time to look whether events settle. */
  heard(): void {
    const still = this.#closed ? undefined : this.#progress.stall();
    if (still === undefined) return;
    const message = `nothing has settled for ${Math.round(still / 1_000)} s, ${this.#open} told: the work hangs or is slow, or an ack was forgotten; 'delivery.claimTimeout' ends what hangs`;
    this.#observer.status(new DatasyncError('STALLED', message));
  }

  /** Emits once and completes when the subscriber has room. */
  ready(): Observable<void> {
    return cold((subscriber) => {
      if (this.#hasRoom) {
        subscriber.next();
        subscriber.complete();
        return;
      }
      this.#waiting.add(subscriber);
      subscriber.add(() => this.#waiting.delete(subscriber));
    });
  }

  /** The subscription is over. */
  error(error: unknown): void {
    // First: what the operators below let go of must not make room for events that nobody gets any more.
    this.#stop();
    this.#subscriber.error(error);
  }

  /** Unsubscribed: every open event is `cancelled`, nothing is told any more. */
  close(): void {
    this.#stop();
    this.#redelivery.close();
    this.#progress.close();
    this.#waiting.clear();
    for (const open of [...this.#outlived]) open.ack.force(outcomes.cancelled);
    this.#pending.close();
  }

  #stop(): void {
    if (this.#closed) return;
    this.#told = this.revision;
    this.#closed = true;
  }

  /** @internal called by an open event */
  settle(open: OpenEvent<T>, outcome: Outcome): void {
    this.#open--;
    const goesOn = this.#outlived.delete(open) && this.#progress.settled();
    settleAll(open.frames, outcome);
    if (this.#closed) return;
    if (this.#openResync === open) this.#openResync = undefined;
    else if (outcome.type === 'superseded') this.#openResync?.replaces(open.event);
    this.#judge(open, outcome);
    const isEmptied = this.#full && this.#open === 0;
    if (isEmptied) this.#full = false;
    if (isEmptied || goesOn) this.#observer.status();
    this.#pump();
  }

  /** @internal called by an open event */
  failLate(open: OpenEvent<T>, outcome: Outcome): void {
    if (this.#closed) return;
    this.#judge(open, outcome);
    this.#pump();
  }

  /** @internal called by an open event */
  countLate(): void {
    if (this.#closed || this.#lateClaims++ > 0) return;
    this.#observer.status(
      new DatasyncError(
        'LATE_CLAIM',
        'an ack was used after its event had settled: nothing asynchronous may stand above the operator that claims',
      ),
    );
  }

  get #hasRoom(): boolean {
    // With its retries used up, the delivery depends on news: a poll that waited for room would wait for ever.
    const room = this.#open < this.#config.inFlight || this.#redelivery.exhausted;
    return this.#pending.isEmpty && this.#due === undefined && room;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#closed) {
      if (this.#due !== undefined) {
        if (this.#openResync !== undefined) break;
        this.#tellResync(this.#due);
        continue;
      }
      if (this.#open >= this.#config.inFlight) break;
      const batch = this.#pending.take();
      if (batch === undefined) break;
      this.#tellChange(batch);
    }
    this.#pumping = false;
    if (this.#closed) return;
    if (this.#waiting.size > 0) {
      for (const subscriber of [...this.#waiting]) {
        if (this.#closed || !this.#hasRoom) break;
        this.#waiting.delete(subscriber);
        subscriber.next();
        subscriber.complete();
      }
    }
    this.#observer.settled();
  }

  #tellChange(batch: Batch<T>): void {
    const { changes, rejected } = toldOf(batch.steps);
    const { revision, coalesced, settled } = batch;
    if (changes.length === 0 && rejected.length === 0) {
      settleAll(settled, outcomes.superseded);
      return;
    }
    const event = new ChangeEvent({ epoch: this.#epoch, revision, changes, rejected, coalesced });
    this.#told = revision;
    this.#suspects.told(event);
    this.#tell(new OpenEvent(this, event, settled, undefined));
  }

  #tellResync(due: ResyncReason): void {
    const { revision, prefixes } = this.#view;
    const { diff: own, settled } = this.#pending.takeAll();
    const entries = this.#view.snapshot();
    const { diff, clear } = this.#suspects.amend(own, entries);
    const reason = this.#told === undefined ? 'initial' : due;
    this.#due = undefined;
    this.#told = revision;
    this.#redelivery.told();
    const event = new ResyncEvent({
      epoch: ++this.#epoch,
      revision,
      reason,
      prefixes,
      entries,
      diff,
      rejected: this.#view.rejected(),
    });
    const open = new OpenEvent(this, event, settled, clear);
    this.#openResync = open;
    this.#tell(open);
  }

  #tell(open: OpenEvent<T>): void {
    this.#open++;
    this.#subscriber.next(open.event);
    open.ack.release();
    if (open.ack.outcome !== undefined) return;
    if (this.#closed) {
      open.ack.force(outcomes.cancelled);
      return;
    }
    open.since = asyncScheduler.now();
    this.#outlived.add(open);
    this.#progress.opened();
    if (this.#open !== this.#config.inFlight) return;
    this.#full = true;
    this.#observer.status();
  }

  /** What an outcome means for the keys of its event. */
  #judge(open: OpenEvent<T>, outcome: Outcome): void {
    const { event } = open;
    if (settledWell(outcome)) {
      if (open.clear === undefined) return;
      open.clear();
      this.#wellSettled = event.epoch;
      this.#redelivery.succeeded(this.#suspects.size === 0);
      if (this.#nacked !== undefined && this.#suspects.size === 0) {
        this.#nacked = undefined;
        this.#observer.status();
      }
      return;
    }
    // Whoever throws a change away for a newer resync amends that resync itself.
    if (outcome.type === 'superseded' && event.type === 'change') return;
    const told = new Map<string, T>();
    for (const key of keysOf(event)) {
      const good = this.#pending.told(key)?.good;
      if (good !== undefined) told.set(key, good.value);
    }
    // A resync told later has been settled well: what was held before the event is long past.
    const isPast = event.epoch < this.#wellSettled;
    this.#suspects.add(event, isPast ? new Map([...(open.held ?? []), ...told]) : open.held);
    for (const [key, value] of told) this.#suspects.since(key, value);
    if (outcome.type === 'superseded') return;
    if (event.type === 'resync' || this.#config.onNack === 'resync') this.#redelivery.failed();
    const cause = nackOf(event, outcome);
    this.#nacked = { since: this.#nacked?.since ?? asyncScheduler.now(), cause };
    this.#observer.status(cause);
  }
}

/** One event that was told, until it has settled. */
class OpenEvent<T> implements AckOwner {
  readonly event: DatasyncEvent<T>;
  readonly ack: Ack;
  readonly frames: readonly Settled[];
  /** Clears the suspects that this resync names; `undefined` on a change. */
  readonly clear: (() => void) | undefined;
  since = 0;
  /** Of the keys whose changes were thrown away for this resync: what the consumer held, as whoever did so tells it. */
  held: Map<string, T | undefined> | undefined;
  readonly #delivery: Delivery<T>;

  constructor(
    delivery: Delivery<T>,
    event: DatasyncEvent<T>,
    settled: readonly Settled[],
    clear: (() => void) | undefined,
  ) {
    this.#delivery = delivery;
    this.frames = settled;
    this.clear = clear;
    this.ack = new Ack(this);
    this.event = own(event, this.ack);
  }

  /** A change that was told before this resync was thrown away for it. */
  replaces(event: DatasyncEvent<T>): void {
    if (event.type === 'resync') return;
    this.held ??= new Map();
    for (const { key, prevValue } of event.changes) if (!this.held.has(key)) this.held.set(key, prevValue);
  }

  settled(outcome: Outcome): void {
    this.#delivery.settle(this, outcome);
  }

  failedLate(outcome: Outcome): void {
    this.#delivery.failLate(this, outcome);
  }

  late(): void {
    this.#delivery.countLate();
  }
}

function settleAll(settled: readonly Settled[], outcome: Outcome): void {
  for (const tell of settled) tell(outcome);
}
