import { type Observable, Subscription } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { connect } from '../../internal/connect.ts';
import { type Outcome, outcomes } from '../../model/ack.ts';
import { ackOf, type DatasyncEvent, release, retained } from '../../model/events.ts';
import type { AckHandlers, AckResult, WorkResult } from '../ackWithCallback.ts';
import { handle } from './handle.ts';
import { Work } from './work.ts';

/** `ackWithCallback` with one event at a time. */
export function serially<T>(
  source: Observable<DatasyncEvent<T>>,
  handlers: AckHandlers<T>,
  timeout: number | undefined,
  where: string,
): Observable<AckResult<T>> {
  return cold((subscriber) => {
    const waiting: DatasyncEvent<T>[] = [];
    // The event that is worked on; `busy` outlasts it by the emission of the result.
    let current: DatasyncEvent<T> | undefined;
    let work: Work | undefined;
    let busy = false;
    let looping = false;
    let completed = false;

    const cancelAll = (): void => {
      work?.stop();
      work?.cancel();
      work = current = undefined;
      for (const event of waiting.splice(0)) release(event, outcomes.cancelled);
    };

    // Both serve all events, since one is worked on at a time: closures of its own for each would be garbage.
    const run = (context: Work): WorkResult => handle(handlers, current!, context);

    const end = (outcome: Outcome): void => {
      const event = current!;
      work = current = undefined;
      subscriber.next({ event, outcome });
      busy = false;
      loop();
    };

    const start = (event: DatasyncEvent<T>): void => {
      busy = true;
      current = event;
      work = new Work(ackOf(event)!, end);
      work.start(run, timeout);
    };

    const loop = (): void => {
      if (looping) return;
      looping = true;
      while (!busy && waiting.length > 0 && !subscriber.closed) start(waiting.shift()!);
      looping = false;
      if (completed && !busy && waiting.length === 0) subscriber.complete();
    };

    const upstream = new Subscription();
    // In this order: the work is stopped, the source cancels what is open, the rest is let go of.
    subscriber.add(() => work?.stop());
    subscriber.add(upstream);
    subscriber.add(cancelAll);
    connect(
      source,
      {
        next: (event) => {
          waiting.push(retained(event, where));
          loop();
        },
        error: (error) => {
          cancelAll();
          subscriber.error(error);
        },
        complete: () => {
          completed = true;
          loop();
        },
      },
      upstream,
    );
  });
}
