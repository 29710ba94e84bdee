import { lastValueFrom, of, toArray } from 'rxjs';
import { expect } from 'vitest';
import {
  type AckResult,
  type AckWithCallbackConfig,
  type BrokerCapabilities,
  type DatasyncEvent,
  jsonCodec,
  memoryBroker,
  memoryStore,
  type PublishTarget,
  publishTo,
} from '../../lib/index.ts';
import { collect, event, Producer } from './support.ts';

export const codec = jsonCodec<number>();

/** A store and its broker; `x:1` stands for what it holds. */
export function target(values: Readonly<Record<string, number>> = {}, prefix = '') {
  const store = memoryStore();
  for (const [key, value] of Object.entries(values)) store.put(key, codec.encode(value, key));
  const broker = memoryBroker(store, { codec, prefix });
  const held = (): Record<string, number> =>
    Object.fromEntries(store.entries().map(({ key, value }) => [key, codec.decode(value, key)]));
  return { store, broker, held };
}

/** Writes the events, and gives back what was said of each. */
export async function published(
  brokers: Parameters<typeof publishTo<number>>[0],
  events: readonly (string | DatasyncEvent<number>)[],
): Promise<AckResult<number>[]> {
  const source = of(...events.map((one) => (typeof one === 'string' ? event(one) : one)));
  return lastValueFrom(source.pipe(publishTo(brokers), toArray()));
}

/** The messages of a failed outcome. */
export function failures({ outcome }: AckResult<number>): string[] {
  if (outcome.type !== 'failed') return [outcome.type];
  const { error } = outcome;
  const errors = error instanceof AggregateError ? (error.errors as Error[]) : [error as Error];
  return errors.map(({ message }) => message.replace('[rx-datasync] publishTo: ', ''));
}

/** A broker in virtual time: what Promises would do, Observables do here. */
export function fake(
  methods: Readonly<Partial<Record<keyof PublishTarget<number>, unknown>>>,
  capabilities: Partial<BrokerCapabilities> = {},
): PublishTarget<number> {
  return {
    list: () => of([]),
    listKeys: () => of([]),
    put: () => of({}),
    delete: () => of({}),
    txn: () => expect.unreachable(),
    capabilities: { write: true, ...capabilities },
    ...methods,
  } as unknown as PublishTarget<number>;
}

export function run(brokers: Parameters<typeof publishTo<number>>[0], config?: AckWithCallbackConfig) {
  const producer = new Producer();
  return { producer, ...collect(producer.source.pipe(publishTo(brokers, config))) };
}
