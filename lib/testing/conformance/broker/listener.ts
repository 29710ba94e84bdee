import type { Broker, WriteResult } from '../../../model/broker.ts';
import type { Capabilities } from '../../../model/capabilities.ts';
import type { ChangeEvent } from '../../../model/events.ts';
import { History } from '../../history.ts';
import { recordHistory } from '../../recordHistory.ts';
import { inspect } from '../../validate.ts';
import { problems, story } from '../play.ts';
import { Truth, type Values } from '../truth.ts';
import { codec } from '../values.ts';
import { Views } from '../views.ts';
import type { Bench } from './bench.ts';

/** A broker and a subscription to the same store: what the one writes, the other is told. */
export class Listener {
  readonly broker: Broker<unknown>;
  readonly #bench: Bench;
  readonly #history: History = new History();
  readonly #capabilities: Capabilities;
  readonly #truth: Truth;
  readonly #views: Views;
  #recording: { unsubscribe(): void } | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#capabilities = bench.subject.source!.capabilities;
    this.#truth = new Truth(this.#history, this.#capabilities);
    this.#views = new Views(this.#history);
    this.broker = bench.broker('', codec);
  }

  /** Subscribes, and waits for the first resync. */
  async listen(): Promise<void> {
    // A store that nobody has written to may not be there yet: a file.
    await this.publish({ before: 1 }, () => this.broker.put('before', 1));
    const { subject, store, prefix } = this.#bench;
    const config = { prefixes: [prefix], codec, statusObserver: this.#history.statusObserver };
    const options = { history: this.#history, prefixes: [prefix] };
    this.#recording = recordHistory(subject.source!.of(store, config), options);
    await this.told();
  }

  /** Writes, and notes what that means. */
  async publish<R extends WriteResult>(values: Values, write: () => Promise<R>): Promise<void> {
    const known = this.expect(values);
    known((await this.#history.publish(async () => comparable(await write(), this.#capabilities))).revision);
  }

  /** Notes what is going to happen by itself. @returns what is told its revision */
  expect(values: Values): (revision: number | undefined) => void {
    const whole = Object.entries(values).map(([key, value]) => [this.#bench.prefix + key, value]);
    return this.#truth.begin(Object.fromEntries(whole) as Values);
  }

  /** Waits until the subscription was told everything. */
  told(): Promise<void> {
    return this.#bench.until(() => this.#views.missing(this.#truth.values, [this.#bench.prefix], false));
  }

  /** The changes of one key that were told. */
  changesOf(key: string): ChangeEvent<unknown>['changes'] {
    const whole = this.#bench.prefix + key;
    return this.#history.steps
      .flatMap((step) => (step.type === 'event' && step.event.type === 'change' ? step.event.changes : []))
      .filter((change) => change.key === whole);
  }

  /** Writes a last time, and judges everything. @throws Error with the promises that were broken */
  async end(): Promise<void> {
    await this.publish({ last: 1 }, () => this.broker.put('last', 1));
    await this.told();
    this.#history.quiet();
    this.close();
    const wrong = problems(inspect(this.#history, this.#capabilities).violations);
    if (wrong !== '') throw new Error(wrong + story(this.#history));
  }

  close(): void {
    this.#recording?.unsubscribe();
  }
}

/** Where events are counted, a revision that the store gave to a write is none of theirs. */
function comparable({ revision }: WriteResult, capabilities: Capabilities): WriteResult {
  return capabilities.revision === 'store' && revision !== undefined ? { revision } : {};
}
