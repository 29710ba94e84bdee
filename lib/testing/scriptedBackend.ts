import type { Observable, Subscriber } from 'rxjs';
import { cold } from '../internal/cold.ts';
import type { Outcome } from '../model/ack.ts';
import type { Capabilities } from '../model/capabilities.ts';
import type { Backend, Frame, OpenContext } from '../source/frames.ts';
import { whenOver } from './virtually.ts';

/** One connection that a loop has opened. */
export class ScriptedConnection<P = number> {
  readonly context: OpenContext<P>;
  readonly #subscriber: Subscriber<Frame<P>>;
  readonly #number: (frame: Frame<P>) => Frame<P>;

  constructor(context: OpenContext<P>, subscriber: Subscriber<Frame<P>>, number: (frame: Frame<P>) => Frame<P>) {
    this.context = context;
    this.#subscriber = subscriber;
    this.#number = number;
  }

  /** Whether the loop has let go of it, or it has ended. */
  get closed(): boolean {
    return this.#subscriber.closed;
  }

  /** What the loop does not take any more is not counted as sent. */
  send(...frames: readonly Frame<P>[]): void {
    for (const frame of frames) if (!this.closed) this.#subscriber.next(this.#number(frame));
  }

  /** Breaks it. */
  fail(error: unknown = new Error('cut')): void {
    this.#subscriber.error(error);
  }

  /** Ends it without an error. */
  complete(): void {
    this.#subscriber.complete();
  }
}

/** What a {@link scriptedBackend} is made with. */
export interface ScriptedOptions<P> {
  /** Default: `store`. */
  readonly revision?: Capabilities['revision'];
  /** See {@link Backend.maxSilence}; milliseconds. Default: never. */
  readonly maxSilence?: number;
  /** What each connection does at once, inside `open`. Default: nothing. */
  readonly opened?: (connection: ScriptedConnection<P>, nth: number) => void;
}

/**
 * A backend in the hands of a test: it records each connection and how each frame was settled, and sends what it is told
 * to send, over the last connection. Made by {@link scriptedBackend}.
 */
export class ScriptedBackend<P = number> implements Backend<P> {
  readonly name = 'scripted';
  readonly capabilities: Capabilities;
  readonly maxSilence?: number;
  /** Every connection that was opened, also those that are over. */
  readonly connections: ScriptedConnection<P>[] = [];
  /** `open 1`, `close 1` … */
  readonly log: string[] = [];
  /** How the frames were settled, in the order in which they were sent. */
  readonly outcomes: Outcome[][] = [];

  readonly #opened: (connection: ScriptedConnection<P>, nth: number) => void;

  constructor({ revision = 'store', maxSilence, opened = () => undefined }: ScriptedOptions<P> = {}) {
    this.capabilities = {
      handOver: 'pushed',
      order: 'global',
      atomic: 'revision',
      resume: 'log',
      deletes: 'live+resync',
      prev: 'tracked',
      progress: 'native',
      nack: 'wire',
      empty: 'distinguishable',
      revision,
    };
    if (maxSilence !== undefined) this.maxSilence = maxSilence;
    this.#opened = opened;
    whenOver(
      () => undefined,
      () => {
        if (this.live > 0) throw new Error(`connections that are left open: ${this.live}`);
        const wrong = this.settled.filter((_, index) => this.outcomes[index]!.length !== 1);
        if (wrong.length > 0) throw new Error(`frames that were not settled exactly once: ${wrong.join(', ')}`);
      },
    );
  }

  /** The last one. */
  get connection(): ScriptedConnection<P> {
    return this.connections.at(-1)!;
  }

  /** How many connections are open. */
  get live(): number {
    return this.connections.filter(({ closed }) => !closed).length;
  }

  /** How each frame of changes and each snapshot ended: `applied`, `open` … */
  get settled(): string[] {
    return this.outcomes.map((said) => said.map(({ type }) => type).join('+') || 'open');
  }

  // An own property, so that a fault of `faults.ts` finds it.
  /** As a loop calls it; see {@link Backend.open}. */
  readonly open = (context: OpenContext<P>): Observable<Frame<P>> =>
    cold((subscriber) => {
      const connection = new ScriptedConnection(context, subscriber, (frame) => this.#watched(frame));
      const nth = this.connections.push(connection);
      this.log.push(`open ${nth}`);
      subscriber.add(() => this.log.push(`close ${nth}`));
      this.#opened(connection, nth);
    });

  /** Sends over the last connection; nobody hears it before the first. */
  send(...frames: readonly Frame<P>[]): void {
    this.connections.at(-1)?.send(...frames);
  }

  /** Breaks the last connection. */
  fail(error?: unknown): void {
    this.connections.at(-1)?.fail(error);
  }

  /** Ends the last connection without an error. */
  complete(): void {
    this.connections.at(-1)?.complete();
  }

  #watched(frame: Frame<P>): Frame<P> {
    if (frame?.type !== 'changes' && frame?.type !== 'snapshot') return frame;
    const said: Outcome[] = [];
    this.outcomes.push(said);
    return {
      ...frame,
      settled: (outcome) => {
        said.push(outcome);
        frame.settled?.(outcome);
      },
    };
  }
}

/**
 * A backend that a test plays by hand: it answers nothing by itself. Inside {@link virtually} it is also judged at the
 * end: every connection must be closed by then, and every frame settled exactly once.
 *
 * @example
 * virtually((time) => {
 *   const backend = scriptedBackend();
 *   const seen: string[] = [];
 *   const source = fromBackend(backend, { prefixes: [''], codec: jsonCodec() });
 *   const subscription = source.subscribe((event) => seen.push(notation.format(event)));
 *   backend.send(...frames.listing({ x: 1 }, 7), frames.changes({ x: 2 }, 8));
 *   backend.fail();
 *   time.advance(100); // the first retry
 *   subscription.unsubscribe();
 *   // seen: '{x:1}@7', 'x:1>2@8'
 * });
 *
 * @see {@link frames} for what to send, {@link faults} for what may go wrong on the way
 * @param options see {@link ScriptedOptions}
 */
export function scriptedBackend<P = number>(options: ScriptedOptions<P> = {}): ScriptedBackend<P> {
  return new ScriptedBackend(options);
}
