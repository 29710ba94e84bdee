import { isObservable, type OperatorFunction } from 'rxjs';
import type { Broker } from '../model/broker.ts';
import { DatasyncError } from '../model/errors.ts';
import type { DatasyncEvent } from '../model/events.ts';
import { checkOptions, isObject, shown, withMethods } from '../model/options.ts';
import type { AckResult, AckWithCallbackConfig } from './ackWithCallback.ts';
import { acked } from './internal/acked.ts';
import { publish } from './internal/publish.ts';

/** The part of a broker that {@link publishTo} uses. */
export type PublishTarget<T> = Pick<Broker<T>, 'capabilities' | 'list' | 'listKeys' | 'put' | 'delete' | 'txn'>;

/**
 * Writes each event to one or several brokers, and tells the source how it went.
 *
 * ![](../../marbles/publishTo.svg)
 *
 * A change is written as it is: its puts and deletes under the same keys (a broker adds its own prefix), as one transaction
 * where the broker has them, else key by key. A resync makes the broker equal under the event's prefixes: what it holds is
 * read, only what differs is put, and **what the source does not have is deleted**; a key that is `rejected` stays as it is there.
 * The diff would not do: it tells what this subscription was told, and the broker may hold what an earlier process wrote.
 *
 * **Never publish into what the source reads.** A broker on the same store whose prefix lies under a watched one makes each write
 * an event, and each event a write, for ever: on a store that answers without I/O (memory) nothing else in the program runs any
 * more, no timer, no request. Nothing here can see that two clients are of one store: keep their prefixes apart.
 *
 * Every broker is tried, whatever another one says. All that failed is in the outcome: one `PUBLISH_FAILED` per transaction or
 * key, which names the broker, an AggregateError where there are several; `keys` names the keys. A `timeout` is no failure
 * (the write may be done, even after the next one) unless another broker failed. Retried is what the source retries: below a source with
 * `delivery: { onNack: 'resync' }` a failed change too, and then only what differs is written.
 *
 * Order, errors, completion and memory: as {@link ackWithCallback}, which it is made of; of a resync the keys and values
 * of the broker too. It does not wait for the subscribers of a memory broker.
 *
 * @example
 * fromFiles({ paths: ['config/'], prefixes: ['/nodes/'] }).pipe(bufferDuringResync(), publishTo({ etcd: broker, copy: memoryBroker(store, { codec }) }))
 *
 * @see {@link ackWithCallback} for work of any other kind
 * @param brokers one, or several by name (of an array the names are 0, 1 …); they stay open
 * @param config `timeout` and `concurrency`, as for {@link ackWithCallback}
 * @returns an operator that emits each event with its outcome
 * @throws DatasyncError `INVALID_CONFIG` at once, where there is no broker, or a wrong one; `UNSUPPORTED` where one cannot write
 */
export function publishTo<T>(
  brokers: PublishTarget<T> | Readonly<Record<string, PublishTarget<T>>> | readonly PublishTarget<T>[],
  config: AckWithCallbackConfig = {},
): OperatorFunction<DatasyncEvent<T>, AckResult<T>> {
  const targets = named(brokers);
  const work = (event: DatasyncEvent<T>) => publish(targets, event, (error, keys) => event.fail(error, { keys }));
  return acked('publishTo', { resync: work, change: work }, config);
}

function named<T>(brokers: Parameters<typeof publishTo<T>>[0]): [name: string, target: PublishTarget<T>][] {
  const isOne = typeof (brokers as Partial<PublishTarget<T>> | undefined)?.put === 'function';
  const all = isOne ? { broker: brokers as PublishTarget<T> } : (brokers as Readonly<Record<string, PublishTarget<T>>>);
  const targets = isObject(all) && !isObservable(all) ? Object.entries(all) : [];
  if (targets.length === 0) {
    const found = shown(brokers);
    const message = `publishTo: expected a broker, or several by name, ${found === 'an object' ? 'and found none' : `not ${found}`}`;
    throw new DatasyncError('INVALID_CONFIG', message);
  }
  const isBroker = withMethods('a broker', 'list', 'listKeys', 'put', 'delete', 'txn');
  for (const [name, target] of targets) {
    checkOptions('publishTo', { [name]: target }, { [name]: isBroker }, [name]);
    const { write, reasons } = (target as Partial<PublishTarget<T>>).capabilities ?? {};
    if (write !== true)
      throw new DatasyncError('UNSUPPORTED', `publishTo: '${name}' cannot write: ${reasons?.write ?? 'it only reads'}`);
  }
  return targets;
}
