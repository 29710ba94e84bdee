import { type Outcome, settledWell } from '../../model/ack.ts';
import type { Capabilities } from '../../model/capabilities.ts';
import type { DatasyncEvent } from '../../model/events.ts';
import type { History } from '../history.ts';
import type { EventBody, Place, PlaceOptions, Standing, Step, StepOf } from '../steps.ts';
import { Fold, type Suspicion } from './fold.ts';
import type { Evidence, Invariant } from './invariant.ts';
import { held } from './memo.ts';
import { Oracle } from './oracle.ts';
import { type Connection, connectionsOf } from './upstream.ts';

/** What a subscriber was told of a key. */
export interface Cell {
  readonly value: unknown;
  readonly revision: number;
}

/** How an event ended, or what was said of it later. */
export interface Settling {
  readonly step: number;
  readonly time: number;
  readonly outcome: Outcome;
}

/** One event at one place, with what the subscriber there knew before. */
export interface Telling {
  readonly stream: Stream;
  readonly step: number;
  readonly time: number;
  readonly event: DatasyncEvent<unknown>;
  readonly ack: number;
  readonly openChanges: number;
  readonly openResyncs: number;
  /** How the last resync of this place stood. */
  readonly resync: Standing | undefined;
  /** The event before it. */
  readonly previous: Telling | undefined;
  /** The resync that began the epoch: itself, where it is one; `undefined` before the first. */
  base: Telling | undefined;
  /** What was told before: of every key for a resync, of its own keys for a change. */
  readonly before: ReadonlyMap<string, Cell>;
  /** The keys among them that stood in `rejected`. */
  readonly rejectedBefore: ReadonlySet<string>;
  /** For a resync: the keys its diff has to name whatever they hold, each with the previous values that may be given. */
  readonly suspects: ReadonlyMap<string, Suspicion>;
  /** Should be one. */
  readonly settled: Settling[];
  readonly late: Settling[];
}

/** One subscription at one place. */
export interface Stream {
  readonly id: number;
  readonly place: Place;
  readonly name: string;
  readonly options: PlaceOptions;
  readonly capabilities: Capabilities;
  readonly step: number;
  readonly tellings: Telling[];
  /** What was told in all. */
  readonly fold: Fold;
  ended:
    | {
        readonly how: 'unsubscribe' | 'error' | 'complete';
        readonly step: number;
        readonly time: number;
        readonly error?: unknown;
        readonly during?: number | undefined;
      }
    | undefined;
  /** When everything above had returned from being unsubscribed. */
  unsubscribed: number | undefined;
}

/** One piece of a consumer's work. */
export interface Work {
  readonly start: StepOf<unknown, 'workStart'>;
  end: StepOf<unknown, 'workEnd'> | undefined;
}

/** A history, sorted out once for all validators. */
export class Run {
  readonly history: History;
  readonly steps: readonly Step<unknown>[];
  readonly capabilities: Capabilities;
  readonly streams: readonly Stream[];
  readonly works: readonly Work[];
  readonly #worksByAck = new Map<number, Work[]>();
  readonly #tellingsByAck = new Map<number, Telling>();
  readonly connections: readonly Connection[];
  readonly oracle: Oracle;
  readonly has: ReadonlySet<Evidence>;

  /** @param judged leaves out the places that are exempt from this promise */
  constructor(history: History, capabilities: Capabilities, judged?: Invariant) {
    this.history = history;
    this.steps = history.steps;
    this.capabilities = capabilities;
    this.oracle = new Oracle(this.of('write'));
    this.streams = streamsOf(this.steps, capabilities).filter(
      ({ place, options }) => place !== 'raw' && (judged === undefined || options.exempt?.[judged] === undefined),
    );
    this.works = worksOf(this.steps);
    for (const work of this.works) held(this.#worksByAck, work.start.ack, () => []).push(work);
    for (const telling of this.tellings()) this.#tellingsByAck.set(telling.ack, telling);
    this.connections = connectionsOf(this.steps);
    this.has = this.#evidence();
  }

  /** The steps of one type. */
  of<Type extends Step<unknown>['type']>(type: Type): StepOf<unknown, Type>[] {
    return this.steps.filter((step) => step.type === type) as StepOf<unknown, Type>[];
  }

  /** Every event at every place that is judged. */
  *tellings(): Iterable<Telling> {
    for (const { tellings } of this.streams) yield* tellings;
  }

  /** The works on an event; 0: nobody knows which. */
  worksOn(ack: number): readonly Work[] {
    return ack === 0 ? [] : (this.#worksByAck.get(ack) ?? []);
  }

  /** The event of a settlement, at the place nearest to the source: places are subscribed from the bottom up. */
  tellingOf(ack: number): Telling | undefined {
    return ack === 0 ? undefined : this.#tellingsByAck.get(ack);
  }

  /** The subscriptions right at a source. */
  get sources(): readonly Stream[] {
    return this.streams.filter(({ place }) => place === 'source');
  }

  /** The source an upstream belongs to, where there is no doubt. */
  sourceOf(upstream: string): Stream | undefined {
    const named = this.sources.filter(({ name }) => name === upstream);
    return named.length === 1 ? named[0] : undefined;
  }

  /** The connections of a source, where there is no doubt. */
  connectionsOf(stream: Stream): readonly Connection[] {
    // A place below the only source belongs to it.
    const source = stream.place === 'source' || this.sources.length !== 1 ? stream : this.sources[0];
    return this.connections.filter(({ upstream }) => this.sourceOf(upstream) === source);
  }

  /** The steps that are to be judged as an end; `holding`: also those at which a consumer keeps events open. */
  quiet({ holding = false }: { readonly holding?: boolean } = {}): StepOf<unknown, 'quiet'>[] {
    return this.of('quiet').filter((step) => holding || !step.holding);
  }

  #evidence(): ReadonlySet<Evidence> {
    const types = new Set(this.steps.map(({ type }) => type));
    const found: Record<Evidence, boolean> = {
      events: this.streams.length > 0,
      truth: types.has('write'),
      upstream: types.has('open'),
      silence: this.connections.some(({ maxSilence }) => maxSilence !== undefined),
      status: types.has('status'),
      work: types.has('workStart'),
      results: types.has('result'),
      consumers: (this.history.options.consumers ?? []).length > 0,
      publish: types.has('publish'),
      token: types.has('token'),
      quiet: this.quiet().length > 0,
      buffered: this.streams.some(({ place }) => place === 'buffered'),
      inFlight: this.streams.some(({ options }) => options.inFlight !== undefined),
      subscriptions: this.sources.length > 1,
      unsubscribe: types.has('unsubscribe'),
    };
    return new Set((Object.keys(found) as Evidence[]).filter((name) => found[name]));
  }
}

function streamsOf(steps: readonly Step<unknown>[], capabilities: Capabilities): Stream[] {
  const streams = new Map<number, Stream>();
  const byStep = new Map<number, Telling>();
  for (const step of steps) {
    if (!('stream' in step)) continue;
    if (step.type === 'subscribe') {
      const { place, options } = step;
      streams.set(step.stream, {
        id: step.stream,
        place,
        name: options.name ?? place,
        options,
        capabilities: { ...capabilities, ...options.capabilities },
        step: step.step,
        tellings: [],
        fold: new Fold(),
        ended: undefined,
        unsubscribed: undefined,
      });
      continue;
    }
    const stream = streams.get(step.stream)!;
    switch (step.type) {
      case 'event':
        byStep.set(step.step, tell(stream, step));
        break;
      case 'settled':
      case 'late': {
        const telling = byStep.get(step.of)!;
        const { outcome, time } = step;
        telling[step.type].push({ step: step.step, time, outcome });
        const cutOff = outcome.type === 'cancelled' && stream.ended !== undefined;
        if (settledWell(outcome)) stream.fold.succeed(telling);
        else if (!cutOff) stream.fold.fail(telling, outcome);
        break;
      }
      case 'unsubscribed':
        stream.unsubscribed = step.step;
        break;
      default:
        stream.ended ??= { ...step, how: step.type };
    }
  }
  return [...streams.values()];
}

function tell(stream: Stream, step: EventBody<unknown> & { readonly step: number; readonly time: number }): Telling {
  const previous = stream.tellings.at(-1);
  const telling: Telling = {
    stream,
    step: step.step,
    time: step.time,
    event: step.event,
    ack: step.ack,
    openChanges: step.openChanges,
    openResyncs: step.openResyncs,
    resync: step.resync,
    previous,
    base: previous?.base,
    ...stream.fold.before(step.event),
    settled: [],
    late: [],
  };
  if (step.event.type === 'resync') telling.base = telling;
  stream.tellings.push(telling);
  stream.fold.apply(telling);
  return telling;
}

function worksOf(steps: readonly Step<unknown>[]): Work[] {
  const works = new Map<number, Work>();
  for (const step of steps) {
    if (step.type === 'workStart') works.set(step.work, { start: step, end: undefined });
    else if (step.type === 'workEnd') works.get(step.work)!.end = step;
  }
  return [...works.values()];
}

/** The first event at a place after a step for which something holds. */
export function firstAfter(
  { tellings }: Stream,
  step: number,
  holds: (telling: Telling) => boolean,
): Telling | undefined {
  let low = 0;
  let high = tellings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tellings[middle]!.step <= step) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < tellings.length; i++) if (holds(tellings[i]!)) return tellings[i];
  return undefined;
}

/** The last event at a place before a step. */
export function lastBefore({ tellings }: Stream, step: number): Telling | undefined {
  let low = 0;
  let high = tellings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tellings[middle]!.step < step) low = middle + 1;
    else high = middle;
  }
  return tellings[low - 1];
}
