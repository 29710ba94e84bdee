import { concat, defer, type Observable, of, Subject, Subscription } from 'rxjs';
import { connect } from '../../internal/connect.ts';
import type { RawWrite } from '../../model/broker.ts';
import type { Capabilities } from '../../model/capabilities.ts';
import type { DatasyncEvent } from '../../model/events.ts';
import type { Backend } from '../../source/frames.ts';
import { History } from '../history.ts';
import { recordUpstream } from '../recordUpstream.ts';
import type { PlaceOptions } from '../steps.ts';
import type { VirtualTime } from '../virtually.ts';
import { bare } from './bare.ts';
import type { Scenario } from './scenario.ts';
import type { Awaitable, ConformanceConfig, SourceStage, SourceSubject, StoreFault } from './subject.ts';
import { Truth, type Values } from './truth.ts';
import { codec } from './values.ts';
import { Views } from './views.ts';

/** What the consumer does with an event: says done, fails, keeps it until it is released, says done several times, or says nothing. */
export type Mood = 'done' | 'twice' | 'fail' | 'hold' | 'ignore';

/** An adapter and one of its stores. */
export interface Bound {
  readonly capabilities: Capabilities;
  readonly prefix: string;
  readonly source: (config: ConformanceConfig, stage: SourceStage) => Observable<DatasyncEvent<unknown>>;
  readonly write: (writes: readonly RawWrite[]) => Awaitable<number | undefined>;
  readonly fault: (name: StoreFault) => unknown;
  readonly refuses: (key: string) => string | undefined;
  readonly pipeline: NonNullable<SourceSubject<unknown>['pipeline']> | undefined;
}

/** One run of one scenario: a store, its subscribers, and what happens to them. */
export class Stage implements SourceStage {
  readonly history: History = new History();
  readonly views: Views = new Views(this.history);
  readonly truth: Truth;
  /** Virtual time; `undefined`: time is real. */
  readonly time: VirtualTime | undefined;
  readonly subscriptions: Subscription[] = [];
  /** Writes that were begun inside something else. */
  readonly pending: Set<Promise<void>> = new Set();
  mood: Mood = 'done';
  /** So many events meet the mood, then it is `done` again. */
  moodLasts: number = Infinity;
  /** Done once, inside the next `next`. */
  inside: ((stage: Stage) => void) | undefined;
  /** Keys the store cannot hold, and why. */
  readonly refused: Map<string, string> = new Map();
  /** What a fault waits for, by name. */
  readonly #signals = new Map<string, Subject<void>>();
  readonly #ends = new Map<StoreFault, () => unknown>();
  /** Says in the truth that the backup was put back. */
  #restored: (() => void) | undefined;
  #source: Observable<DatasyncEvent<unknown>> | undefined;
  /** What keeps events open, oldest first: new ones join the last. */
  readonly #held: Subject<void>[] = [new Subject()];
  readonly #bound: Bound;
  readonly #scenario: Scenario;
  readonly #patience: number;
  /** The last write, while it is under way. */
  #writing: Promise<void> | undefined;
  #prefixes: readonly string[] = [];
  readonly #watched: Subject<readonly string[]> = new Subject();
  readonly #requests: Subject<void> = new Subject();

  constructor(bound: Bound, scenario: Scenario, patience: number, time?: VirtualTime) {
    this.#bound = bound;
    this.#scenario = scenario;
    this.#patience = patience;
    this.time = time;
    this.truth = new Truth(this.history, bound.capabilities);
    this.prefixes = [''];
  }

  get capabilities(): Capabilities {
    return this.#bound.capabilities;
  }

  /** What is watched, as the store knows it. */
  get prefixes(): readonly string[] {
    return this.#prefixes;
  }

  set prefixes(prefixes: readonly string[]) {
    this.#prefixes = prefixes.map((prefix) => this.key(prefix));
    this.#watched.next(this.#prefixes);
  }

  /** A key as the store knows it. */
  key(key: string): string {
    return this.#bound.prefix + key;
  }

  // ---- the store --------------------------------------------------------------------------------------------------

  /** Puts, and with `undefined` deletes, in one transaction. */
  write(values: Values): Awaitable<void> {
    const whole: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(values)) {
      const reason = this.#bound.refuses(this.key(key));
      if (reason === undefined) whole[this.key(key)] = value;
      else this.refused.set(key, reason);
    }
    const known = this.truth.begin(whole);
    const writes = Object.entries(whole).map(([key, value]): RawWrite => {
      return value === undefined ? { op: 'delete', key } : { op: 'put', key, value: codec.encode(value, key) };
    });
    // One after the other: a store takes what comes over two connections in the order it likes.
    const before = this.#writing;
    const revision = before === undefined ? this.#bound.write(writes) : before.then(() => this.#bound.write(writes));
    if (!isPromise(revision)) return known(revision);
    const written = revision.then(known);
    const ended = written.then(
      () => undefined,
      () => undefined,
    );
    this.#writing = ended;
    void ended.then(() => {
      if (this.#writing === ended) this.#writing = undefined;
    });
    return written;
  }

  /** The events of all subscriptions right at the source, or where else the first place is. */
  get events(): readonly DatasyncEvent<unknown>[] {
    const { steps } = this.history;
    const top =
      steps.find((step) => step.type === 'subscribe' && step.place === 'source') ??
      steps.find(({ type }) => type === 'subscribe');
    const name = top?.type === 'subscribe' ? (top.options.name ?? top.place) : '';
    const streams = steps.flatMap((step) =>
      step.type === 'subscribe' && (step.options.name ?? step.place) === name ? [step.stream] : [],
    );
    return steps.flatMap((step) => (step.type === 'event' && streams.includes(step.stream) ? [step.event] : []));
  }

  /** How many connections there were. */
  get connections(): number {
    return this.history.steps.filter(({ type }) => type === 'open').length;
  }

  /** The same, and nobody waits for it. */
  writeMeanwhile(values: Values): void {
    this.#meanwhile(this.write(values));
  }

  async #started(name: StoreFault, end: Promise<unknown>): Promise<void> {
    this.#begun(name, await end);
  }

  #begun(name: StoreFault, end: unknown): void {
    if (typeof end === 'function') this.#ends.set(name, end as () => unknown);
    if (name === 'wipe') this.truth.wiped();
    if (name === 'compact') this.truth.compacted();
  }

  fault(name: StoreFault): Awaitable<void> {
    this.history.note(name);
    // Before anybody can be told of it.
    if (name === 'wipe' || name === 'compact') {
      this.#begun(name, undefined);
      return this.#bound.fault(name) as Awaitable<void>;
    }
    const end = this.#bound.fault(name);
    if (name === 'backup') this.#restored = this.truth.saved();
    if (isPromise(end)) return this.#started(name, end);
    this.#begun(name, end);
  }

  heal(name: StoreFault): Awaitable<void> {
    this.history.note(`${name} is over`);
    const end = this.#ends.get(name);
    this.#ends.delete(name);
    if (name === 'backup') this.#restored?.();
    return end?.() as Awaitable<void>;
  }

  // ---- the subscriber ---------------------------------------------------------------------------------------------

  get place(): PlaceOptions {
    const { inFlight = 128 } = this.#scenario.delivery ?? {};
    return { inFlight };
  }

  readonly observed = <P>(backend: Backend<P>): Backend<P> => {
    const { fault } = this.#scenario;
    return recordUpstream(fault === undefined ? backend : fault(backend, this), this.history);
  };

  readonly work = (event: DatasyncEvent<unknown>): Observable<unknown> | undefined => {
    const { inside, mood } = this;
    this.inside = undefined;
    if (--this.moodLasts <= 0) this.mood = 'done';
    inside?.(this);
    if (mood === 'hold') return this.#held.at(-1);
    if (mood === 'twice') sayTwice(event);
    if (mood === 'fail') throw new Error('as the script says');
    return undefined;
  };

  /** What is held from now on is released apart. */
  holdApart(): void {
    this.#held.push(new Subject());
  }

  /** What was held first is done, or fails. */
  release(error?: Error): void {
    const held = this.#held.shift();
    if (this.#held.length === 0) this.holdApart();
    if (error === undefined) held?.complete();
    else held?.error(error);
  }

  /** @param dynamic the prefixes are given as an Observable */
  subscribe(dynamic: boolean, more: Partial<ConformanceConfig> = {}): void {
    const { statusObserver } = this.history;
    const place = { ...this.place, ...(dynamic ? {} : { prefixes: this.prefixes }) };
    const lent: SourceStage = { history: this.history, observed: this.observed, work: this.work, place };
    const config: ConformanceConfig = {
      prefixes: dynamic
        ? concat(
            defer(() => of(this.prefixes)),
            this.#watched,
          )
        : this.prefixes,
      codec,
      statusObserver,
      resyncOn: this.#requests.pipe(this.history.requests()),
      retry: { delay: 20, maxDelay: 200, random: () => 1 },
      delivery: { redeliver: { count: 5, delay: 20, maxDelay: 200 }, ...this.#scenario.delivery },
      ...more,
    };
    const pipeline = this.#bound.pipeline ?? bare(() => this.mood === 'ignore');
    // Another subscription to the same Observable, where it is the same.
    const source = dynamic || Object.keys(more).length > 0 ? undefined : this.#source;
    const subscribed = source ?? this.#bound.source(config, lent);
    this.#source = subscribed;
    // Known before it begins: it may be unsubscribed inside its first event.
    const subscription = new Subscription();
    this.subscriptions.push(subscription);
    const nothing = (): void => undefined;
    connect(pipeline(subscribed, lent), { next: nothing, error: nothing, complete: nothing }, subscription);
  }

  unsubscribe(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }

  /** Somebody asks for a resync. */
  request(): void {
    this.#requests.next();
  }

  /** Emits when a step of the script says so. */
  signal(name: string): Observable<void> {
    return subjectOf(this.#signals, name).asObservable();
  }

  /** Something goes wrong now that a fault of the scenario waits for. */
  fire(name: string): void {
    this.history.note(name);
    subjectOf(this.#signals, name).next();
  }

  /** What keeps the script waiting until everybody knows everything. */
  missing(holding = false): string | undefined {
    if (this.pending.size > 0) return 'a write is under way';
    const missing = this.views.missing(this.truth.values, this.prefixes, holding);
    if (missing !== undefined) return missing;
    return this.views.live === 0 || this.views.connected ? undefined : 'the connection is not up';
  }

  get patience(): number {
    return this.#patience;
  }

  /** Whatever the script left behind that hinders. */
  recover(): Awaitable<void> {
    this.mood = 'done';
    this.moodLasts = Infinity;
    this.inside = undefined;
    if (!(this.#scenario.holding ?? false)) for (const _ of [...this.#held]) this.release();
    const ends = [...this.#ends.keys()].flatMap((name) => {
      // Nothing hinders because it was saved.
      if (name === 'backup') return [];
      const end = this.heal(name);
      return isPromise(end) ? [end] : [];
    });
    if (ends.length > 0) return Promise.all(ends).then(() => undefined);
  }

  #meanwhile(done: Awaitable<void>): void {
    if (!isPromise(done)) return;
    const known = done.finally(() => this.pending.delete(known));
    this.pending.add(known);
  }
}

function sayTwice(event: DatasyncEvent<unknown>): void {
  const claim = event.claim();
  for (let time = 0; time < 2; time++) {
    event.done();
    claim.done();
  }
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T>;
export function isPromise(value: unknown): value is Promise<unknown>;
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function subjectOf(subjects: Map<string, Subject<void>>, name: string): Subject<void> {
  const known = subjects.get(name) ?? new Subject<void>();
  subjects.set(name, known);
  return known;
}
