import { type Observable, Subscription } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { connect } from '../../internal/connect.ts';
import { outcomes } from '../../model/ack.ts';
import { ackOf, type DatasyncEvent, release, retained } from '../../model/events.ts';
import type { AckHandlers, AckResult } from '../ackWithCallback.ts';
import { handle } from './handle.ts';
import { Lanes, type Turn } from './lanes.ts';
import { Work } from './work.ts';

/** `ackWithCallback` for more than one event at a time. */
export function concurrently<T>(
  source: Observable<DatasyncEvent<T>>,
  handlers: AckHandlers<T>,
  concurrency: number,
  timeout: number | undefined,
  where: string,
): Observable<AckResult<T>> {
  return cold((subscriber) => {
    const lanes = new Lanes<T>();
    const works = new Map<Turn<T>, Work>();
    // A place is taken until the result has been emitted, and the work is over by then.
    let taken = 0;
    let looping = false;
    let completed = false;

    const stopAll = (): void => {
      for (const work of works.values()) work.stop();
    };

    const cancelAll = (): void => {
      stopAll();
      for (const work of works.values()) work.cancel();
      works.clear();
      lanes.ready.length = 0;
      for (const turn of lanes.open) if (!turn.isTaken) release(turn.event, outcomes.cancelled);
      lanes.open.clear();
    };

    const start = (turn: Turn<T>): void => {
      const { event } = turn;
      taken++;
      turn.isTaken = true;
      const work = new Work(ackOf(event)!, (outcome) => {
        works.delete(turn);
        subscriber.next({ event, outcome });
        taken--;
        lanes.end(turn);
        loop();
      });
      works.set(turn, work);
      work.start((context) => handle(handlers, event, context), timeout);
    };

    const loop = (): void => {
      if (looping) return;
      looping = true;
      while (taken < concurrency && lanes.ready.length > 0 && !subscriber.closed) start(lanes.ready.shift()!);
      looping = false;
      if (completed && lanes.open.size === 0) subscriber.complete();
    };

    const upstream = new Subscription();
    // In this order: the works are stopped, the source cancels what is open, the rest is let go of.
    subscriber.add(stopAll);
    subscriber.add(upstream);
    subscriber.add(cancelAll);
    connect(
      source,
      {
        next: (event) => {
          lanes.add(retained(event, where));
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
