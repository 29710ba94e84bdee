import type { Observable, Subscriber } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { attach } from '../../internal/connect.ts';
import { type ChangesFrame, ContinuityLost, type ProgressFrame, type RawChange } from '../../source/frames.ts';
import { isUnder } from '../../source/prefixes.ts';
import type { Link, WatchStream } from './access.ts';
import { entryAt, keyAt, unsafe } from './entries.ts';
import { type KeyEncoding, prefixRange, spanOf } from './keys.ts';
import { type EtcdPosition, type Witness, witnessOf } from './position.ts';
import { encodeMessage, safe, WatchAnswer } from './wire.ts';

/** Events that are read in one go: then other work gets its turn. */
const slice = 2_000;

export type WatchFrame = ChangesFrame<EtcdPosition> | ProgressFrame<EtcdPosition>;

/** What a watch needs. */
export interface WatchRequest {
  readonly link: Link;
  readonly prefixes: readonly string[];
  readonly from: EtcdPosition;
  readonly encoding: KeyEncoding;
  /** Emits once and completes when there is room: asked before each frame of changes. `undefined`: there always is. */
  readonly room: (() => Observable<void>) | undefined;
  /** Told when the server has begun to watch. */
  readonly standing: (watch: RunningWatch) => void;
}

/** A watch as its connection sees it. */
export interface RunningWatch {
  /** Up to it everything has been told. */
  readonly position: EtcdPosition;
  /** Nothing is read, for want of room. */
  readonly isWaiting: boolean;
  /** Has the server say that it is alive; it does so by a frame of progress. */
  ask(): void;
}

/**
 * Everything after a position, one frame per revision. One watch over a range that holds all prefixes: so the keys of a
 * transaction come together, whichever prefixes they are under. What lies between the prefixes is left out here.
 */
export function watched(request: WatchRequest): Observable<WatchFrame> {
  return cold((subscriber) => {
    const fail = (error: unknown): void => {
      // Closed, it is most likely the word that it was given up.
      if (!subscriber.closed) subscriber.error(error);
    };
    request.link.watch().then((stream) => {
      stream.on('error', fail);
      stream.on('end', () => fail(new Error('the server ended the stream')));
      if (subscriber.closed) stream.cancel();
      else new Watch(request, stream, subscriber).start();
    }, fail);
  });
}

class Watch implements RunningWatch {
  readonly #request: WatchRequest;
  readonly #stream: WatchStream;
  readonly #subscriber: Subscriber<WatchFrame>;
  #revision: number;
  isWaiting = false;
  #witness: Witness | undefined;
  /** Came, and has not been read. */
  readonly #messages: Buffer[] = [];
  #frames: Iterator<WatchFrame, undefined> | undefined;
  #isReading = false;
  /** Reading goes on later. */
  #isHeld = false;

  constructor(request: WatchRequest, stream: WatchStream, subscriber: Subscriber<WatchFrame>) {
    this.#request = request;
    this.#stream = stream;
    this.#subscriber = subscriber;
    this.#revision = request.from.revision;
    this.#witness = request.from.witness;
  }

  start(): void {
    const { prefixes, encoding } = this.#request;
    this.#subscriber.add(() => this.#stream.cancel());
    this.#stream.on('data', (message: Buffer) => {
      this.#messages.push(message);
      this.#read();
    });
    const { start, end } = spanOf(prefixes.map((prefix) => prefixRange(prefix, encoding)));
    // Never `prev_kv`: it costs the server a factor of ten and more. Nor fragments: a revision stays in one message.
    this.#write({ 1: encodeMessage({ 1: start, 2: end, 3: this.#revision + 1, 4: true }) });
  }

  get position(): EtcdPosition {
    const { cluster, term } = this.#request.from;
    return { revision: this.#revision, cluster, term, witness: this.#witness };
  }

  ask(): void {
    if (!this.#subscriber.closed) this.#write({ 3: new Uint8Array() });
  }

  #write(message: Parameters<typeof encodeMessage>[0]): void {
    this.#stream.write(Buffer.from(encodeMessage(message)));
  }

  #read(): void {
    if (this.#isReading || this.#isHeld) return;
    this.#isReading = true;
    try {
      this.#isHeld = this.#tellAll();
    } catch (error) {
      if (!this.#subscriber.closed) this.#subscriber.error(error);
    }
    this.#isReading = false;
    if (this.#subscriber.closed) return;
    // What is not read stays with the server, which then keeps it in its history.
    if (this.#isHeld) this.#stream.pause();
    else if (this.#stream.isPaused()) this.#stream.resume();
  }

  #goOn(): void {
    this.#isHeld = false;
    if (!this.#subscriber.closed) this.#read();
  }

  /** @returns whether it stopped before everything that came was told */
  #tellAll(): boolean {
    for (let events = 0; !this.#subscriber.closed; ) {
      const frame = this.#next();
      if (frame === undefined) return false;
      if (frame.type === 'changes') {
        events += frame.changes.length;
        if (!this.#hasRoom(frame)) return true;
      }
      this.#subscriber.next(frame);
      if (events < slice) continue;
      const turn = setImmediate(() => this.#goOn());
      this.#subscriber.add(() => clearImmediate(turn));
      return true;
    }
    return false;
  }

  /** Where there is none, the frame is told as soon as there is, and reading goes on. */
  #hasRoom(frame: WatchFrame): boolean {
    const { room } = this.#request;
    if (room === undefined) return true;
    let isAsking = true;
    let isNow = false;
    attach(this.#subscriber, room(), {
      next: () => {
        if (isAsking) {
          isNow = true;
          return;
        }
        this.isWaiting = false;
        this.#subscriber.next(frame);
        this.#goOn();
      },
      error: (error) => this.#subscriber.error(error),
      complete: () => undefined,
    });
    isAsking = false;
    this.isWaiting = !isNow;
    return isNow;
  }

  #next(): WatchFrame | undefined {
    for (;;) {
      if (this.#frames === undefined) {
        const message = this.#messages.shift();
        if (message === undefined) return undefined;
        this.#frames = this.#framesOf(new WatchAnswer(message));
      }
      const { value } = this.#frames.next();
      if (value !== undefined) return value;
      this.#frames = undefined;
    }
  }

  *#framesOf(answer: WatchAnswer): Generator<WatchFrame, undefined> {
    if (answer.canceled) throw canceled(answer);
    if (answer.created) {
      this.#request.standing(this);
      yield this.#progress();
    } else if (answer.watch === undefined) {
      // An answer to `ask`. Servers before 3.4.25 and 3.5.8 send it ahead of events: its revision says nothing.
      yield { type: 'progress' };
    } else if (answer.hasEvents) yield* this.#changesOf(answer);
    else {
      this.#passes(answer.revision);
      yield this.#progress();
    }
  }

  *#changesOf(answer: WatchAnswer): Generator<WatchFrame, undefined> {
    const { prefixes, encoding } = this.#request;
    const { cursor, message } = answer;
    const filters = prefixes.length > 1;
    let changes: RawChange[] = [];
    let last = 0;
    for (let op = answer.next(); op !== undefined; op = answer.next()) {
      const revision = cursor.modified;
      // A member that lags behind sends what was told already.
      if (revision <= this.#revision) continue;
      if (revision !== last) {
        if (changes.length > 0) yield this.#changes(changes, last);
        changes = [];
        last = revision;
      }
      const key = keyAt(message, cursor, encoding);
      if (filters && !isUnder(key, prefixes)) continue;
      if (op === 'delete') {
        changes.push({ op, key, revision });
        if (key === this.#witness?.key) this.#witness = undefined;
        continue;
      }
      const entry = entryAt(message, cursor, encoding, true);
      changes.push({ op, ...entry });
      if ('value' in entry) this.#witness = witnessOf(key, cursor);
    }
    if (changes.length > 0) yield this.#changes(changes, last);
    else if (last > this.#revision) {
      // Others go on under their keys, and the history may be compacted behind them.
      this.#passes(last);
      yield this.#progress();
    }
    return undefined;
  }

  #changes(changes: readonly RawChange[], revision: number): WatchFrame {
    this.#passes(revision);
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
