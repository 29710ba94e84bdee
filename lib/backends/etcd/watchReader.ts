import { type ChangesFrame, ContinuityLost, type ProgressFrame, type RawChange } from '../../source/frames.ts';
import { isUnder } from '../../source/prefixes.ts';
import { Alignment } from './alignment.ts';
import type { WatchAnswer } from './answers.ts';
import { entryAt, keyAt, unsafe } from './entries.ts';
import type { KeyEncoding } from './keys.ts';
import { type EtcdPosition, type Witness, withWitness, witnessOf } from './position.ts';
import { safe } from './wire.ts';

export type WatchFrame = ChangesFrame<EtcdPosition> | ProgressFrame<EtcdPosition>;

/** What is watched, and how. */
export interface Watching {
  readonly prefixes: readonly string[];
  readonly from: EtcdPosition;
  readonly encoding: KeyEncoding;
  /**
   * `span`: one watch over a range that holds all prefixes. So the keys of a transaction come together whichever prefixes they are
   * under, at no cost in time; what lies between the prefixes comes too, and is left out here. `each`: a watch per prefix, with
   * nothing in between; a change is told when all of them have been heard, a round trip later. Only with `ordersProgress`.
   */
  readonly watch: 'span' | 'each';
  /** Whether the stream, asked how far it is, answers behind all events up to that revision (since 3.4.25 and 3.5.8). */
  readonly ordersProgress: boolean;
}

/** Makes frames of the messages of one stream: one per revision, whichever watches its keys came by. */
export class WatchReader {
  readonly #watching: Watching;
  #revision: number;
  #witnesses: readonly Witness[];
  /** Of several watches. */
  readonly #alignment: Alignment | undefined;
  #created = 0;

  constructor(watching: Watching) {
    const { watch, prefixes, from } = watching;
    this.#watching = watching;
    this.#revision = from.revision;
    this.#witnesses = from.witnesses;
    if (watch === 'each' && prefixes.length > 1) this.#alignment = new Alignment(prefixes.length, from.revision);
  }

  /** How many watches there are. */
  get watches(): number {
    return this.#alignment === undefined ? 1 : this.#watching.prefixes.length;
  }

  /** All of them stand. */
  get stands(): boolean {
    return this.#created === this.watches;
  }

  /**
   * Whether changes wait until the stream is asked how far it is: a watch that is silent may have nothing to say. It is no use to
   * ask before all watches stand: the server answers for those it knows.
   */
  get isWaiting(): boolean {
    return this.stands && this.#alignment?.isWaiting === true;
  }

  /** Everything up to it has been told. */
  get position(): EtcdPosition {
    const { cluster, term } = this.#watching.from;
    return { revision: this.#revision, cluster, term, witnesses: this.#witnesses };
  }

  *frames(answer: WatchAnswer): Generator<WatchFrame, undefined> {
    if (answer.canceled) throw canceled(answer);
    if (answer.created) {
      this.#created++;
      if (this.stands) yield this.#progress();
    } else if (answer.watch === undefined && !(this.#watching.ordersProgress && this.stands)) {
      // It came ahead of events, or of a watch whose events are still to come: its revision says nothing.
      yield { type: 'progress' };
    } else if (this.#alignment !== undefined) yield* this.#aligned(answer, this.#alignment);
    else if (answer.hasEvents) yield* this.#changesOf(answer);
    else {
      this.#passes(answer.revision);
      yield this.#progress();
    }
  }

  *#aligned(answer: WatchAnswer, alignment: Alignment): Generator<WatchFrame, undefined> {
    const { cursor } = answer;
    const watch = answer.watch === undefined ? undefined : answer.watch - 1;
    let last = answer.hasEvents ? 0 : answer.revision;
    for (let op = answer.next(); op !== undefined; op = answer.next()) {
      last = cursor.modified;
      if (alignment.hasHeard(watch!, last)) continue;
      const change = this.#change(answer, op);
      alignment.add(change, last, 'value' in change ? witnessOf(change.key, cursor) : undefined);
    }
    alignment.hear(last, watch);
    for (const { revision, changes, witnesses } of alignment.take()) yield this.#changes(changes, revision, witnesses);
    this.#passes(alignment.revision);
    yield this.#progress();
  }

  *#changesOf(answer: WatchAnswer): Generator<WatchFrame, undefined> {
    const { prefixes, encoding } = this.#watching;
    const { cursor, message } = answer;
    const filters = prefixes.length > 1;
    let changes: RawChange[] = [];
    let witnesses: Witness[] = [];
    let last = 0;
    for (let op = answer.next(); op !== undefined; op = answer.next()) {
      const revision = cursor.modified;
      // A member that lags behind sends what was told already.
      if (revision <= this.#revision) continue;
      if (revision !== last) {
        if (changes.length > 0) yield this.#changes(changes, last, witnesses);
        changes = [];
        witnesses = [];
        last = revision;
      }
      if (filters && !isUnder(keyAt(message, cursor, encoding), prefixes)) continue;
      const change = this.#change(answer, op);
      changes.push(change);
      if ('value' in change) witnesses.push(witnessOf(change.key, cursor));
    }
    if (changes.length > 0) yield this.#changes(changes, last, witnesses);
    else if (last > this.#revision) {
      // Others go on under their keys, and the history may be compacted behind them.
      this.#passes(last);
      yield this.#progress();
    }
    return undefined;
  }

  #change({ cursor, message }: WatchAnswer, op: 'put' | 'delete'): RawChange {
    const { encoding } = this.#watching;
    if (op === 'put') return { op, ...entryAt(message, cursor, encoding, true) };
    return { op, key: keyAt(message, cursor, encoding), revision: cursor.modified };
  }

  #changes(changes: readonly RawChange[], revision: number, put: readonly Witness[]): WatchFrame {
    this.#passes(revision);
    // What they say of a key that is changed now is no longer true.
    this.#witnesses = this.#witnesses.filter((witness) => !changes.some(({ key }) => key === witness.key));
    for (const witness of put) this.#witnesses = withWitness(this.#witnesses, witness);
    return { type: 'changes', changes, revision, position: this.position };
  }

  #progress(): WatchFrame {
    return { type: 'progress', revision: this.#revision, position: this.position };
  }

  #passes(revision: number): void {
    if (!safe(revision)) throw unsafe(revision);
    this.#revision = Math.max(this.#revision, revision);
  }
}

function canceled({ compacted, reason }: WatchAnswer): Error {
  if (compacted > 0) return new ContinuityLost('compacted', `the history before revision ${compacted} is compacted`);
  return new Error(reason === '' ? 'the server cancelled the watch without a reason' : reason);
}
