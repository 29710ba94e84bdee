/**
 * How a subscription is doing, apart from its data. Told to the `statusObserver` of the configuration on transitions
 * and when the room for unsettled events fills or empties, never by a timer. When something arrives from the store and no
 * event has settled for 10 s, `cause` is `STALLED`, and the next settlement is told too. A consumer that hangs while the store is
 * silent is told by nothing: `delivery.claimTimeout` ends it, and is told. Times are milliseconds of `asyncScheduler.now()`.
 */
export interface SourceStatus {
  /** 1, 2 … in the order of subscription: one observer sees all subscriptions of its source. */
  readonly subscription: number;
  /** The connection. */
  readonly state: 'connecting' | 'snapshotting' | 'live' | 'backoff' | 'closed';
  /**
   * Present while what was told may not be what the store, or the consumer, holds: from a break until the connection is live
   * again, from a trouble of the backend until it is mended, and from a failure of the consumer until a resync that names its
   * keys has been settled well. Independent of `state`.
   */
  readonly stale?: { readonly since: number; readonly cause: unknown };
  /** Connection attempts that failed in a row. */
  readonly attempt?: number;
  /** When the next attempt starts (`backoff`). */
  readonly until?: number;
  /** Why this status was told: what broke, a `NACKED`, `STALLED`, `LATE_CLAIM`, `CONTRACT_BROKEN` … */
  readonly cause?: unknown;
  /** The revision up to which everything has been told. Missing before the first resync. */
  readonly revision?: number;
  /** Changes that wait to be told; a key that changed several times may count once. */
  readonly lag: number;
  /** Events told and not settled. */
  readonly unsettled: number;
  /** When the oldest of them was told. */
  readonly oldestUnsettledSince?: number;
  /** Acks used too late or twice. */
  readonly lateClaims: number;
  /** Frames dropped because they were late or told twice; of merged sources changes before their first resync. */
  readonly dropped: number;
  /** Deletes of keys that this subscription never knew; not told. */
  readonly unknownDeletes: number;
}
