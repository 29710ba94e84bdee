import type { Observable } from 'rxjs';
import { jsonOf } from '../internal/bytes.ts';
import { Ack, type Claim, type FailDetails, failure, type Outcome, outcomes } from './ack.ts';
import { DatasyncError } from './errors.ts';
import { jsonOfKeyValue, Snapshot } from './snapshot.ts';
import type { Change, Rejected, ResyncDiff, ResyncReason } from './values.ts';

/** Either event; discriminated by `type`. */
export type DatasyncEvent<T> = ResyncEvent<T> | ChangeEvent<T>;

/** What every store is: a cold Observable that tells one resync, then changes, and a resync again after a fault. */
export type Source<T> = Observable<DatasyncEvent<T>>;

/** The data of a {@link ResyncEvent}. */
export interface ResyncFields<T> {
  readonly epoch: number;
  readonly revision: number;
  readonly reason: ResyncReason;
  readonly prefixes: readonly string[];
  readonly entries: Snapshot<T>;
  readonly diff: ResyncDiff<T>;
  readonly rejected: readonly Rejected<T>[];
}

/** The data of a {@link ChangeEvent}. */
export interface ChangeFields<T> {
  readonly epoch: number;
  readonly revision: number;
  readonly changes: readonly Change<T>[];
  readonly rejected: readonly Rejected<T>[];
  readonly coalesced: boolean;
}

let readAck: (event: Acked) => Ack | undefined;
let writeAck: (event: Acked, ack: Ack | undefined) => void;

/**
 * What both events can do about their settlement. The ack is private: two events compare by their data alone,
 * and it cannot get lost, since object spread does not make an event.
 */
abstract class Acked {
  #ack: Ack | undefined = undefined;

  static {
    readAck = (event) => event.#ack;
    writeAck = (event, ack) => {
      event.#ack = ack;
    };
  }

  /** Says `applied`. Inside `next`, synchronously; later through {@link Acked.claim}. Nothing happens on a hand-made event. */
  done(): void {
    this.#ack?.note(outcomes.applied);
  }

  /** Says `failed`. Inside `next`, synchronously; later through {@link Acked.claim}. Nothing happens on a hand-made event. */
  fail(error: unknown, details?: FailDetails): void {
    this.#ack?.note(failure(error, details));
  }

  /**
   * Keeps the event from settling until the claim is used. Taken inside `next` by whoever finishes later; a claim that
   * is forgotten holds the source up for ever; its status says so (`STALLED`) after 10 s, when the store tells something; see `claimTimeout`.
   */
  claim(): Claim {
    return this.#ack?.claim() ?? noClaim;
  }
}

const nothing = (): void => undefined;
const noClaim: Claim = { done: nothing, fail: nothing, release: nothing };

/**
 * The whole truth under the watched prefixes: told first, after each fault, and when somebody asked for it.
 *
 * In Kubernetes *resync* means "replay the local cache"; here, as in Ligato cn-infra, it means "the source was read again"
 * (but for `reason: 'nacked'`, which tells a failed one again from memory).
 */
export class ResyncEvent<T> extends Acked {
  readonly type = 'resync' as const;
  /** 1, 2, 3 …: one more for each resync of this subscription; 0 in hand-made events: not counted. */
  readonly epoch: number;
  /** The highest revision whose effect it contains: the store's own, or a counter of this subscription. */
  readonly revision: number;
  readonly reason: ResyncReason;
  /** Every watched prefix, also an empty one. */
  readonly prefixes: readonly string[];
  /** Always the whole view, also when only one prefix was read. */
  readonly entries: Snapshot<T>;
  /** Against what this subscriber was last told. */
  readonly diff: ResyncDiff<T>;
  /** All keys that cannot be decoded now; their last good values stand in `entries`. */
  readonly rejected: readonly Rejected<T>[];

  constructor(fields: ResyncFields<T>) {
    super();
    this.epoch = fields.epoch;
    this.revision = fields.revision;
    this.reason = fields.reason;
    this.prefixes = fields.prefixes;
    this.entries = fields.entries;
    this.diff = fields.diff;
    this.rejected = fields.rejected;
  }

  /**
   * A resync by hand, for tests and for Observables of your own: epoch 0, everything in `diff.added`.
   *
   * @param values the whole view
   * @param revision its revision, and that of each key
   * @param fields what shall differ: `reason` (default `initial`), `prefixes` (default `['']`: everything), `rejected` (none)
   * @throws DatasyncError `INVALID_CONFIG` where a key stands there twice
   */
  static of<T>(
    values: Readonly<Record<string, T>> | Iterable<readonly [key: string, value: T]>,
    revision = 0,
    fields: Partial<Pick<ResyncFields<T>, 'epoch' | 'reason' | 'prefixes' | 'rejected'>> = {},
  ): ResyncEvent<T> {
    const pairs = Symbol.iterator in values ? values : Object.entries<T>(values);
    const items = Array.from(pairs as Iterable<readonly [string, T]>, ([key, value]) => ({ key, value, revision }));
    checkOnce(items);
    return new ResyncEvent({
      epoch: 0,
      revision,
      reason: 'initial',
      prefixes: [''],
      entries: new Snapshot(items),
      diff: { added: items, changed: [], removed: [] },
      rejected: [],
      ...fields,
    });
  }

  /** The same event with some fields replaced; it shares the ack. A new value type needs all fields that carry values. */
  with(fields: Partial<ResyncFields<T>>): ResyncEvent<T>;
  with<U>(fields: Pick<ResyncFields<U>, 'entries' | 'diff' | 'rejected'> & Partial<ResyncFields<U>>): ResyncEvent<U>;
  with<U>(fields: Partial<ResyncFields<U>>): ResyncEvent<U> {
    const event = new ResyncEvent({ ...(this as unknown as ResyncFields<U>), ...fields });
    writeAck(event, readAck(this));
    return event;
  }

  /** All fields; entries sorted, bytes as text or base64. */
  toJSON(): unknown {
    const { type, epoch, revision, reason, prefixes, entries, diff, rejected } = this;
    return {
      type,
      epoch,
      revision,
      reason,
      prefixes,
      entries,
      diff: {
        added: diff.added.map(jsonOfKeyValue),
        changed: diff.changed.map((item) => ({
          ...item,
          value: jsonOf(item.value),
          prevValue: jsonOf(item.prevValue),
        })),
        removed: diff.removed.map((item) => ({ ...item, prevValue: jsonOf(item.prevValue) })),
      },
      rejected: rejected.map(jsonOfRejected),
    };
  }
}

/** What changed: all keys of one transaction where the store allows. */
export class ChangeEvent<T> extends Acked {
  readonly type = 'change' as const;
  /** That of the resync before it; 0 in hand-made events. */
  readonly epoch: number;
  /** Greater than that of the event before it in the same epoch. */
  readonly revision: number;
  /** Each key at most once. */
  readonly changes: readonly Change<T>[];
  /** Keys that got a value which cannot be decoded; `changes` and `rejected` are not both empty. */
  readonly rejected: readonly Rejected<T>[];
  /** True where intermediate states of some key were, or may have been, skipped. */
  readonly coalesced: boolean;

  constructor(fields: ChangeFields<T>) {
    super();
    this.epoch = fields.epoch;
    this.revision = fields.revision;
    this.changes = fields.changes;
    this.rejected = fields.rejected;
    this.coalesced = fields.coalesced;
  }

  /**
   * A change by hand: epoch 0, previous values unknown (`trackPrevious` fills them in).
   *
   * @throws DatasyncError `INVALID_CONFIG` where a key stands there twice, or nothing does
   */
  static of<T>(
    changes: readonly Change<T>[],
    revision: number,
    fields: Partial<Pick<ChangeFields<T>, 'epoch' | 'rejected' | 'coalesced'>> = {},
  ): ChangeEvent<T> {
    checkOnce(changes);
    const event = new ChangeEvent({ epoch: 0, revision, changes, rejected: [], coalesced: false, ...fields });
    if (changes.length + event.rejected.length === 0) throw noEvent('nothing');
    return event;
  }

  /** One put by hand. */
  static put<T>(key: string, value: T, revision: number): ChangeEvent<T> {
    return ChangeEvent.of([{ op: 'put', key, value, prevValue: undefined, revision }], revision);
  }

  /** One delete by hand. */
  static delete<T = never>(key: string, revision: number): ChangeEvent<T> {
    return ChangeEvent.of<T>([{ op: 'delete', key, prevValue: undefined, revision }], revision);
  }

  /** The same event with some fields replaced; it shares the ack. A new value type needs all fields that carry values. */
  with(fields: Partial<ChangeFields<T>>): ChangeEvent<T>;
  with<U>(fields: Pick<ChangeFields<U>, 'changes' | 'rejected'> & Partial<ChangeFields<U>>): ChangeEvent<U>;
  with<U>(fields: Partial<ChangeFields<U>>): ChangeEvent<U> {
    const event = new ChangeEvent({ ...(this as unknown as ChangeFields<U>), ...fields });
    writeAck(event, readAck(this));
    return event;
  }

  /** All fields; bytes as text or base64. */
  toJSON(): unknown {
    const { type, epoch, revision, changes, rejected, coalesced } = this;
    return {
      type,
      epoch,
      revision,
      changes: changes.map((change) => ({
        ...change,
        ...(change.op === 'put' ? { value: jsonOf(change.value) } : {}),
        prevValue: jsonOf(change.prevValue),
      })),
      rejected: rejected.map(jsonOfRejected),
      coalesced,
    };
  }
}

function checkOnce(items: readonly { readonly key: string }[]): void {
  if (new Set(items.map(({ key }) => key)).size < items.length) throw noEvent('a key that stands there twice');
}

function noEvent(what: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', `an event cannot be made of ${what}`);
}

function jsonOfRejected(rejected: Rejected<unknown>): unknown {
  const { raw, lastGood, ...rest } = rejected;
  return { ...rest, raw: jsonOf(raw), ...('lastGood' in rejected ? { lastGood: jsonOf(lastGood) } : {}) };
}

/**
 * The ack of an event; none on a hand-made one.
 * @internal
 */
export function ackOf(event: DatasyncEvent<unknown>): Ack | undefined {
  return readAck(event);
}

/**
 * Gives a new event its ack. Only whoever made the event may.
 * @internal
 */
export function own<E extends DatasyncEvent<unknown>>(event: E, ack: Ack): E {
  writeAck(event, ack);
  return event;
}

/**
 * The same event with an ack of its own.
 * @internal
 */
export function ownCopy<T>(event: DatasyncEvent<T>, ack: Ack): DatasyncEvent<T> {
  // Not by `with`, whose objects in between cost as much again.
  return own(event.type === 'resync' ? new ResyncEvent(event) : new ChangeEvent(event), ack);
}

/**
 * @param where who was given it, for the message
 * @throws DatasyncError `INVALID_EVENT`
 * @internal
 */
export function checkEvent(event: unknown, where = 'an operator'): void {
  if (event instanceof Acked) return;
  const message = `${where} was given what is no ResyncEvent or ChangeEvent; make copies with event.with(), not with spread`;
  throw new DatasyncError('INVALID_EVENT', message);
}

/**
 * The event with one more claim, the caller's, to be given back by {@link release}.
 *
 * A hand-made event gets a fresh ack on a copy, so that one object may be emitted to any number of subscribers.
 * So does an event that has already settled, because something above let go of it: what happens below is then reported
 * as late, and nothing below waits for a settlement that has been.
 * @internal
 */
export function retained<E extends DatasyncEvent<unknown>>(event: E, where?: string): E {
  checkEvent(event, where);
  const ack = readAck(event);
  if (ack !== undefined && ack.outcome === undefined) {
    ack.retain();
    return event;
  }
  const copy = (event as ResyncEvent<unknown>).with({}) as unknown as E;
  return own(copy, ack?.successor() ?? new Ack());
}

/**
 * Gives back what {@link retained} took.
 * @internal
 */
export function release(event: DatasyncEvent<unknown>, outcome?: Outcome): void {
  readAck(event)?.release(outcome);
}
