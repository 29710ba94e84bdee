import { isObservable, type Subscriber, type Subscription } from 'rxjs';
import { attach } from '../internal/connect.ts';
import { guarded } from '../internal/report.ts';
import { outcomes } from '../model/ack.ts';
import type { Codec } from '../model/codec.ts';
import { DatasyncError, reasonOf } from '../model/errors.ts';
import type { DatasyncEvent } from '../model/events.ts';
import { expectation, rule } from '../model/options.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { SourceStatus } from '../model/status.ts';
import type { KeyValue, Rejected, ResyncReason } from '../model/values.ts';
import { deliveryDefaults, retryDefaults, type SourceConfig } from './config.ts';
import { Connection } from './connection.ts';
import { Delivery } from './delivery.ts';
import { areChanges, areEntries, isRevision } from './frameChecks.ts';
import {
  type Backend,
  type ChangesFrame,
  ContinuityLost,
  type Frame,
  type PageFrame,
  type ProgressFrame,
  type Settled,
  type SnapshotFrame,
} from './frames.ts';
import type { Held } from './heldMap.ts';
import type { View } from './pending.ts';
import { strongest } from './reasons.ts';
import { Requests } from './requests.ts';
import { Shadow, type Step } from './shadow.ts';
import { StatusBoard } from './statusBoard.ts';
import { Watched } from './watched.ts';

/**
 * One subscription: keeps a connection, folds its frames into the shadow, and says to the delivery what there is to tell.
 * It does not know which hand-over it serves.
 */
export class Loop<T, P> implements View<T> {
  readonly #backend: Backend<P>;
  readonly #config: SourceConfig<T>;
  readonly #subscriber: Subscriber<DatasyncEvent<T>>;
  readonly #counted: boolean;
  readonly #shadow: Shadow<T>;
  readonly #delivery: Delivery<T>;
  readonly #connection: Connection<P>;
  readonly #requests: Requests;
  readonly #board: StatusBoard;
  readonly #watched = new Watched();
  #closed = false;

  #position: P | undefined;
  /** The open connection has to end a listing before anything else. */
  #listing = false;
  /** Pages have come, and the snapshot that ends them has not. */
  #paging = false;
  /** The open connection has said something: a snapshot from now on is a difference. */
  #established = false;
  /** Why the next snapshot is a resync. */
  #reason: ResyncReason | undefined;
  /** The revision of the shadow: the store's, or our own count. */
  #revision = 0;
  /** Everything up to it has been sent, says the backend. */
  #progress = 0;

  constructor(
    backend: Backend<P>,
    config: SourceConfig<T> & { readonly codec: Codec<T> },
    subscriber: Subscriber<DatasyncEvent<T>>,
    subscription: number,
  ) {
    this.#backend = backend;
    this.#config = config;
    this.#subscriber = subscriber;
    this.#counted = backend.capabilities.revision === 'subscription';
    this.#shadow = new Shadow(config.codec, backend.name);
    this.#board = new StatusBoard(subscription, config.statusObserver);
    this.#delivery = new Delivery(this, subscriber, deliveryDefaults(config.delivery), {
      status: (cause) => this.#status(cause),
      settled: () => this.#requests.run(),
    });
    this.#connection = new Connection(backend, retryDefaults(config.retry), () => this.#delivery.ready(), {
      frame: (frame, handle) => this.#take(frame, handle),
      lost: (error, cause) => this.#lost(error, cause),
      reopen: () => this.#connect(),
      failed: (error) => this.#delivery.error(error),
      state: (state, cause) => this.#enter(state, cause),
    });
    // One listing runs, or one resync is open: requests wait for it.
    this.#requests = new Requests(
      () => this.#listing || this.#delivery.resyncIsOpen,
      () => this.#relist(),
    );
  }

  // The view of the delivery.
  get revision(): number {
    return this.#revision;
  }

  get prefixes(): readonly string[] {
    return this.#watched.shown;
  }

  get(key: string): Held<T> | undefined {
    return this.#shadow.get(key);
  }

  restore(key: string, good: KeyValue<T>): Held<T> {
    return this.#shadow.restore(key, good);
  }

  keys(): IterableIterator<string> {
    return this.#shadow.keys();
  }

  snapshot(): Snapshot<T> {
    return this.#shadow.snapshot();
  }

  rejected(): readonly Rejected<T>[] {
    return this.#shadow.rejected();
  }

  start(): void {
    // First of all: a synchronous source may be cut off before `start` returns.
    this.#subscriber.add(() => this.#close());
    const { resyncOn, prefixes } = this.#config;
    const nothing = (): void => undefined;
    // Before the first connection: its first resync may already make the consumer ask for another.
    if (resyncOn !== undefined)
      attach(this.#subscriber, resyncOn, { next: () => this.#request(), error: nothing, complete: nothing });
    if (!isObservable(prefixes)) return this.#want(prefixes);
    this.#status();
    attach(this.#subscriber, prefixes, {
      next: (list) => this.#want(list),
      error: (cause) => this.#misconfigured(`the Observable of 'prefixes' failed: ${reasonOf(cause)}`, cause),
      complete: nothing,
    });
  }

  #misconfigured(message: string, cause?: unknown): void {
    this.#delivery.error(new DatasyncError('INVALID_CONFIG', message, { cause, backend: this.#backend.name }));
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#shadow.discard();
    this.#connection.end();
    this.#requests.close();
    this.#delivery.close();
    this.#enter('closed');
  }

  // ---- prefixes ---------------------------------------------------------------------------------------------------

  #want(list: readonly string[]): void {
    if (this.#closed) return;
    if (!rule.texts[0](list))
      return this.#misconfigured(`each emission of 'prefixes' must be ${expectation(list, rule.texts)}`);
    const first = !this.#watched.isKnown;
    const news = this.#watched.want(list);
    if (news === 'nothing') return;
    const { cover } = this.#watched;
    if (cover.length === 0) this.#watchNothing(cover);
    else if (first) this.#connect();
    else if (news === 'keys') this.#watchOthers();
    else if (this.#delivery.revision !== undefined && !this.#listing && this.#watched.isShown) {
      this.#watched.show();
      this.#delivery.resync('prefixes', []);
    }
  }

  /** Without a connection there is no trouble. */
  #watchNothing(cover: readonly string[]): void {
    this.#disconnect();
    if (this.#watched.cover !== cover) return;
    this.#position = this.#reason = undefined;
    this.#listing = false;
    this.#requests.answered();
    this.#board.connected();
    this.#board.troubled(undefined);
    this.#enter('live');
    // Unless the observer of that state has changed them already.
    if (this.#watched.cover === cover) this.#tellKept();
  }

  #watchOthers(): void {
    // Nothing new to list: what is left can be told at once, and the watch goes on where it stands.
    const kept = this.#position !== undefined && this.#watched.missing.length === 0;
    this.#reason = kept ? undefined : strongest(this.#reason, 'prefixes');
    const waits = this.#board.state === 'backoff';
    if (!waits) this.#disconnect();
    if (kept) this.#tellKept();
    // A consumer that was told may have changed them again.
    if (!waits && this.#watched.cover.length > 0) this.#connect();
  }

  #tellKept(): void {
    this.#watched.show();
    const steps = this.#shadow.keepOnly(this.#watched.cover, this.#counted ? ++this.#revision : this.#revision);
    this.#delivery.resync('prefixes', steps);
  }

  // ---- the connection ---------------------------------------------------------------------------------------------

  #connect(): void {
    // Open: the teardown of the one before has changed the prefixes.
    if (this.#closed || this.#connection.isOpen) return;
    if (this.#position === undefined) {
      this.#watched.forget();
      this.#requests.answered();
    }
    const { cover, missing: added } = this.#watched;
    this.#listing = added.length > 0;
    this.#paging = this.#established = false;
    const { delivery } = this.#config;
    this.#connection.open({ prefixes: cover, added, from: this.#position, exact: delivery?.overflow === 'pause' });
  }

  #disconnect(): void {
    this.#shadow.discard();
    this.#connection.close();
  }

  /** The connection broke: what was staged is void, and the position too unless the store proves continuity. */
  #lost(error: unknown, cause: unknown): void {
    this.#shadow.discard();
    const told = this.#delivery.revision !== undefined;
    if (error instanceof ContinuityLost) this.#loseContinuity(error.reason);
    else if (this.#position === undefined || this.#config.resyncAfterReconnect === true)
      this.#loseContinuity('reconnected');
    if (told) this.#board.disconnected(cause);
  }

  #loseContinuity(reason: ResyncReason): void {
    this.#position = undefined;
    this.#reason = strongest(this.#reason, reason);
  }

  #take(frame: Frame<P>, connection: Subscription): void {
    // Nothing but the type says what a backend sends, so nothing is believed.
    switch ((frame as Frame<P> | undefined | null)?.type) {
      case 'page':
        return this.#takePage(frame as PageFrame, connection);
      case 'snapshot':
        return this.#takeSnapshot(frame as SnapshotFrame<P>, connection);
      case 'changes':
        return this.#takeChanges(frame as ChangesFrame<P>, connection);
      case 'progress':
        return this.#takeProgress(frame as ProgressFrame<P>, connection);
      default:
        return this.#broken('something that is no frame', undefined);
    }
  }

  #takePage(frame: PageFrame, connection: Subscription): void {
    if (!areEntries(frame.entries)) return this.#broken('a page with entries that are none', undefined);
    if (!this.#established && this.#board.state !== 'snapshotting') {
      this.#enter('snapshotting');
      if (connection.closed) return;
    }
    this.#paging = true;
    const revision = frame.revision ?? (this.#counted ? this.#revision + 1 : this.#revision);
    this.#shadow.stage(frame.entries, this.#watched.cover, revision);
  }

  #takeSnapshot(frame: SnapshotFrame<P>, connection: Subscription): void {
    const settled = frame.settled && guarded(frame.settled);
    const revision = this.#counted ? this.#revision + 1 : frame.revision;
    if (!isRevision(revision)) return this.#broken(`a snapshot at revision ${revision}`, settled);
    const isResync = !this.#established || frame.reason !== undefined;
    // A listing at the position where we stand may be older than what progress has said.
    const known = this.#position === undefined ? Math.max(this.#revision, this.#progress) : this.#revision;
    const wentBack = revision < known;
    if (wentBack && !isResync)
      return this.#broken(`a snapshot that goes back from revision ${known} to ${revision}`, settled);
    if (!this.#establish(connection)) return this.#forget(settled);

    const committed = this.#shadow.commit(frame.scope ?? this.#watched.cover, this.#watched.cover, revision);
    const asked = frame.reason === undefined ? (this.#reason ?? 'reconnected') : strongest(this.#reason, frame.reason);
    const reason = wentBack ? 'regressed' : asked;
    this.#position = frame.position;
    this.#watched.complete();
    this.#listing = this.#paging = false;
    if (isResync) {
      this.#revision = this.#progress = revision;
      this.#reason = undefined;
      this.#delivery.resync(reason, committed, settled);
      return;
    }
    const steps = committed === 'everything' ? this.#shadow.everything(revision) : committed;
    if (!this.#counted || steps.length > 0) this.#revision = this.#progress = revision;
    // What happened between two listings is not known.
    this.#change(steps, revision, true, settled);
  }

  #takeChanges(frame: ChangesFrame<P>, connection: Subscription): void {
    const settled = frame.settled && guarded(frame.settled);
    if (this.#listing || this.#paging) return this.#broken('changes before the snapshot', settled);
    if (!areChanges(frame.changes)) return this.#broken('changes that are none', settled);
    const revision = this.#counted ? this.#revision + 1 : frame.revision;
    if (!isRevision(revision)) return this.#broken(`changes at revision ${revision}`, settled);
    if (revision <= this.#revision) {
      const late = revision < this.#revision || this.#shadow.holds(frame.changes, this.#watched.cover);
      if (!late) return this.#broken(`other changes at revision ${revision}, which was told already`, settled);
      this.#board.dropped++;
      settled?.(outcomes.superseded);
      return;
    }
    if (!this.#counted && revision <= this.#progress)
      return this.#broken(`changes at revision ${revision}, after progress to ${this.#progress}`, settled);
    if (!this.#establish(connection)) return this.#forget(settled);

    const { steps, unknownDeletes } = this.#shadow.apply(frame.changes, this.#watched.cover, revision);
    this.#board.unknownDeletes += unknownDeletes;
    if (frame.position !== undefined) this.#position = frame.position;
    if (!this.#counted || steps.length > 0) this.#revision = revision;
    if (!this.#counted) this.#progress = revision;
    this.#change(steps, revision, frame.coalesced ?? false, settled);
  }

  #change(steps: readonly Step<T>[], revision: number, coalesced: boolean, settled: Settled | undefined): void {
    if (steps.length === 0) settled?.(outcomes.superseded);
    else this.#delivery.change({ revision, steps, coalesced, settled: settled === undefined ? [] : [settled] });
  }

  #takeProgress({ revision, position, stale }: ProgressFrame<P>, connection: Subscription): void {
    if (revision !== undefined && !this.#counted && !isRevision(revision))
      return this.#broken(`progress at revision ${String(revision)}`, undefined);
    if (stale !== undefined) {
      this.#board.troubled(stale ?? undefined);
      this.#status(stale ?? undefined);
      if (connection.closed) return;
    }
    // The position of a listing is that of its end.
    if (this.#listing || this.#paging || !this.#establish(connection)) return;
    if (revision !== undefined && !this.#counted && revision > this.#progress) this.#progress = revision;
    if (position !== undefined) this.#position = position;
    this.#delivery.heard();
  }

  /** The backend broke its contract: nothing it said on this connection is trusted. */
  #broken(what: string, settled: Settled | undefined): void {
    settled?.(outcomes.superseded);
    if (this.#closed) return;
    const backend = this.#backend.name;
    const message = `the backend sent ${what}; everything is read again`;
    const error = new DatasyncError('CONTRACT_BROKEN', message, { backend });
    this.#connection.over(new ContinuityLost('inconsistent', error.message, { cause: error }));
  }

  /** The frame that is being taken is from a connection that has just been given up. */
  #forget(settled: Settled | undefined): void {
    settled?.(this.#closed ? outcomes.cancelled : outcomes.superseded);
  }

  /**
   * The connection works. Said before its frame has any effect: the observer of that state may unsubscribe, ask for a
   * resync or change the prefixes.
   *
   * @returns whether the connection is still there
   */
  #establish(connection: Subscription): boolean {
    this.#established = true;
    if (this.#board.state !== 'live') {
      this.#connection.live();
      this.#board.connected();
      this.#enter('live');
    }
    return !connection.closed;
  }

  // ---- requests and status ----------------------------------------------------------------------------------------

  #request(): void {
    if (this.#closed || !this.#watched.isKnown) return;
    if (this.#board.state === 'backoff') this.#loseContinuity('requested');
    else this.#requests.ask();
  }

  #relist(): void {
    if (this.#watched.cover.length === 0) return this.#delivery.resync('requested', []);
    this.#loseContinuity('requested');
    if (this.#board.state === 'backoff') return;
    this.#disconnect();
    this.#connect();
  }

  #enter(state: SourceStatus['state'], cause?: unknown): void {
    this.#board.state = state;
    this.#status(cause);
  }

  #status(cause?: unknown): void {
    this.#board.tell(this.#delivery, this.#connection, cause);
  }
}
