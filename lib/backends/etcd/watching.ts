import { type Observable, type Subscriber, type Subscription, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { attach } from '../../internal/connect.ts';
import { DatasyncError } from '../../model/errors.ts';
import type { Link, WatchStream } from './access.ts';
import { WatchAnswer } from './answers.ts';
import { type KeyRange, prefixRange, spanOf } from './keys.ts';
import type { Patience } from './patience.ts';
import type { EtcdPosition } from './position.ts';
import { type WatchFrame, type Watching, WatchReader } from './watchReader.ts';
import { encodeMessage } from './wire.ts';

/** Events that are read in one go: then other work gets its turn. */
const slice = 2_000;
/** Milliseconds after which a stream that still reads up what was missed, and does not answer, is asked again. */
const askAgain = 50;

/** How far the stream is. */
const question = { 3: new Uint8Array() };

/** What a watch needs. */
export interface WatchRequest extends Watching {
  readonly link: Link;
  /** Not after the position, but from when the server begins to watch: so there is nothing to read up, or to be compacted before. */
  readonly fromNow?: boolean;
  /** How long the stream may owe an answer. */
  readonly patience: Patience;
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
  /**
   * Has the server say how far it is, in a frame of progress. As long as nothing has happened since the watch begins there is
   * nothing to say, and etcd 3.6 says nothing then.
   *
   * @param store its revision
   */
  ask(store: number): void;
}

/** Everything after a position, one frame per revision. */
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
  readonly #reader: WatchReader;
  isWaiting = false;
  #isStanding = false;
  #isAsking = false;
  /** Came, and has not been read. */
  readonly #messages: Buffer[] = [];
  #frames: Iterator<WatchFrame, undefined> | undefined;
  #isReading = false;
  /** Reading goes on later. */
  #isHeld = false;
  /** The server owes an answer. */
  #isOwed = false;
  /** Until the stream is given up. */
  #waiting: Subscription | undefined;

  constructor(request: WatchRequest, stream: WatchStream, subscriber: Subscriber<WatchFrame>) {
    this.#request = request;
    this.#stream = stream;
    this.#subscriber = subscriber;
    this.#reader = new WatchReader(request);
  }

  start(): void {
    const { prefixes, encoding, patience, from } = this.#request;
    this.#subscriber.add(() => {
      this.#stream.cancel();
      this.#waiting?.unsubscribe();
      if (this.position.revision > from.revision) patience.passed(from.revision);
    });
    this.#stream.on('data', (message: Buffer) => {
      this.#hear();
      this.#messages.push(message);
      this.#read();
      if (!this.#reader.stands) this.#expect();
    });
    const all = prefixes.map((prefix) => prefixRange(prefix, encoding));
    const ranges = this.#reader.watches === 1 ? [spanOf(all)] : all;
    for (const [index, range] of ranges.entries()) this.#create(range, index + 1);
    this.#expect();
  }

  #create({ start, end }: KeyRange, id: number): void {
    // Never `prev_kv`: it costs the server a factor of ten and more. Nor fragments: a revision stays in one message.
    this.#write({ 1: encodeMessage({ 1: start, 2: end, 3: this.#first, 4: true, 7: id }) });
  }

  /** The revision that is told first; `undefined`: whichever comes next. */
  get #first(): number | undefined {
    const { fromNow = false, from } = this.#request;
    return fromNow ? undefined : from.revision + 1;
  }

  get position(): EtcdPosition {
    return this.#reader.position;
  }

  ask(store: number): void {
    if (!this.#subscriber.closed && store >= (this.#first ?? 0)) this.#ask();
  }

  #ask(): void {
    this.#write(question);
    this.#expect();
  }

  /** Something must come now, of which nothing is seen while nothing is read. */
  #expect(): void {
    if (this.#subscriber.closed) return;
    this.#isOwed = true;
    if (this.#isHeld || this.#waiting !== undefined) return;
    const { patience } = this.#request;
    const limit = patience.at(this.position.revision);
    // In two halves: where this program stood still, what came meanwhile is read before the second one is over. And a server that
    // was still reading up what had been missed has not heard the question: it gets another one.
    this.#waiting = timer(limit / 2, limit / 2).subscribe((half) => {
      if (half === 0) {
        if (this.#reader.stands) this.#write(question);
        return;
      }
      patience.gave(this.position.revision);
      const message = `the watch said nothing for ${limit} ms, though it was asked`;
      this.#subscriber.error(new DatasyncError('DEAD_STREAM', message, { backend: 'etcd' }));
    });
  }

  #hear(): void {
    this.#isOwed = false;
    this.#stopWaiting();
  }

  #stopWaiting(): void {
    this.#waiting?.unsubscribe();
    this.#waiting = undefined;
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
    if (this.#isHeld) {
      this.#stream.pause();
      this.#stopWaiting();
      return;
    }
    if (this.#stream.isPaused()) this.#stream.resume();
    if (this.#isOwed) this.#expect();
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
        const answer = new WatchAnswer(message);
        if (answer.watch === undefined && !answer.canceled) this.#answered();
        this.#frames = this.#reader.frames(answer);
      }
      const { value } = this.#frames.next();
      if (value !== undefined) return value;
      this.#frames = undefined;
      if (this.#reader.isWaiting) this.#askUntilComplete();
      if (this.#isStanding || !this.#reader.stands) continue;
      this.#isStanding = true;
      this.#request.standing(this);
    }
  }

  #answered(): void {
    this.#isAsking = false;
    this.#request.patience.answered();
  }

  #askUntilComplete(): void {
    if (this.#isAsking || this.#subscriber.closed) return;
    this.#isAsking = true;
    this.#ask();
    const again = timer(askAgain).subscribe(() => {
      this.#isAsking = false;
      if (this.#reader.isWaiting) this.#askUntilComplete();
    });
    this.#subscriber.add(again);
  }
}
