import { Observable, type Subscriber, tap } from 'rxjs';
import { Ack, type Claim, type Outcome, outcomes } from '../../lib/model/ack.ts';
import { type DatasyncEvent, own } from '../../lib/model/events.ts';
import { notation } from '../../lib/testing/notation.ts';

export type Event = DatasyncEvent<number>;

/** The event a text of the notation stands for, in an epoch of a source. */
export function event(text: string, epoch = 0): Event {
  const parsed = notation.parse<number>(text) as Event;
  return parsed.type === 'resync' ? parsed.with({ epoch }) : parsed.with({ epoch });
}

/** The same with an ack, for a Subject to emit, which does not cancel it by itself. */
export function acked(text: string, epoch = 0): { event: Event; ack: Ack; said: string[] } {
  const said: string[] = [];
  const say =
    (late = '') =>
    ({ type }: Outcome) =>
      said.push(late + type);
  const ack = new Ack({ settled: say(), failedLate: say('late '), late: () => said.push('late word') });
  return { event: own(event(text, epoch), ack), ack, said };
}

/** An Observable as a source makes it: told by hand, each event with an ack; writes down how each one ended. */
export class Producer {
  /** `x:2@3 applied`, in the order of settlement; a late failure as `x:2@3 late failed`. */
  readonly settled: string[] = [];
  readonly outcomes: Outcome[] = [];
  readonly #open = new Set<Ack>();
  #subscriber: Subscriber<Event> | undefined;
  #epoch = 0;
  #completed = false;

  /** One subscriber at a time. Unsubscribed or failed, all that is open is `cancelled`; completed, it is still waited for. */
  readonly source: Observable<Event> = new Observable<Event>((subscriber) => {
    this.#subscriber = subscriber;
    subscriber.add(() => {
      this.#subscriber = undefined;
      if (!this.#completed) for (const ack of this.#open) ack.force(outcomes.cancelled);
    });
  });

  get subscribed(): boolean {
    return this.#subscriber !== undefined;
  }

  /** Events told and not settled. */
  get open(): number {
    return this.#open.size;
  }

  /** Tells events, written in the notation; a resync starts the next epoch. @returns the ack of the last one */
  tell(...texts: string[]): Ack {
    let ack = new Ack();
    for (const text of texts) {
      if (text.startsWith('{')) this.#epoch++;
      ack = this.#tell(event(text, this.#epoch), text);
    }
    return ack;
  }

  error(error: unknown): void {
    this.#subscriber?.error(error);
  }

  complete(): void {
    this.#completed = true;
    this.#subscriber?.complete();
  }

  #tell(told: Event, text: string): Ack {
    const say = (outcome: Outcome, late = ''): void => {
      this.settled.push(`${text} ${late}${outcome.type}`);
      this.outcomes.push(outcome);
    };
    const ack = new Ack({
      settled: (outcome) => {
        this.#open.delete(ack);
        say(outcome);
      },
      failedLate: (outcome) => say(outcome, 'late '),
      late: () => this.settled.push(`${text} late word`),
    });
    this.#open.add(ack);
    this.#subscriber?.next(own(told, ack));
    ack.release();
    return ack;
  }
}

/** What a subscriber got, as texts of the notation; `|` and `# message` at the end. */
export function collect(source: Observable<unknown>): { got: string[]; unsubscribe: () => void } {
  const got: string[] = [];
  const subscription = source.subscribe({
    next: (value) => got.push(notation.format(value)),
    error: (error: unknown) => got.push(`# ${error instanceof Error ? error.message : String(error)}`),
    complete: () => got.push('|'),
  });
  return { got, unsubscribe: () => subscription.unsubscribe() };
}

/** The same, by a consumer that claims each resync: what it says of them is said here, oldest first. */
export function claiming(source: Observable<Event>): { got: string[]; claims: Claim[]; unsubscribe: () => void } {
  const claims: Claim[] = [];
  const claimed = source.pipe(
    tap((one) => {
      if (one.type === 'resync') claims.push(one.claim());
    }),
  );
  return { ...collect(claimed), claims };
}
