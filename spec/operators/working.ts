import { Subject } from 'rxjs';
import { ackWithCallback, type WorkContext, type WorkResult } from '../../lib/operators/ackWithCallback.ts';
import { collect, type Event, Producer } from './support.ts';

export type Handler = (event: Event, context: WorkContext) => WorkResult;

export function working(handler: Handler, concurrency = 3, timeout?: number) {
  return ackWithCallback<number>(
    { resync: handler, change: handler },
    timeout === undefined ? { concurrency } : { concurrency, timeout },
  );
}

/** A producer above, and a Subject per work, by the revision of its event; a resync at 1 has been applied. */
export function worked(concurrency = 3) {
  const producer = new Producer();
  const works = new Map<number, Subject<void>>();
  const started: number[] = [];
  const handler: Handler = ({ revision }) => {
    const work = new Subject<void>();
    works.set(revision, work);
    started.push(revision);
    return work;
  };
  const { got, unsubscribe } = collect(producer.source.pipe(working(handler, concurrency)));
  const end = (revision: number): void => works.get(revision)!.complete();
  producer.tell('{}@1');
  end(1);
  got.length = started.length = producer.settled.length = 0;
  return { producer, works, started, got, unsubscribe, end };
}
