import { Observable, type Subscriber } from 'rxjs';
import { expect } from 'vitest';
import { encodeText } from '../../lib/internal/bytes.ts';
import type { Outcome } from '../../lib/model/ack.ts';
import type { Capabilities } from '../../lib/model/capabilities.ts';
import type {
  Backend,
  ChangesFrame,
  Frame,
  OpenContext,
  PageFrame,
  ProgressFrame,
  RawChange,
  RawEntry,
  SnapshotFrame,
} from '../../lib/source/frames.ts';
import { whenOver } from './virtually.ts';

/** In {@link page} and {@link changes}: a value that is not JSON. */
export const bad: unique symbol = Symbol('bad');

/** What a store holds for a value of {@link page} or {@link changes}. */
export function raw(value: unknown): Uint8Array {
  return encodeText(value === bad ? '?' : JSON.stringify(value));
}

/** Entries as a store gives them, without revisions of their own. */
export function entries(values: Readonly<Record<string, unknown>>): RawEntry[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: raw(value) }));
}

export function page(values: Readonly<Record<string, unknown>>, revision?: number): PageFrame {
  return { type: 'page', entries: entries(values), ...(revision === undefined ? {} : { revision }) };
}

/** The position is the revision, unless `more` says something else. */
export function snapshot(revision?: number, more: Partial<SnapshotFrame<number>> = {}): SnapshotFrame<number> {
  return { type: 'snapshot', ...(revision === undefined ? {} : { revision, position: revision }), ...more };
}

/** A whole listing at one revision: one page and its end. */
export function listing(
  values: Readonly<Record<string, unknown>>,
  revision?: number,
  more: Partial<SnapshotFrame<number>> = {},
): [PageFrame, SnapshotFrame<number>] {
  return [page(values, revision), snapshot(revision, more)];
}

/** Puts, and with `undefined` deletes. The position is the revision, unless `more` says something else. */
export function changes(
  values: Readonly<Record<string, unknown>>,
  revision?: number,
  more: Partial<ChangesFrame<number>> = {},
): ChangesFrame<number> {
  const all = Object.entries(values).map(
    ([key, value]): RawChange => (value === undefined ? { op: 'delete', key } : { op: 'put', key, value: raw(value) }),
  );
  return {
    type: 'changes',
    changes: all,
    ...(revision === undefined ? {} : { revision, position: revision }),
    ...more,
  };
}

/** The position is the revision, unless `more` says something else. */
export function progress(revision?: number, more: Partial<ProgressFrame<number>> = {}): ProgressFrame<number> {
  return { type: 'progress', ...(revision === undefined ? {} : { revision, position: revision }), ...more };
}

/** One connection that a loop has opened. */
export class Connection<P = number> {
  readonly context: OpenContext<P>;
  readonly #subscriber: Subscriber<Frame<P>>;
  readonly #number: (frame: Frame<P>) => Frame<P>;

  constructor(context: OpenContext<P>, subscriber: Subscriber<Frame<P>>, number: (frame: Frame<P>) => Frame<P>) {
    this.context = context;
    this.#subscriber = subscriber;
    this.#number = number;
  }

  get closed(): boolean {
    return this.#subscriber.closed;
  }

  /** What the loop does not take any more is not counted as sent. */
  send(...frames: readonly Frame<P>[]): void {
    for (const frame of frames) if (!this.closed) this.#subscriber.next(this.#number(frame));
  }

  fail(error: unknown = new Error('cut')): void {
    this.#subscriber.error(error);
  }

  complete(): void {
    this.#subscriber.complete();
  }
}

/** What a {@link ScriptedBackend} is made with. */
export interface ScriptedOptions<P> {
  /** Default: `store`. */
  readonly revision?: Capabilities['revision'];
  readonly maxSilence?: number;
  /** What each connection does at once, inside `open`. Default: nothing. */
  readonly opened?: (connection: Connection<P>, nth: number) => void;
}

/**
 * A backend in the hands of a spec: it records each connection and how each frame was settled, and sends what it is told
 * to send, over the last connection.
 */
export class ScriptedBackend<P = number> implements Backend<P> {
  readonly name = 'scripted';
  readonly capabilities: Capabilities;
  readonly maxSilence?: number;
  readonly connections: Connection<P>[] = [];
  /** `open 1`, `close 1` … */
  readonly log: string[] = [];
  /** How the frames were settled, in the order in which they were sent. */
  readonly outcomes: Outcome[][] = [];

  readonly #opened: (connection: Connection<P>, nth: number) => void;

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
        expect(this.live, 'connections that are left open').toBe(0);
        const wrong = this.outcomes.filter(({ length }) => length !== 1);
        expect(wrong, 'frames that were not settled exactly once').toEqual([]);
      },
    );
  }

  /** The last one. */
  get connection(): Connection<P> {
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
  readonly open = (context: OpenContext<P>): Observable<Frame<P>> =>
    new Observable((subscriber) => {
      const connection = new Connection(context, subscriber, (frame) => this.#watched(frame));
      const nth = this.connections.push(connection);
      this.log.push(`open ${nth}`);
      subscriber.add(() => this.log.push(`close ${nth}`));
      this.#opened(connection, nth);
    });

  send(...frames: readonly Frame<P>[]): void {
    this.connections.at(-1)?.send(...frames);
  }

  fail(error?: unknown): void {
    this.connections.at(-1)?.fail(error);
  }

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
