import { Subject } from 'rxjs';
import {
  type Consumer,
  type ConsumerConfig,
  consumer,
  type DatasyncEvent,
  jsonCodec,
  mapValue,
  type OrderedResult,
  type OrderedResyncConfig,
  orderedResync,
  type WorkResult,
} from '../../lib/index.ts';
import { notation } from '../../lib/testing/notation.ts';
import { Producer } from './support.ts';

export const codec = jsonCodec<number>();
/** What the producers of these specs tell, as the bytes that `orderedResync` takes. */
export const toBytes = mapValue((value: number, key) => codec.encode(value, key));

/** `resync@7 a applied, b failed`, with the name of whoever was told again. */
export function resultText({ event: { type, revision }, outcomes, again }: OrderedResult): string {
  const all = Object.entries(outcomes).map(([name, outcome]) => `${name} ${outcome.type}`);
  return `${again === undefined ? '' : `${again} again: `}${type}@${revision} ${all.join(', ')}`;
}

/** A consumer whose works are Subjects, and a log of what it was given. */
export class Worker {
  readonly name: string;
  readonly log: string[];
  readonly works: Subject<void>[] = [];

  constructor(name: string, log: string[] = []) {
    this.name = name;
    this.log = log;
  }

  readonly work = (event: DatasyncEvent<number>): Subject<void> => {
    this.log.push(`${this.name} ${notation.format(event)}`);
    const subject = new Subject<void>();
    this.works.push(subject);
    return subject;
  };

  /** The one that was begun last. */
  get current(): Subject<void> {
    return this.works.at(-1)!;
  }

  /** Under the prefix that is its name. */
  consumer(config: ConsumerConfig = {}): Consumer {
    return consumer(this.name, this.name, codec, { resync: this.work, change: this.work }, config);
  }
}

/** A producer above `orderedResync`, and what comes out: results, then `|` or `# message`. */
export function ordered(consumers: readonly Consumer[], config?: OrderedResyncConfig) {
  const producer = new Producer();
  const results: OrderedResult[] = [];
  const got: string[] = [];
  const subscription = producer.source.pipe(toBytes, orderedResync(consumers, config)).subscribe({
    next: (result) => {
      results.push(result);
      got.push(resultText(result));
    },
    error: (error: unknown) => got.push(`# ${error instanceof Error ? error.message : String(error)}`),
    complete: () => got.push('|'),
  });
  return { producer, results, got, unsubscribe: () => subscription.unsubscribe() };
}

/** A consumer that does at once what a function says, and logs what it was given. */
export function quick(
  name: string,
  log: string[],
  config: ConsumerConfig = {},
  act: (event: DatasyncEvent<number>) => WorkResult = () => undefined,
): Consumer {
  const work = (event: DatasyncEvent<number>): WorkResult => {
    log.push(`${name} ${notation.format(event)}`);
    return act(event);
  };
  return consumer(name, name, codec, { resync: work, change: work }, config);
}
