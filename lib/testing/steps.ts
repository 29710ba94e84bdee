import type { Outcome } from '../model/ack.ts';
import type { Capabilities } from '../model/capabilities.ts';
import type { DatasyncEvent } from '../model/events.ts';
import type { SourceStatus } from '../model/status.ts';
import type { OnFailure } from '../operators/internal/declared.ts';
import type { ConsumerOutcome } from '../operators/orderedResync.ts';
import type { Frame } from '../source/frames.ts';
import type { Invariant } from './validators/invariant.ts';

/** Stands for a value that the codec refuses, where a test says what the store holds. */
export const undecodable: unique symbol = Symbol('undecodable');

/**
 * Where events are watched, and so what they are held to:
 *
 * - `source`: right at a source of ours: everything, also that a diff names nothing without a reason
 * - `buffered`: below `bufferDuringResync`: also that no change passes an open or failed resync (I30)
 * - `below`: anywhere else below
 * - `raw`: above the operators that make it true (a `merge` of list and watch): recorded, not judged
 */
export type Place = 'source' | 'buffered' | 'below' | 'raw';

/** What is known about a place. */
export interface PlaceOptions {
  /** Joins a place to the upstream of the same name, and stands in messages. Default: `source` for the place `source`, else the place. */
  readonly name?: string;
  /** The source's `delivery.inFlight` (I31). Default: not judged. */
  readonly inFlight?: number;
  /** The watched prefixes, where they are fixed (I4). Default: those of the last resync. */
  readonly prefixes?: readonly string[];
  /** What holds here in place of the backend's: an operator above may have given a counter for the revision. */
  readonly capabilities?: Partial<Capabilities>;
  /** Invariants that do not bind here, each with the reason. */
  readonly exempt?: Readonly<Partial<Record<Invariant, string>>>;
}

/** What the store did in one revision. */
export interface Write<T> {
  readonly revision: number;
  readonly put?: Readonly<Record<string, T | typeof undecodable>>;
  readonly delete?: readonly string[];
  /** Everything that is not in `put` is gone: a wipe, a restored backup. Default: false. */
  readonly whole?: boolean;
}

/** One consumer of an `orderedResync`, in declared order. */
export interface DeclaredConsumer {
  readonly name: string;
  /** Default: true. */
  readonly required?: boolean;
  /** Default: that of {@link HistoryOptions}. */
  readonly onFailure?: OnFailure;
}

/** How an event stood when something else happened. */
export type Standing = Outcome | 'open';

/** What happened, without number and time. */
export type StepBody<T> =
  /** A fact per key that was written: its value and the revision it has had since; `undefined`: deleted. */
  | {
      readonly type: 'write';
      readonly revision: number;
      readonly facts: ReadonlyMap<string, Fact<T>>;
      readonly whole: boolean;
    }
  /** The store forgot how it came to `revision`. */
  | { readonly type: 'compacted'; readonly revision: number }
  | { readonly type: 'subscribe'; readonly stream: number; readonly place: Place; readonly options: PlaceOptions }
  | EventBody<T>
  /** The event of step `of` settled. */
  | { readonly type: 'settled'; readonly stream: number; readonly of: number; readonly outcome: Outcome }
  /** A `fail` said after settlement. */
  | { readonly type: 'late'; readonly stream: number; readonly of: number; readonly outcome: Outcome }
  /** `during`: the event inside whose `next` it happened. */
  | { readonly type: 'unsubscribe'; readonly stream: number; readonly during: number | undefined }
  /** Everything above has returned from being unsubscribed. */
  | { readonly type: 'unsubscribed'; readonly stream: number }
  | { readonly type: 'error'; readonly stream: number; readonly error: unknown }
  | { readonly type: 'complete'; readonly stream: number }
  | { readonly type: 'status'; readonly status: SourceStatus }
  | UpstreamBody
  | {
      readonly type: 'workStart';
      readonly work: number;
      readonly consumer: string;
      readonly event: DatasyncEvent<unknown>;
      readonly ack: number;
      readonly concurrency: number /** Works of this consumer that had not ended, and were not given up. */;
      readonly open: readonly number[];
    }
  | { readonly type: 'workEnd'; readonly work: number; readonly outcome: Outcome }
  /** What an operator that works said of one event: one outcome, or one per consumer. */
  | {
      readonly type: 'result';
      readonly name: string;
      readonly event: DatasyncEvent<unknown>;
      readonly ack: number;
      readonly outcome: Outcome | undefined;
      readonly outcomes: Readonly<Record<string, ConsumerOutcome>> | undefined;
      /** The one consumer that was told again. */
      readonly again: string | undefined /** Whether the event had settled. */;
      readonly standing: Standing;
    }
  /** A view that was emitted (`toState`). */
  | { readonly type: 'state'; readonly name: string; readonly state: ReadonlyMap<string, T> }
  /** Somebody asked for a resync. */
  | { readonly type: 'request' }
  | { readonly type: 'publish'; readonly publish: number }
  | {
      readonly type: 'published';
      readonly publish: number;
      readonly revision: number | undefined;
      readonly error?: unknown;
    }
  /** A resume token was stored. */
  | { readonly type: 'token'; readonly revision: number }
  | { readonly type: 'note'; readonly text: string }
  /** Nothing is broken, nothing is written, every back-off is over; `holding`: but some consumer still keeps events open. */
  | { readonly type: 'quiet'; readonly holding: boolean };

/** What the store holds for a key; `undefined`: nothing. */
export type Fact<T> = { readonly value: T | typeof undecodable; readonly revision: number } | undefined;

/** An event that passed a place. */
export interface EventBody<T> {
  readonly type: 'event';
  readonly stream: number;
  readonly event: DatasyncEvent<T>;
  /** The same number: the same settlement. */
  readonly ack: number;
  /** Unsettled events of this place, this one among them. */
  readonly openChanges: number;
  readonly openResyncs: number;
  /** How the last resync of this place stood; `undefined`: there was none. */
  readonly resync: Standing | undefined;
}

/** What went on between a loop and its backend. */
export type UpstreamBody =
  | {
      readonly type: 'open';
      readonly upstream: string;
      readonly connection: number;
      readonly prefixes: readonly string[];
      readonly added: readonly string[];
      readonly from: unknown;
      readonly maxSilence: number | undefined;
    }
  | { readonly type: 'frame'; readonly connection: number; readonly frame: Frame; readonly id: number }
  | { readonly type: 'frameSettled'; readonly id: number; readonly outcome: Outcome }
  /** The backend waits until the subscriber has room; or no longer. */
  | { readonly type: 'waiting'; readonly connection: number; readonly waiting: boolean }
  /** By the backend: completed, or failed with `error`. */
  | { readonly type: 'end'; readonly connection: number; readonly error?: unknown }
  /** By the loop. */
  | { readonly type: 'close'; readonly connection: number };

/** One thing that happened. `step` counts from 1; `time` is milliseconds of `asyncScheduler.now()`. */
export type Step<T> = StepBody<T> & { readonly step: number; readonly time: number };

/** The steps of one type. */
export type StepOf<T, Type extends Step<T>['type']> = Extract<Step<T>, { readonly type: Type }>;
