import type { Observable } from 'rxjs';
import { checkKey, checkPut } from '../../broker/checks.ts';
import { appended } from '../../internal/appended.ts';
import { cold } from '../../internal/cold.ts';
import type { PutOptions, RawWrite } from '../../model/broker.ts';
import { DatasyncError } from '../../model/errors.ts';
import { checkArgument, checkOptions, type Leaf, rule, withMethods } from '../../model/options.ts';
import type { KeyValue } from '../../model/values.ts';
import { ContinuityLost, type RawChange } from '../../source/frames.ts';
import { isUnder } from '../../source/prefixes.ts';
import { CommitReport, type Member } from './commits.ts';
import { Expiries } from './expiries.ts';
import { Feed, type Follower, type MemoryPosition, type MemoryRecord } from './feed.ts';

export type { MemoryPosition } from './feed.ts';

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** How many revisions back a watch can resume and the past can be listed; older ones are compacted. Default: 1,000. */
  readonly history?: number;
}

/**
 * A store in this process: a Map of raw bytes with a revision that counts transactions, and a log of the last ones.
 * It is what the other backends are compared with, so its rules are the plainest there are:
 *
 * - every transaction that changes something has the next revision; all its changes have it too;
 * - the same key twice in a transaction: the last write wins; a put of the value that is there counts, a delete of a
 *   missing key does not;
 * - a key that outlives its `ttl` is deleted, each in a transaction of its own;
 * - a write is told before it returns, to all in the order they came; a write made while another one is being told is
 *   told after it, to everybody.
 *
 * Values are copied when they are put and never written to afterwards; do not write to what you get.
 */
export class MemoryStore {
  /** @internal */
  readonly history: number;
  #entries = new Map<string, KeyValue<Uint8Array>>();
  #position: MemoryPosition = { identity: {}, revision: 0 };
  /** What is older counts as gone. */
  #compacted = 0;
  #log: MemoryRecord[] = [];
  /** The log starts after this revision. */
  #logStart = 0;

  readonly #feed = new Feed();
  readonly #expiries = new Expiries((key) => this.apply([{ op: 'delete', key }]));
  readonly #members = new Set<Member>();
  #subscribers = 0;

  constructor(options: MemoryStoreOptions = {}) {
    checkOptions('memoryStore', options, { history: rule.positive });
    this.history = options.history ?? 1_000;
  }

  /** How many transactions there were since the store was made or wiped. */
  get revision(): number {
    return this.#position.revision;
  }

  /** The oldest revision a watch can resume from, and whose state can be listed. */
  get compacted(): number {
    return this.#compacted;
  }

  /** How many keys there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a key; `undefined`: it is absent. */
  get(key: string): KeyValue<Uint8Array> | undefined {
    return this.#entries.get(key);
  }

  /**
   * All entries whose key starts with `prefix`, sorted by key.
   *
   * @param at a revision of the past; default: now
   * @throws ContinuityLost where that revision has been compacted
   */
  entries(prefix = '', at: number = this.revision): KeyValue<Uint8Array>[] {
    return [...this.list([prefix], { ...this.#position, revision: at })].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * With a `ttl` a timer waits for the end of the key, also when nobody watches: until then a program does not end by
   * itself, unless the key is deleted, put without one, or the store wiped.
   *
   * @returns the revision of the write
   */
  put(key: string, value: Uint8Array, options: PutOptions = {}): number {
    return this.apply([{ op: 'put', key, value, ...options }]);
  }

  /** @returns whether there was such a key */
  delete(key: string): boolean {
    const { revision } = this;
    return this.apply([{ op: 'delete', key }]) > revision;
  }

  /**
   * Writes everything at once, as one revision.
   *
   * @returns the store's revision then; the one before where nothing changed
   */
  apply(writes: readonly RawWrite[]): number {
    return this.#write(writes, () => undefined);
  }

  /** Forgets the log up to a revision: a watch cannot resume, and a state cannot be listed, that is older. Default: all of it. */
  compact(revision: number = this.revision): void {
    checkOptions('compact', { revision }, { revision: rule.count });
    const to = Math.min(revision, this.revision);
    if (to <= this.#compacted) return;
    this.#compacted = to;
    this.#trim();
  }

  /** Empties the store as if its disk had been replaced: revision 0, and whoever watches has lost its place. */
  wipe(): void {
    this.#entries = new Map();
    this.#position = { identity: {}, revision: 0 };
    this.#compacted = this.#logStart = 0;
    this.#log = [];
    this.#expiries.clearAll();
    this.#feed.end(regressed());
  }

  /** @internal */
  get position(): MemoryPosition {
    return this.#position;
  }

  /**
   * Everything under some prefixes, in no order.
   * @internal
   */
  *list(prefixes: readonly string[], at: MemoryPosition = this.#position): Generator<KeyValue<Uint8Array>> {
    for (const entry of this.#stateAt(at).values()) if (isUnder(entry.key, prefixes)) yield entry;
  }

  /**
   * Every transaction after a position, past and future.
   * @internal
   */
  records(from: MemoryPosition): Observable<MemoryRecord> {
    return cold((subscriber) => {
      const follower: Follower = { subscriber, at: from.revision };
      subscriber.add(() => this.#feed.delete(follower));
      // What is written meanwhile goes to the log: it joins the others only when nothing is left.
      while (!subscriber.closed) {
        const lost = this.#lost({ identity: from.identity, revision: follower.at });
        if (lost !== undefined) subscriber.error(lost);
        else if (follower.at === this.revision) break;
        else subscriber.next(this.#log[follower.at++ - this.#logStart]!);
      }
      if (!subscriber.closed) this.#feed.add(follower);
    });
  }

  /**
   * As {@link MemoryStore.apply}, and asks every member that watches one of the keys for its word.
   * @internal
   */
  commit(writes: readonly RawWrite[]): { readonly revision: number; readonly report: CommitReport } {
    const report = new CommitReport();
    const revision = this.#write(writes, (record) => {
      for (const member of this.#members) if (member.watches(record)) member.expect(record, report.expect(member.name));
    });
    return { revision, report };
  }

  /**
   * A name for one more subscriber.
   * @internal
   */
  nextSubscriber(): string {
    return `subscriber-${++this.#subscribers}`;
  }

  /** @internal */
  join(member: Member): () => void {
    this.#members.add(member);
    return () => {
      this.#members.delete(member);
      member.leave();
    };
  }

  #write(writes: readonly RawWrite[], recorded: (record: MemoryRecord) => void): number {
    for (const write of writes) check(write);
    const last = writes.length < 2 ? writes : new Map(writes.map((write) => [write.key, write])).values();
    const position = { identity: this.#position.identity, revision: this.revision + 1 };
    const { revision } = position;
    let changes: RawChange[] | undefined;
    let before: (KeyValue<Uint8Array> | undefined)[] | undefined;
    for (const write of last) {
      const { key } = write;
      const held = this.#entries.get(key);
      if (write.op === 'put') {
        // Not `slice`: that of a Buffer shares its memory.
        const value = new Uint8Array(write.value);
        this.#entries.set(key, { key, value, revision });
        if (write.ttl === undefined) this.#expiries.clear(key);
        else this.#expiries.set(key, write.ttl);
        changes = appended(changes, { op: 'put', key, value, revision });
      } else if (this.#entries.delete(key)) {
        this.#expiries.clear(key);
        changes = appended(changes, { op: 'delete', key, revision });
      } else continue;
      before = appended(before, held);
    }
    if (changes === undefined || before === undefined) return this.revision;
    this.#position = position;
    const record = { position, changes, before };
    this.#compacted = Math.max(this.#compacted, revision - this.history);
    // Not with each write: that would move the whole log each time.
    if (this.#log.push(record) > 2 * this.history) this.#trim();
    recorded(record);
    this.#feed.tell(record);
    return revision;
  }

  #trim(): void {
    this.#log = this.#log.slice(this.#compacted - this.#logStart);
    this.#logStart = this.#compacted;
  }

  #lost({ identity, revision }: MemoryPosition): ContinuityLost | undefined {
    if (identity !== this.#position.identity || revision > this.revision) return regressed();
    if (revision >= this.#compacted) return undefined;
    return new ContinuityLost(
      'compacted',
      `revision ${revision} is gone: the store was compacted up to ${this.#compacted}`,
    );
  }

  /** Undoes what happened since. */
  #stateAt(at: MemoryPosition): ReadonlyMap<string, KeyValue<Uint8Array>> {
    const lost = this.#lost(at);
    if (lost !== undefined) throw lost;
    if (at.revision === this.revision) return this.#entries;
    const state = new Map(this.#entries);
    for (let i = this.#log.length - 1; i >= at.revision - this.#logStart; i--) {
      const { changes, before } = this.#log[i]!;
      changes.forEach(({ key }, index) => {
        const held = before[index];
        if (held === undefined) state.delete(key);
        else state.set(key, held);
      });
    }
    return state;
  }
}

/**
 * A store in this process: the local transport between parts of one program, and the model of all other stores.
 *
 * @param options see {@link MemoryStoreOptions}
 * @returns an empty store at revision 0
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options);
}

/** @throws DatasyncError `INVALID_CONFIG` where it is no memory store */
export function checkStore(where: string, store: unknown): void {
  checkArgument(where, 'store', store, storeRule);
}

// Not `instanceof`: a program may hold this package twice. Nor is it said which method is missing: nobody writes one.
const storeRule: Leaf = [
  withMethods('', 'apply', 'commit', 'records', 'join')[0],
  'a memory store, made by memoryStore()',
];

function regressed(): ContinuityLost {
  return new ContinuityLost('regressed', 'the store was wiped, or is another one');
}

// Before anything is written: a transaction is all or nothing.
function check(write: RawWrite): void {
  checkKey(write.key, 'memory');
  if (write.op !== 'put') return;
  if (!(write.value instanceof Uint8Array)) {
    const message = `the value of ${JSON.stringify(write.key)} must be bytes (Uint8Array); use memoryBroker for typed values`;
    throw new DatasyncError('ENCODE_FAILED', message, { backend: 'memory', key: write.key });
  }
  if (write.ttl !== undefined) checkPut('put', { ttl: write.ttl });
  if (write.lifetime === undefined) return;
  throw new DatasyncError('UNSUPPORTED', 'put with lifetime: the store ends with the program of its clients', {
    backend: 'memory',
    key: write.key,
  });
}
