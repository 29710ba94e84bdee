import { asyncScheduler, isObservable, type MonoTypeOperatorFunction, type Observable, Subscription, tap } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { connect } from '../internal/connect.ts';
import { isPromiseLike } from '../internal/isPromiseLike.ts';
import { type Ack, failure, type Outcome, outcomes } from '../model/ack.ts';
import { ackOf, type DatasyncEvent, release, retained } from '../model/events.ts';
import type { SourceStatus } from '../model/status.ts';
import type { KeyValue } from '../model/values.ts';
import type { ConsumerOutcome } from '../operators/orderedResync.ts';
import type {
  DeclaredConsumer,
  Fact,
  Place,
  PlaceOptions,
  Standing,
  Step,
  StepBody,
  undecodable,
  Write,
} from './steps.ts';
import { stepText } from './text.ts';

/** What a history knows beforehand. */
export interface HistoryOptions {
  /** The consumers of an `orderedResync`, in declared order (I37, I38). Default: none. */
  readonly consumers?: readonly DeclaredConsumer[];
  /** What `orderedResync` does after a consumer failed (I38). Default: not judged. */
  readonly onFailure?: 'continue' | 'stop' | 'retry';
}

/**
 * What happened in one run, in order: to the store, at some places of a pipeline, between loop and backend, in the
 * consumers. `validate` judges it.
 *
 * It only watches: a place neither claims an event nor answers for it.
 */
export class History<T = unknown> {
  readonly steps: Step<T>[] = [];
  readonly options: HistoryOptions;
  /** For the configuration of the source whose events are recorded at the place `source`. */
  readonly statusObserver: {
    /** Records a status. */
    readonly next: (status: SourceStatus) => void;
  };

  #streams = 0;
  #works = 0;
  #publishes = 0;
  #acks = 0;
  readonly #ackNumbers = new WeakMap<Ack, number>();
  readonly #openWorks = new Map<string, { readonly work: number; readonly ack: Ack | undefined }[]>();

  constructor(options: HistoryOptions = {}) {
    this.options = options;
    this.statusObserver = { next: (status) => this.add({ type: 'status', status }) };
  }

  /** Records anything. @returns its number */
  add(body: StepBody<T>): number {
    const step = this.steps.length + 1;
    this.steps.push({ step, time: asyncScheduler.now(), ...body });
    return step;
  }

  /** What the store did. A revision that is not greater than the one before: the store was wiped or restored. */
  write({ revision, put = {}, delete: deleted = [], whole = false }: Write<T>): void {
    const facts = new Map<string, Fact<T>>();
    for (const [key, value] of Object.entries<T | typeof undecodable>(put)) facts.set(key, { value, revision });
    for (const key of deleted) facts.set(key, undefined);
    this.add({ type: 'write', revision, facts, whole });
  }

  /** Everything the store holds, as a write that replaces all: to start with, or after a restore. */
  truth(revision: number, entries: Iterable<KeyValue<T | typeof undecodable>>): void {
    const facts = new Map(Array.from(entries, ({ key, value, revision }) => [key, { value, revision }] as const));
    this.add({ type: 'write', revision, facts, whole: true });
  }

  /** The store forgot how it came to `revision`. */
  compacted(revision: number): void {
    this.add({ type: 'compacted', revision });
  }

  /**
   * Records what passes a place, and how it is settled.
   *
   * @param place what stands above, and so what the events are held to
   * @returns an operator that changes nothing
   */
  tap(place: Place, options: PlaceOptions = {}): MonoTypeOperatorFunction<DatasyncEvent<T>> {
    return (source) =>
      cold((subscriber) => {
        const stream = ++this.#streams;
        this.add({ type: 'subscribe', stream, place, options });
        const connection = new Subscription();
        let over = false;
        let during: number | undefined;
        let open: { readonly ack: Ack; readonly type: 'resync' | 'change' }[] = [];
        let lastResync: Ack | undefined;

        subscriber.add(() => {
          if (!over) this.add({ type: 'unsubscribe', stream, during });
          connection.unsubscribe();
          if (!over) this.add({ type: 'unsubscribed', stream });
        });

        connect(
          source,
          {
            next: (given) => {
              // A hand-made event gets its ack from the first operator that sees it, and that is this one.
              const handMade = ackOf(given) === undefined;
              const event = handMade ? retained(given) : given;
              const ack = ackOf(event)!;
              open = open.filter((other) => other.ack.outcome === undefined);
              if (ack.outcome === undefined) open.push({ ack, type: event.type });
              const openResyncs = open.filter(({ type }) => type === 'resync').length;
              const of = this.add({
                type: 'event',
                stream,
                event,
                ack: this.#numberOf(ack),
                openChanges: open.length - openResyncs,
                openResyncs,
                resync: standing(lastResync),
              });
              if (event.type === 'resync') lastResync = ack;
              ack.onSettled((outcome) => this.add({ type: 'settled', stream, of, outcome }));
              ack.onLate((outcome) => this.add({ type: 'late', stream, of, outcome }));
              const outer = during;
              during = of;
              subscriber.next(event);
              during = outer;
              if (handMade) release(event);
            },
            error: (error: unknown) => {
              over = true;
              this.add({ type: 'error', stream, error });
              subscriber.error(error);
            },
            complete: () => {
              over = true;
              this.add({ type: 'complete', stream });
              subscriber.complete();
            },
          },
          connection,
        );
      });
  }

  /** Records what an operator that works says of each event: `{ event, outcome }`, or `{ event, outcomes }` by consumer. */
  tapResults<
    R extends {
      readonly event: DatasyncEvent<unknown>;
      readonly outcome?: Outcome;
      readonly outcomes?: Readonly<Record<string, ConsumerOutcome>>;
      readonly again?: string;
    },
  >(name = 'results'): MonoTypeOperatorFunction<R> {
    return tap(({ event, outcome, outcomes, again }) => {
      const ack = ackOf(event);
      this.add({
        type: 'result',
        name,
        event,
        ack: this.#numberOf(ack),
        outcome,
        outcomes,
        again,
        standing: standing(ack) ?? 'open',
      });
    });
  }

  /** Records the views that pass: of `toState`, or any Map by key. */
  tapStates<S extends Iterable<readonly [string, T]>>(name = 'state'): MonoTypeOperatorFunction<S> {
    return tap((state) => this.add({ type: 'state', name, state: new Map(state) }));
  }

  /**
   * A handler that does the same and is recorded: when it starts, when it ends, and how.
   *
   * @param consumer who works; its works are serial, or up to `concurrency`
   * @param handler of `ackWithCallback` or `consumer`: synchronous, or with a Promise or an Observable
   */
  work<E extends DatasyncEvent<unknown>, Rest extends unknown[], R>(
    consumer: string,
    handler: (event: E, ...rest: Rest) => R,
    { concurrency = 1 }: { readonly concurrency?: number } = {},
  ): (event: E, ...rest: Rest) => R {
    return (event, ...rest) => {
      const end = this.#start(consumer, event, concurrency);
      let result: R;
      try {
        result = handler(event, ...rest);
      } catch (error) {
        end(failure(error));
        throw error;
      }
      if (isObservable(result)) return watched(result, end) as R;
      if (isPromiseLike(result)) {
        result.then(
          () => end(outcomes.applied),
          (error: unknown) => end(failure(error)),
        );
        return result;
      }
      end(outcomes.applied);
      return result;
    };
  }

  /** Somebody asks for a resync. */
  request(): void {
    this.add({ type: 'request' });
  }

  /** Passes on what asks for a resync: around the `resyncOn` of the configuration. */
  requests<R>(): MonoTypeOperatorFunction<R> {
    return tap(() => this.request());
  }

  /** Writes through a broker, and records when it says what. */
  async publish<R extends { readonly revision?: number }>(write: () => Promise<R>): Promise<R> {
    const publish = ++this.#publishes;
    this.add({ type: 'publish', publish });
    try {
      const result = await write();
      this.add({ type: 'published', publish, revision: result.revision });
      return result;
    } catch (error) {
      this.add({ type: 'published', publish, revision: undefined, error });
      throw error;
    }
  }

  /** A resume token that stands for everything up to `revision` was stored. */
  token(revision: number): void {
    this.add({ type: 'token', revision });
  }

  /** Records a remark, for whoever reads the history. */
  note(text: string): void {
    this.add({ type: 'note', text });
  }

  /**
   * Says that everything has come to rest: no fault is active, no write is under way, every back-off and all work is
   * over. What must happen in the end is judged here.
   *
   * @param options `holding`: a consumer keeps events open on purpose (default: false)
   */
  quiet({ holding = false }: { readonly holding?: boolean } = {}): void {
    this.add({ type: 'quiet', holding });
  }

  /** One line per step. Two runs of one script give the same text (I44), but for the times where time is real. */
  toString(): string {
    return this.steps.map(stepText).join('\n');
  }

  #start(consumer: string, event: DatasyncEvent<unknown>, concurrency: number): (outcome: Outcome) => void {
    const ack = ackOf(event);
    const work = ++this.#works;
    const open = (this.#openWorks.get(consumer) ?? []).filter((other) => !isGivenUp(other.ack));
    this.add({
      type: 'workStart',
      work,
      consumer,
      event,
      ack: this.#numberOf(ack),
      concurrency,
      open: open.map((other) => other.work),
    });
    this.#openWorks.set(consumer, [...open, { work, ack }]);
    let ended = false;
    return (outcome) => {
      if (ended) return;
      ended = true;
      this.add({ type: 'workEnd', work, outcome });
      const rest = this.#openWorks.get(consumer) ?? [];
      this.#openWorks.set(
        consumer,
        rest.filter((other) => other.work !== work),
      );
    };
  }

  #numberOf(ack: Ack | undefined): number {
    if (ack === undefined) return 0;
    const known = this.#ackNumbers.get(ack);
    if (known !== undefined) return known;
    this.#ackNumbers.set(ack, ++this.#acks);
    return this.#acks;
  }
}

function standing(ack: Ack | undefined): Standing | undefined {
  return ack === undefined ? undefined : (ack.outcome ?? 'open');
}

/** Whether nobody waits for the work on an event any more: what cannot be stopped goes on. */
function isGivenUp(ack: Ack | undefined): boolean {
  return ack !== undefined && ack.worst.type !== 'applied' && ack.worst.type !== 'delivered';
}

function watched<V>(work: Observable<V>, end: (outcome: Outcome) => void): Observable<V> {
  return cold((subscriber) => {
    const running = work.subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => {
        end(failure(error));
        subscriber.error(error);
      },
      complete: () => {
        end(outcomes.applied);
        subscriber.complete();
      },
    });
    return () => {
      running.unsubscribe();
      end(outcomes.cancelled);
    };
  });
}
