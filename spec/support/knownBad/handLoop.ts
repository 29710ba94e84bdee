import { type Observable, type Subscriber, Subscription, timer } from 'rxjs';
import {
  ChangeEvent,
  DatasyncError,
  type DatasyncEvent,
  type Outcome,
  type Rejected,
  ResyncEvent,
  type ResyncReason,
  Snapshot,
  textCodec,
} from '../../../lib/index.ts';
import { connect } from '../../../lib/internal/connect.ts';
import { Ack, outcomes, settledWell } from '../../../lib/model/ack.ts';
import { own } from '../../../lib/model/events.ts';
import type { Change, KeyValue, ResyncDiff } from '../../../lib/model/values.ts';
import {
  type Backend,
  type ChangesFrame,
  ContinuityLost,
  FatalError,
  type Frame,
  type RawEntry,
  type Settled,
  type SnapshotFrame,
} from '../../../lib/source/frames.ts';
import { amended, Suspects } from '../../../lib/source/suspects.ts';
import { BAD } from './tinyStore.ts';

/**
 * A source written by hand, as one would: list, watch, the same again after a break, and a failed resync once more.
 * It keeps the contract as far as the specs here go; each known-bad adapter overrides one method of it.
 */
export class HandLoop {
  readonly backend: Backend;
  readonly subscriber: Subscriber<DatasyncEvent<string>>;
  prefixes: readonly string[];
  epoch = 0;
  position: unknown;
  reason: ResyncReason = 'initial';
  pages: RawEntry[] = [];
  connection = new Subscription();
  /** What was told, and what of it could not be decoded since. */
  told = new Map<string, KeyValue<string>>();
  readonly rejected = new Map<string, Rejected<string>>();
  revision = -1;
  /** Connections that broke since the last listing. */
  failures = 0;
  /** The resync that has not been settled, and what waits for it. */
  openResync: Ack | undefined;
  due: ResyncReason | undefined;
  readonly open = new Set<Ack>();
  suspects = new Suspects<string>();

  constructor(backend: Backend, subscriber: Subscriber<DatasyncEvent<string>>, prefixes: readonly string[] = ['']) {
    this.backend = backend;
    this.subscriber = subscriber;
    this.prefixes = prefixes;
    subscriber.add(() => this.close());
  }

  close(): void {
    this.connection.unsubscribe();
    for (const ack of [...this.open]) ack.force(outcomes.cancelled);
  }

  connect(): void {
    const from = this.position;
    const added = from === undefined ? this.prefixes : [];
    this.forgetPages();
    this.connection = new Subscription();
    const { connection } = this;
    const frames = this.backend.open({
      prefixes: this.prefixes,
      added,
      from,
      ready: () => timer(0) as Observable<never>,
    });
    connect(
      frames,
      {
        next: (frame) => this.take(frame),
        error: (error: unknown) => this.broken(error),
        complete: () => this.broken(new Error('completed')),
      },
      connection,
    );
  }

  /** A listing begins: what an earlier one had brought does not count. */
  forgetPages(): void {
    this.pages = [];
  }

  broken(error: unknown): void {
    if (error instanceof FatalError) {
      this.subscriber.error(new DatasyncError('FATAL', error.message, { cause: error }));
      return;
    }
    if (error instanceof ContinuityLost) this.forget(error.reason);
    else if (this.position === undefined && this.epoch > 0) this.reason = 'reconnected';
    const { connection } = this;
    const pause = Math.min(100 * 2 ** Math.max(0, this.failures++ - 1), 400);
    this.later(pause, () => {
      // Unless somebody has made another one meanwhile.
      if (this.connection === connection) this.connect();
    });
  }

  /** Everything has to be read again. */
  forget(reason: ResyncReason): void {
    this.position = undefined;
    this.reason = reason;
  }

  later(ms: number, action: () => void): void {
    this.subscriber.add(timer(ms).subscribe(action));
  }

  /** Somebody asks for a resync. */
  request(): void {
    if (this.openResync !== undefined) {
      this.due = 'requested';
      return;
    }
    this.relist('requested');
  }

  /** Other prefixes from now on. */
  rewatch(prefixes: readonly string[]): void {
    this.prefixes = prefixes;
    this.relist('prefixes');
  }

  relist(reason: ResyncReason): void {
    this.connection.unsubscribe();
    this.forget(reason);
    this.connect();
  }

  take(frame: Frame): void {
    const { connection } = this;
    if (frame.type === 'page') this.pages.push(...frame.entries);
    if (frame.type === 'snapshot') this.takeSnapshot(frame);
    if (frame.type === 'changes') this.takeChanges(frame);
    // Nothing that an older connection said.
    if (this.connection !== connection) return;
    if ('position' in frame && frame.position !== undefined) this.position = frame.position;
  }

  // ---- what becomes of a listing ----------------------------------------------------------------------------------

  takeSnapshot({ revision = 0, settled }: SnapshotFrame<unknown>): void {
    const entries = this.pages.filter(({ key }) => this.watches(key));
    this.pages = [];
    const items = this.goodOf(entries, revision);
    this.failures = 0;
    this.tellResync(this.reasonAt(revision), items, revision, settled);
  }

  reasonAt(revision: number): ResyncReason {
    if (revision < this.revision) return 'regressed';
    // A connection that was to go on may list everything all the same.
    return this.epoch > 0 && this.reason === 'initial' ? 'reconnected' : this.reason;
  }

  watches(key: string): boolean {
    return this.prefixes.some((prefix) => key.startsWith(prefix));
  }

  /** What can be decoded, and the last good value of what cannot. */
  goodOf(entries: readonly RawEntry[], revision: number): KeyValue<string>[] {
    this.rejected.clear();
    return entries.flatMap((entry) => this.decode(entry, revision) ?? this.reject(entry.key).good ?? []);
  }

  decode(entry: RawEntry, revision: number): KeyValue<string> | undefined {
    const { key } = entry;
    const value = 'value' in entry ? textCodec.decode(entry.value, key) : BAD;
    return value === BAD ? undefined : { key, value, revision: entry.revision ?? revision };
  }

  reject(key: string): { rejected: Rejected<string>; good: KeyValue<string> | undefined } {
    const good = this.told.get(key);
    const error = new DatasyncError('DECODE_FAILED', 'bad', { key });
    const rejected = { key, raw: undefined, error, ...(good === undefined ? {} : { lastGood: good.value }) };
    this.rejected.set(key, rejected);
    return { rejected, good };
  }

  tellResync(reason: ResyncReason, items: readonly KeyValue<string>[], revision: number, settled?: Settled): void {
    const diff = this.diff(items);
    this.told = new Map(items.map((item) => [item.key, item]));
    this.revision = revision;
    this.due = undefined;
    const rejected = [...this.rejected.values()];
    const event = new ResyncEvent({
      epoch: ++this.epoch,
      revision,
      reason,
      prefixes: this.prefixes,
      entries: new Snapshot(items),
      diff,
      rejected,
    });
    this.sendResync(event, settled);
  }

  diff(items: readonly KeyValue<string>[]): ResyncDiff<string> {
    const now = new Set(items.map(({ key }) => key));
    return {
      added: items.filter(({ key }) => !this.told.has(key)),
      changed: items
        .filter((item) => this.isNews(item))
        .map((item) => ({ ...item, prevValue: this.told.get(item.key)!.value })),
      removed: [...this.told.values()]
        .filter(({ key }) => !now.has(key))
        .map(({ key, value }) => ({ key, prevValue: value })),
    };
  }

  isNews({ key, revision }: KeyValue<string>): boolean {
    const before = this.told.get(key);
    return before !== undefined && before.revision !== revision;
  }

  sendResync(plain: ResyncEvent<string>, settled?: Settled): void {
    const { event, clear } = this.amended(plain);
    this.send(event, settled, (outcome) => {
      if (this.subscriber.closed) return;
      if (settledWell(outcome)) clear();
      else {
        this.suspects.add(event);
        this.again();
      }
      if (this.due !== undefined) this.relist(this.due);
    });
  }

  amended(event: ResyncEvent<string>): { event: ResyncEvent<string>; clear: () => void } {
    return amended(event, this.suspects);
  }

  /** A failed resync once more, from memory. */
  again(): void {
    const { epoch } = this;
    this.later(20, () => {
      if (this.epoch === epoch && this.openResync === undefined)
        this.tellResync('nacked', [...this.told.values()], this.revision);
    });
  }

  // ---- what becomes of changes ------------------------------------------------------------------------------------

  takeChanges({ changes: raw, revision = 0, settled }: ChangesFrame<unknown>): void {
    const changes: Change<string>[] = [];
    const bad: Rejected<string>[] = [];
    for (const change of raw) {
      const { key } = change;
      if (!this.watches(key)) continue;
      const item = change.op === 'put' ? this.decode(change, revision) : undefined;
      if (change.op === 'put' && item === undefined) {
        bad.push(this.reject(key).rejected);
        continue;
      }
      this.rejected.delete(key);
      const prevValue = this.previous(key);
      if (item === undefined) changes.push({ op: 'delete', key, prevValue, revision: this.deletedAt(key, revision) });
      else changes.push({ op: 'put', key, value: item.value, prevValue, revision: item.revision });
      this.note(key, item);
    }
    if (changes.length + bad.length === 0) settled?.(outcomes.superseded);
    else this.tellChange(changes, bad, revision, settled);
  }

  previous(key: string): string | undefined {
    return this.told.get(key)?.value;
  }

  deletedAt(_key: string, revision: number): number {
    return revision;
  }

  note(key: string, item: KeyValue<string> | undefined): void {
    if (item === undefined) this.told.delete(key);
    else this.told.set(key, item);
  }

  tellChange(
    changes: readonly Change<string>[],
    rejected: readonly Rejected<string>[],
    revision: number,
    settled?: Settled,
  ): void {
    this.revision = revision;
    const event = new ChangeEvent({ epoch: this.epoch, revision, changes, rejected, coalesced: false });
    this.send(event, settled, (outcome) => {
      if (this.subscriber.closed || settledWell(outcome) || outcome.type === 'superseded') return;
      this.suspects.add(event);
      this.react();
    });
  }

  /** A change failed. */
  react(): void {
    this.again();
  }

  /** Sends an event with an ack; the frame is told first, then we react. */
  send(event: DatasyncEvent<string>, settled: Settled | undefined, react: (outcome: Outcome) => void): Ack {
    const ack: Ack = new Ack({
      settled: (outcome) => {
        this.open.delete(ack);
        if (this.openResync === ack) this.openResync = undefined;
        this.settle(settled, outcome);
        react(outcome);
      },
      failedLate: (outcome) => react(outcome),
      late: () => undefined,
    });
    this.open.add(ack);
    if (event.type === 'resync') this.openResync = ack;
    this.subscriber.next(own(event, ack));
    ack.release();
    return ack;
  }

  settle(settled: Settled | undefined, outcome: Outcome): void {
    settled?.(outcome);
  }
}
