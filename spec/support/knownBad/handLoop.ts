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
import { Ack, outcomes, settledWell } from '../../../lib/model/ack.ts';
import { own } from '../../../lib/model/events.ts';
import type { Change, KeyValue, ResyncDiff } from '../../../lib/model/values.ts';
import type { ChangesFrame, Frame, RawEntry, Settled, SnapshotFrame } from '../../../lib/source/frames.ts';
import { amended, Suspects } from '../../../lib/source/suspects.ts';
import { HandConnection } from './handConnection.ts';
import { BAD } from './tinyStore.ts';

/**
 * A source written by hand, as one would: list, watch, the same again after a break, and a failed resync once more.
 * It keeps the contract as far as the specs here go; each known-bad adapter overrides one method of it.
 */
export class HandLoop extends HandConnection {
  /** What was told, and what of it could not be decoded since. */
  told = new Map<string, KeyValue<string>>();
  readonly rejected = new Map<string, Rejected<string>>();
  revision = -1;
  suspects = new Suspects<string>();

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
