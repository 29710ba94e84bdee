import { Subscription, timer } from 'rxjs';
import { connect } from '../../internal/connect.ts';
import { Ack, failure, type Outcome, outcomes, settledWell } from '../../model/ack.ts';
import { decode } from '../../model/coding.ts';
import { DatasyncError } from '../../model/errors.ts';
import { type DatasyncEvent, own, type ResyncEvent } from '../../model/events.ts';
import type { ResyncReason } from '../../model/values.ts';
import { Backoff } from '../../source/backoff.ts';
import { type ResolvedRedeliver, retryDefaults } from '../../source/config.ts';
import { strongest } from '../../source/reasons.ts';
import { Redelivery } from '../../source/redelivery.ts';
import { amended, Suspects } from '../../source/suspects.ts';
import type { Declared, OnFailure } from './declared.ts';
import { Mapping } from './mapping.ts';
import { partOf } from './partOf.ts';
import { Running } from './running.ts';

/** How an event ended for one consumer; `notStarted`: it was not given to it. */
export type ConsumerOutcome = Outcome | { readonly type: 'notStarted' };

export const notStarted: ConsumerOutcome = { type: 'notStarted' };

/** The round in which a consumer is given an event. */
export interface Hearer {
  /** The consumer's own: nobody above will hear of it, nor tell it again. */
  readonly isOwn: boolean;
  /** Said once, maybe at once. */
  ended(outcome: ConsumerOutcome): void;
  /** A failure said after that. */
  failedLate(outcome: Outcome): void;
  /** A word without effect. */
  late(): void;
}

/** One event that was told to the pipeline, until it has settled. */
interface Open {
  readonly ack: Ack;
  readonly type: 'resync' | 'change';
}

/**
 * One consumer of one subscription: its view of the store, what it was told of it, and where it failed.
 *
 * It sees every event, also one that it is not given: then the view goes on, and the keys are named by its next resync.
 * Without its footing (its last resync failed, or its pipeline has ended) it is given no change.
 */
export class Member<T = unknown> {
  readonly name: string;
  readonly prefix: string;
  readonly required: boolean;
  /** What follows its failure. */
  readonly onFailure: OnFailure;
  readonly #declared: Declared<string, T>;
  readonly #mapping: Mapping<Uint8Array, T>;
  readonly #suspects = new Suspects<T>();
  readonly #redelivery: Redelivery;
  readonly #running: Running<T>;
  #epoch = 0;
  /** Of a resync that it was not given. */
  #owed: ResyncReason | undefined;
  #lost = true;
  /** Nobody above tells it again. */
  #orphaned: boolean;
  #why: unknown;
  #open: Open | undefined;
  #waiting: Subscription | undefined;
  #closed = false;

  /** @param tellAgain a round of its own is due */
  constructor(
    declared: Declared<string, T>,
    onFailure: OnFailure,
    redeliver: ResolvedRedeliver,
    tellAgain: () => void,
  ) {
    this.name = declared.name;
    this.prefix = declared.prefix;
    this.required = declared.required;
    this.onFailure = onFailure;
    this.#declared = declared;
    this.#orphaned = !declared.required;
    const { name, codec } = declared;
    this.#mapping = new Mapping((raw, key) => {
      if (raw instanceof Uint8Array) return decode(codec, raw, key, name);
      const message = `consumer '${name}' was given a value of ${JSON.stringify(key)} that is no bytes: the source needs codec: bytesCodec`;
      throw new DatasyncError('DECODE_FAILED', message, { key });
    });
    this.#redelivery = new Redelivery(redeliver, tellAgain);
    this.#running = new Running(declared.pipeline, (error) => this.#ended(error));
  }

  /** The view as it came, for a round of its own; `undefined` where nothing is to be told again. */
  again(): ResyncEvent<Uint8Array> | undefined {
    return this.#lost || this.#suspects.size > 0 ? this.#mapping.again() : undefined;
  }

  /** Gives it its part of an event. */
  give(event: DatasyncEvent<Uint8Array>, hearer: Hearer): void {
    const part = this.#part(event);
    if (part === undefined) hearer.ended(outcomes.delivered);
    else if (part.type === 'resync') this.#tellResync(part, hearer, this.#tries());
    else if (!this.#lost) {
      const change = part.with({ epoch: this.#epoch });
      this.#suspects.told(change);
      this.#tell(change, undefined, hearer, this.#tries());
    } else {
      this.#suspects.addUntold(part);
      hearer.ended(this.required ? failure(this.#waits()) : notStarted);
    }
  }

  /** It is not its turn any more: a round was stopped before it. */
  skip(event: ResyncEvent<Uint8Array>): void {
    const part = this.#part(event) as ResyncEvent<T>;
    this.#owed = strongest(this.#owed, part.reason);
    this.#suspects.add(part);
    this.#lost = true;
  }

  /** The source has completed. */
  complete(): void {
    this.#running.complete();
  }

  close(): void {
    this.#closed = true;
    this.#redelivery.close();
    this.#waiting?.unsubscribe();
    this.#running.stop();
    this.#open?.ack.force(outcomes.cancelled);
  }

  #part(event: DatasyncEvent<Uint8Array>): DatasyncEvent<T> | undefined {
    const part = partOf(event, this.prefix);
    if (part === undefined) {
      this.#mapping.passed(event.revision);
      return undefined;
    }
    this.#redelivery.news();
    return this.#mapping.take(part);
  }

  #waits(): DatasyncError {
    const message = 'it is given no change before it has taken a resync over';
    return new DatasyncError('NACKED', message, this.#why === undefined ? {} : { cause: this.#why });
  }

  #tries(): Backoff | undefined {
    const { retry } = this.#declared.treatment;
    if (this.onFailure !== 'retry') return undefined;
    return new Backoff(retryDefaults({ ...retry, count: retry?.count ?? 3 }));
  }

  #tellResync(part: ResyncEvent<T>, hearer: Hearer, tries: Backoff | undefined): void {
    const reason = strongest(this.#owed, part.reason);
    this.#owed = undefined;
    const { event, clear } = amended(part.with({ epoch: ++this.#epoch, reason }), this.#suspects);
    this.#redelivery.told();
    this.#tell(event, clear, hearer, tries);
  }

  /** @param clear what this resync has named is settled with it */
  #tell(told: DatasyncEvent<T>, clear: (() => void) | undefined, hearer: Hearer, tries: Backoff | undefined): void {
    const { timeout } = this.#declared.treatment;
    const watch = timeout === undefined ? undefined : new Subscription();
    const ack: Ack = new Ack({
      settled: (outcome) => {
        watch?.unsubscribe();
        if (this.#closed) return;
        this.#open = undefined;
        this.#settled(told, clear, outcome, hearer, tries);
      },
      failedLate: (outcome) => this.#failedLate(told, outcome, hearer),
      late: () => hearer.late(),
    });
    this.#open = { ack, type: told.type };
    if (told.type === 'resync') this.#running.start();
    // It may have ended at once, and the event with it.
    if (ack.outcome === undefined) this.#running.next(own(copyOf(told), ack));
    ack.release();
    if (ack.outcome === undefined && timeout !== undefined && !this.#closed)
      watch?.add(timer(timeout).subscribe(() => ack.force(outcomes.timedOut)));
  }

  #settled(
    told: DatasyncEvent<T>,
    clear: (() => void) | undefined,
    outcome: Outcome,
    hearer: Hearer,
    tries: Backoff | undefined,
  ): void {
    if (settledWell(outcome)) {
      if (clear !== undefined) {
        clear();
        this.#lost = false;
        this.#orphaned = !this.required;
        this.#redelivery.succeeded(this.#suspects.size === 0);
      }
    } else {
      if (clear !== undefined) this.#lost = true;
      if (tries?.failed() === true) {
        this.#tryAgain(told, outcome, hearer, tries);
        return;
      }
      this.#fail(told);
    }
    hearer.ended(outcome);
  }

  #fail(told: DatasyncEvent<T>): void {
    this.#suspects.add(told);
    if (this.#orphaned) this.#redelivery.failed();
  }

  /** The same change again; a resync, and what a pipeline that has ended was told, as a resync from memory. */
  #tryAgain(told: DatasyncEvent<T>, outcome: Outcome, hearer: Hearer, tries: Backoff): void {
    const again = (): void => {
      this.#waiting?.unsubscribe();
      if (told.type === 'change' && this.#running.isRunning) {
        this.#tell(told, undefined, hearer, tries);
        return;
      }
      this.#suspects.add(told);
      this.#tellResync(this.#mapping.take(this.#mapping.again()!), hearer, tries);
    };
    const giveUp = (): void => {
      this.#fail(told);
      hearer.ended(outcome);
    };
    const { notifier } = tries.wait(outcome.type === 'failed' ? outcome.error : undefined);
    this.#waiting = new Subscription();
    connect(notifier, { next: again, error: giveUp, complete: giveUp }, this.#waiting);
  }

  #failedLate(told: DatasyncEvent<T>, outcome: Outcome, hearer: Hearer): void {
    if (this.#closed) return;
    if (told.type === 'resync' && told.epoch === this.#epoch) this.#lost = true;
    if (hearer.isOwn) this.#orphaned = true;
    this.#fail(told);
    hearer.failedLate(outcome);
  }

  #ended(error: unknown): void {
    if (this.#closed) return;
    this.#lost = true;
    this.#why = error;
    // The source tells a failed resync again, and nothing else.
    if (this.#open?.type !== 'resync') this.#orphaned = true;
    if (this.#open === undefined) this.#redelivery.failed();
    else this.#open.ack.force(failure(error));
  }
}

/** Each telling has an ack of its own. */
function copyOf<T>(event: DatasyncEvent<T>): DatasyncEvent<T> {
  return event.type === 'resync' ? event.with({}) : event.with({});
}
