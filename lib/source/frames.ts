import type { Observable } from 'rxjs';
import type { Outcome } from '../model/ack.ts';
import type { Capabilities } from '../model/capabilities.ts';
import type { DatasyncError } from '../model/errors.ts';
import type { ResyncReason } from '../model/values.ts';

/** A key as the store holds it; with `error`: as if the codec had refused it, its last good value is kept. */
export type RawEntry =
  | { readonly key: string; readonly value: Uint8Array; readonly revision?: number }
  | { readonly key: string; readonly error: DatasyncError; readonly raw?: Uint8Array; readonly revision?: number };

/** A key that changed. */
export type RawChange =
  | (RawEntry & { readonly op: 'put' })
  | { readonly op: 'delete'; readonly key: string; readonly revision?: number };

/** Told exactly once per frame: how the event ended that carries the frame's effect; `superseded` where there was nothing to tell. */
export type Settled = (outcome: Outcome) => void;

/** A part of a listing; invisible until the `snapshot` that ends it. */
export interface PageFrame {
  readonly type: 'page';
  readonly entries: readonly RawEntry[];
  /** The store's revision, for the entries that have none of their own; required there where `capabilities.revision` is `store`. */
  readonly revision?: number;
}

/**
 * The end of a listing: the pages before it are now the truth.
 *
 * The first one of a connection is told as a resync; a later one without a `reason` as the difference.
 */
export interface SnapshotFrame<P> {
  readonly type: 'snapshot';
  /** Required where `capabilities.revision` is `store`. */
  readonly revision?: number;
  /** Where to go on after a break; opaque to the loop. Without it every break means a new listing. */
  readonly position?: P;
  /** Which prefixes were listed; the others keep what they hold. Default: all. */
  readonly scope?: readonly string[];
  readonly reason?: ResyncReason;
  readonly settled?: Settled;
}

/** What changed at once. */
export interface ChangesFrame<P> {
  readonly type: 'changes';
  readonly changes: readonly RawChange[];
  /** Required where `capabilities.revision` is `store`. */
  readonly revision?: number;
  readonly position?: P;
  /** Intermediate states may have been skipped. */
  readonly coalesced?: boolean;
  readonly settled?: Settled;
}

/** A sign of life: everything up to `revision` has been sent. */
export interface ProgressFrame<P> {
  readonly type: 'progress';
  readonly revision?: number;
  readonly position?: P;
  /** A trouble that does not end the connection makes the subscription stale; `null` says that it is over. */
  readonly stale?: DatasyncError | null;
}

/** What a backend emits. */
export type Frame<P = unknown> = PageFrame | SnapshotFrame<P> | ChangesFrame<P> | ProgressFrame<P>;

/** What one connection is opened with. */
export interface OpenContext<P = unknown> {
  /** Every prefix to watch; none starts with another. */
  readonly prefixes: readonly string[];
  /** Those of them that have not been listed; all of them where `from` is missing. */
  readonly added: readonly string[];
  /** Resume here if you can, else send a snapshot. */
  readonly from: P | undefined;
  /** Emits once and completes when the subscriber has room; polls and re-reads wait for it. */
  readonly ready: () => Observable<void>;
  /**
   * The subscriber wants every state in between (`overflow: 'pause'`): wait for `ready` before each frame of changes, and do
   * not read on meanwhile. Never true where the backend cannot ({@link Backend.canPause}).
   */
  readonly exact?: boolean;
}

/**
 * A store, as the loop sees it: one function that opens a connection.
 *
 * The Observable ends a connection by completing or by an error: {@link ContinuityLost} where position and connection are
 * over, {@link FatalError} where all is over for good, anything else where only the connection is. Raw values are plain
 * `Uint8Array`s that nobody writes to afterwards.
 */
export interface Backend<P = unknown> {
  /** For messages: `etcd`, `files` … */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Milliseconds without any frame after which the connection counts as dead; default: never. Suspended while it waits in `ready()`. */
  readonly maxSilence?: number;
  /** Whether it heeds {@link OpenContext.exact}; without it `overflow: 'pause'` is refused. Default: false. */
  readonly canPause?: boolean;
  /** One connection, from its subscription on; unsubscribed, it is closed at once. Its frames and errors: see {@link Frame}. */
  open(context: OpenContext<P>): Observable<Frame<P>>;
}

/** Position and connection are over: the next connection lists everything, and the resync says why. */
export class ContinuityLost extends Error {
  readonly reason: ResyncReason;

  /** @param reason what the resync will say: `compacted`, `regressed`, `reconnected`, `inconsistent` */
  constructor(reason: ResyncReason, message: string = reason, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'ContinuityLost';
    this.reason = reason;
  }
}

/** It will never work again: the subscription ends with this error's `cause`, or itself. */
export class FatalError extends Error {
  /** @param message what is wrong, and what to do */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'FatalError';
  }
}
