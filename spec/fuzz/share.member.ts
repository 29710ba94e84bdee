import fc from 'fast-check';
import { type Observable, type Subscription, timer } from 'rxjs';
import { ackWithCallback, bufferDuringResync, type Claim, type DatasyncEvent, type Source } from '../../lib/index.ts';
import type { History } from '../../lib/testing/index.ts';
import { Consumer, differenceOf } from './consumer.ts';
import { type Behaviour, behaviour } from './script.ts';

/** How one subscriber lives: its pace is in what it does with each event in turn. */
export interface Life {
  readonly pipeline: 'bare' | 'buffer + ack';
  readonly behaviours: readonly Behaviour[];
  /** Milliseconds after the start. */
  readonly joins: number;
  /** Milliseconds after it joined; `undefined`: it stays. */
  readonly leaves: number | undefined;
}

export const life: fc.Arbitrary<Life> = fc.record({
  pipeline: fc.constantFrom('bare' as const, 'buffer + ack' as const),
  behaviours: fc.array(behaviour, { maxLength: 20, size: 'max' }),
  joins: fc.oneof(fc.constant(0), fc.constantFrom(1, 30, 200, 2_000)),
  leaves: fc.option(fc.constantFrom(0, 5, 100, 1_000), { freq: 3, nil: undefined }),
});

const well: Behaviour = { says: 'done', applied: 'all', delay: 0 };
const failure = new Error('as the script says');

/** One subscriber of a source under test, which follows the events as the oracle does. */
export class FuzzMember {
  readonly consumer: Consumer = new Consumer();
  readonly #problems: string[];
  readonly #inside: () => void;
  readonly #behaviours: readonly Behaviour[];
  readonly #open = new Map<Claim, Behaviour>();
  readonly #past: DatasyncEvent<string>[] = [];
  #subscription: Subscription | undefined;
  #handled = 0;
  #quiet = false;

  /** @param inside done within each `next` */
  constructor({ behaviours }: Life, problems: string[], inside: () => void) {
    this.#inside = inside;
    this.#behaviours = behaviours;
    this.#problems = problems;
  }

  subscribe(source: Source<string>, { pipeline }: Life, history: History<string>, inFlight: number): void {
    const error = (cause: unknown): void => void this.#problems.push(`the stream ended: ${String(cause)}`);
    const recorded = source.pipe(history.tap('source', { inFlight, prefixes: ['/a/', '/b/'] }));
    if (pipeline === 'bare') {
      this.#subscription = recorded.subscribe({ next: (event) => this.#take(event, inFlight), error });
      return;
    }
    const work = history.work('consumer', (event: DatasyncEvent<string>) => this.#work(event));
    this.#subscription = recorded
      .pipe(
        bufferDuringResync(),
        history.tap('buffered'),
        ackWithCallback({ resync: work, change: work }, { timeout: 1_000 }),
        history.tapResults(),
      )
      .subscribe({
        next: ({ event, outcome }) => {
          this.#past.push(event);
          if (outcome.type !== 'applied') this.consumer.failed = true;
        },
        error,
      });
  }

  get isSubscribed(): boolean {
    return this.#subscription?.closed === false;
  }

  unsubscribe(): void {
    this.#subscription?.unsubscribe();
  }

  failLate(back: number): void {
    const event = this.#past.at(-1 - back);
    if (event === undefined) return;
    this.consumer.failed = true;
    event.fail(failure);
  }

  /** From now on it works well, and what it still holds is settled. */
  rest(): void {
    this.#quiet = true;
    for (const [claim, { applied }] of this.#open) {
      if (applied === 'all') claim.done();
      else claim.fail(failure);
    }
    this.#open.clear();
  }

  /** What it holds must be the truth, whichever way it followed. */
  compare(name: string, truth: ReadonlyMap<string, string>): void {
    const { told, byDiff, byEntries } = this.consumer;
    for (const [how, held] of Object.entries({ told, 'by diff': byDiff, 'by entries': byEntries })) {
      const difference = differenceOf(held, truth);
      if (difference !== undefined) this.#problems.push(`${name}, ${how}: ${difference}`);
    }
  }

  #next(): Behaviour {
    return this.#quiet ? well : (this.#behaviours[this.#handled++] ?? well);
  }

  #work(event: DatasyncEvent<string>): Observable<unknown> | undefined {
    const next = this.#next();
    this.#inside();
    if (next.delay === Infinity) this.consumer.failed = true;
    return this.consumer.work(event, next);
  }

  #take(event: DatasyncEvent<string>, inFlight: number): void {
    const { says, applied, delay } = this.#next();
    if (says === 'fail' || (delay > 0 && applied !== 'all')) this.consumer.failed = true;
    this.consumer.take(event, applied);
    this.#past.push(event);
    if (this.#open.size > inFlight + 1) this.#problems.push(`${this.#open.size} events are open, ${inFlight} may be`);
    if (delay === 0) {
      if (says === 'done') event.done();
      if (says === 'fail') event.fail(failure);
      this.#inside();
      return;
    }
    const claim = event.claim();
    this.#open.set(claim, { says, applied, delay });
    this.#inside();
    if (delay === Infinity) return;
    timer(delay).subscribe(() => {
      this.#open.delete(claim);
      if (says === 'done') claim.done();
      else claim.fail(failure);
    });
  }
}
