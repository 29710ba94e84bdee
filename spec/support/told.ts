import { Subject, type Subscription } from 'rxjs';
import type { Capabilities, ChangeFields, DatasyncEvent, Outcome, ResyncFields } from '../../lib/index.ts';
import { Ack, failure, outcomes } from '../../lib/model/ack.ts';
import { own } from '../../lib/model/events.ts';
import { History, notation, type Place, type PlaceOptions, undecodable, validate } from '../../lib/testing/index.ts';
import { capabilities } from './knownBad/play.ts';

type Fields = Partial<ResyncFields<unknown>> & Partial<ChangeFields<unknown>>;

/** A history told by a test: events in the notation, at one place, each with the outcome it gets. */
export class Told {
  readonly history: History<unknown> = new History();
  #capabilities: Capabilities = capabilities;
  #place: Place = 'source';
  #options: PlaceOptions = {};
  #fields: Fields = {};
  #epoch = 0;
  readonly #events = new Subject<DatasyncEvent<unknown>>();
  readonly #acks: Ack[] = [];
  #subscription: Subscription | undefined;

  /**
   * Runs a script: steps with ` ; ` between them.
   *
   * - `= x:1,!y@7`: a write; `= {}@0`: all else is gone; `?` cannot be decoded
   * - `{x:1}@1`, `x:1>2@2 failed`, `x:3@3 open`: an event and its outcome; without one `applied`
   * - `say failed`, `say applied 1`: a word on the last event, or on the one so many before it
   * - `under x`, `epoch 2`: what the events from here on have
   * - `at buffered`, `limit 1`, `counted diffed`: about the place and the backend; they come first
   * - `compacted 2`, `quiet`, `held`, `unsubscribe`
   */
  static of(script: string): Told {
    const told = new Told();
    for (const step of script.split(';')) told.step(step.trim());
    return told;
  }

  step(step: string): this {
    const [word = '', first = '', second] = step.split(' ');
    switch (word) {
      case '=':
        return this.#write(step.slice(2));
      case 'at':
        this.#place = first as Place;
        return this;
      case 'limit':
        this.#options = { ...this.#options, inFlight: Number(first) };
        return this;
      case 'watching':
        this.#options = { ...this.#options, prefixes: [first] };
        return this;
      case 'counted':
        this.#capabilities = {
          ...this.#capabilities,
          revision: 'subscription',
          handOver: first === 'diffed' ? first : 'windowed',
          atomic: 'none',
        };
        return this;
      case 'parts':
        this.#capabilities = { ...this.#capabilities, atomic: 'none' };
        return this;
      case 'under':
        this.#fields = { ...this.#fields, prefixes: [first] };
        return this;
      case 'epoch':
        this.#fields = { ...this.#fields, epoch: Number(first) };
        return this;
      case 'say':
        this.#acks.at(-1 - Number(second ?? 0))!.force(outcomeOf(first));
        return this;
      case 'late':
        this.#acks.at(-1 - Number(second ?? 0))!.note(outcomeOf(first));
        return this;
      case 'compacted':
        this.history.compacted(Number(first));
        return this;
      case 'quiet':
      case 'held':
        this.#subscribe();
        this.history.quiet({ holding: word === 'held' });
        return this;
      case 'unsubscribe':
        this.#subscription?.unsubscribe();
        return this;
      default: {
        const isOpen = step.endsWith(' open');
        const value = notation.parse(isOpen ? step.slice(0, -5) : step);
        if ('event' in value) return this.tell(value.event, value.outcome);
        return this.tell(value as DatasyncEvent<unknown>, isOpen ? 'open' : outcomes.applied);
      }
    }
  }

  /** An event with other fields where the notation does not say it. */
  tell(plain: DatasyncEvent<unknown>, outcome: Outcome | 'open' = outcomes.applied, fields: Fields = {}): this {
    this.#subscribe();
    if (plain.type === 'resync') this.#epoch++;
    const all = { epoch: this.#epoch, ...this.#fields, ...fields };
    const event = plain.type === 'resync' ? plain.with(all) : plain.with(all);
    const ack = new Ack();
    this.#acks.push(ack);
    this.#events.next(own(event, ack));
    if (outcome !== 'open') ack.release(outcome);
    return this;
  }

  error(error: unknown): this {
    this.#events.error(error);
    return this;
  }

  /** The promises that were broken, sorted, each once. */
  get broken(): string[] {
    const names = validate(this.history, this.#capabilities).map(({ invariant }) => invariant);
    return [...new Set(names)].sort();
  }

  #subscribe(): void {
    const place = this.history.tap(this.#place, this.#options);
    this.#subscription ??= this.#events.pipe(place).subscribe({ error: () => undefined });
  }

  #write(text: string): this {
    const event = notation.parse(text) as DatasyncEvent<unknown>;
    const items = event.type === 'resync' ? event.entries.items : event.changes;
    const put = Object.fromEntries(items.flatMap((item) => ('value' in item ? [[item.key, item.value] as const] : [])));
    for (const { key } of event.rejected) put[key] = undecodable;
    const deleted = items.filter((item) => !('value' in item)).map(({ key }) => key);
    this.history.write({ revision: event.revision, put, delete: deleted, whole: event.type === 'resync' });
    return this;
  }
}

function outcomeOf(word: string): Outcome {
  return word === 'failed' ? failure(new Error('as the test says')) : outcomes[word as keyof typeof outcomes];
}
