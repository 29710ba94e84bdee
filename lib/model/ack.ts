/**
 * How an event ended. Of several the worst counts, in this order:
 *
 * - `failed`: someone said fail; several errors become one AggregateError; `keys` names what failed, all keys where missing
 * - `timedOut`: the operator that waits gave up
 * - `cancelled`: unsubscribed, or cut off inside the pipeline
 * - `superseded`: replaced by a newer truth
 * - `applied`: someone said done
 * - `delivered`: nobody claimed it: handed over, effect unknown
 */
export type Outcome =
  | { readonly type: 'failed'; readonly error: unknown; readonly keys?: readonly string[] }
  | { readonly type: 'timedOut' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'superseded' }
  | { readonly type: 'applied' }
  | { readonly type: 'delivered' };

/** The settlements that need no payload; shared, so that settling allocates nothing. */
export const outcomes: { readonly [Type in Exclude<Outcome['type'], 'failed'>]: Extract<Outcome, { type: Type }> } = {
  timedOut: { type: 'timedOut' },
  cancelled: { type: 'cancelled' },
  superseded: { type: 'superseded' },
  applied: { type: 'applied' },
  delivered: { type: 'delivered' },
};

/** Whether the consumer has, as far as anybody knows, taken the event over: `applied` or `delivered`. */
export function settledWell(outcome: Outcome): boolean {
  return outcome.type === 'applied' || outcome.type === 'delivered';
}

/** Whether an outcome is one that a late word may still bring: `failed` or `timedOut`. */
function isFailure(outcome: Outcome): boolean {
  return outcome.type === 'failed' || outcome.type === 'timedOut';
}

/** Says that the event is not to settle yet. Each function counts once; the first one used wins. */
export interface Claim {
  /** Applied. */
  readonly done: () => void;
  /** Failed; `keys` says which of the event's keys, for the producer's report. */
  readonly fail: (error: unknown, details?: FailDetails) => void;
  /** Neutral: no longer waiting, says nothing about the effect. */
  readonly release: () => void;
}

/** Which keys of an event failed; all of them where missing. */
export interface FailDetails {
  readonly keys?: readonly string[];
}

/**
 * Whoever made the ack, told last: after every operator below has reacted.
 * @internal
 */
export interface AckOwner {
  settled(outcome: Outcome): void;
  /** A `fail` after settlement that counts. */
  failedLate(outcome: Outcome): void;
  /** A `done`, a claim or a repeated word after settlement: counted, without effect. */
  late(): void;
}

const rank = { delivered: 0, applied: 1, superseded: 2, cancelled: 3, timedOut: 4, failed: 5 } as const;

/**
 * One settlement, shared by an event and all that is derived from it: a count of claims and the worst outcome said.
 *
 * Made with one claim, the emitter's own, held during `next`. The last release settles. Listeners run in reverse order
 * of registration, so the operator nearest to the consumer reacts first; the owner is told last.
 * @internal
 */
export class Ack {
  #claims = 1;
  #worst: Outcome = outcomes.delivered;
  #settled = false;
  #listeners: ((outcome: Outcome) => void)[] | undefined;
  #lateListeners: ((outcome: Outcome) => void)[] | undefined;
  readonly #owner: AckOwner | undefined;

  constructor(owner?: AckOwner) {
    this.#owner = owner;
  }

  /** The outcome, once settled. */
  get outcome(): Outcome | undefined {
    return this.#settled ? this.#worst : undefined;
  }

  /** The worst said so far, settled or not. */
  get worst(): Outcome {
    return this.#worst;
  }

  retain(): void {
    this.#claims++;
  }

  /** Says an outcome without giving a claim back. */
  note(outcome: Outcome): void {
    if (this.#settled) this.#sayLate(outcome);
    else this.#worst = worse(this.#worst, outcome);
  }

  /** Gives one claim back; without an outcome neutral. */
  release(outcome?: Outcome): void {
    if (outcome !== undefined) this.note(outcome);
    if (--this.#claims === 0) this.#settle();
  }

  /** Settles now, whatever is still claimed: unsubscribed, or the watchdog lost patience. */
  force(outcome: Outcome): void {
    if (this.#settled) return;
    this.#worst = worse(this.#worst, outcome);
    this.#settle();
  }

  /** An ack of its own for a part of the event: this one settles only after it, with its outcome. */
  child(): Ack {
    this.retain();
    return new Ack({
      settled: (outcome) => this.release(outcome),
      // Late for the child; this one may still be open.
      failedLate: (outcome) => this.note(outcome),
      late: () => this.late(),
    });
  }

  /**
   * A fresh ack for an operator that got the event only after it had settled: below that operator all works as usual,
   * and what fails there still reaches the owner as a late failure.
   */
  successor(): Ack {
    this.#owner?.late();
    return new Ack({
      settled: (outcome) => {
        if (isFailure(outcome)) this.#sayLate(outcome);
      },
      failedLate: (outcome) => this.#sayLate(outcome),
      late: () => this.#owner?.late(),
    });
  }

  /** A word that came too late for a part of the event is counted as one about the whole. */
  late(): void {
    this.#owner?.late();
  }

  onSettled(listener: (outcome: Outcome) => void): void {
    if (this.#settled) listener(this.#worst);
    else if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  /** Told of each failure said after settlement, nearest first as well. */
  onLate(listener: (outcome: Outcome) => void): void {
    if (this.#lateListeners === undefined) this.#lateListeners = [listener];
    else this.#lateListeners.push(listener);
  }

  claim(): Claim {
    if (this.#settled) this.#owner?.late();
    else this.retain();
    // A claim taken after settlement must not release a count that is gone; its `fail` is a late one.
    const taken = !this.#settled;
    let used = false;
    const use = (outcome: Outcome | undefined): void => {
      if (used) {
        this.#owner?.late();
        return;
      }
      used = true;
      if (taken) this.release(outcome);
      else if (outcome !== undefined && isFailure(outcome)) this.#sayLate(outcome);
    };
    return {
      done: () => use(outcomes.applied),
      fail: (error, details) => use(failure(error, details)),
      release: () => use(undefined),
    };
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    const outcome = this.#worst;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (let i = listeners.length - 1; i >= 0; i--) listeners[i]!(outcome);
    this.#owner?.settled(outcome);
  }

  #sayLate(outcome: Outcome): void {
    const ended = this.#worst.type;
    if (!isFailure(outcome) || ended === 'cancelled' || ended === 'superseded') {
      // What an operator says of an event that it still held is no word of the consumer's.
      if (isFailure(outcome) || outcome.type === 'applied') this.#owner?.late();
      return;
    }
    this.#worst = worse(this.#worst, outcome);
    const listeners = this.#lateListeners;
    if (listeners !== undefined) for (let i = listeners.length - 1; i >= 0; i--) listeners[i]!(outcome);
    this.#owner?.failedLate(outcome);
  }
}

/** @internal */
export function failure(error: unknown, details?: FailDetails): Outcome {
  const keys = details?.keys;
  return Array.isArray(keys) ? { type: 'failed', error, keys: keys as readonly string[] } : { type: 'failed', error };
}

/**
 * The worse of two outcomes; two failures become one that holds both errors.
 * @internal
 */
export function worse(a: Outcome, b: Outcome): Outcome {
  if (a.type === 'failed' && b.type === 'failed') return bothFailed(a, b);
  return rank[b.type] > rank[a.type] ? b : a;
}

type Failed = Extract<Outcome, { type: 'failed' }>;

// Only this class is flattened: an AggregateError that a consumer threw is one error of the consumer's.
class Failures extends AggregateError {}

function bothFailed(a: Failed, b: Failed): Outcome {
  const errors = [a, b].flatMap(({ error }) => (error instanceof Failures ? (error.errors as unknown[]) : [error]));
  const error = new Failures(errors, `[rx-datasync] ${errors.length} consumers failed`);
  if (a.keys === undefined || b.keys === undefined) return { type: 'failed', error };
  return { type: 'failed', error, keys: [...new Set([...a.keys, ...b.keys])] };
}
