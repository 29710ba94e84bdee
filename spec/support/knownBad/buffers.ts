import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { bufferDuringResync, type ChangeEvent, type DatasyncEvent, settledWell } from '../../../lib/index.ts';
import { outcomes } from '../../../lib/model/ack.ts';
import { ackOf, release, retained } from '../../../lib/model/events.ts';

/** A small buffer: `isAmended: false` throws changes away, and the resync does not learn of it. */
export function smallBuffer(isAmended: boolean): MonoTypeOperatorFunction<DatasyncEvent<string>> {
  return (source) => {
    if (isAmended) return source.pipe(bufferDuringResync());
    return new Observable((subscriber) => {
      const held: ChangeEvent<string>[] = [];
      let isOpen = false;
      const pass = (event: DatasyncEvent<string>): void => {
        subscriber.next(event);
        release(event);
      };
      return source.subscribe((arrived) => {
        const event = retained(arrived);
        if (event.type === 'change') {
          if (isOpen) pass(event);
          else held.push(event);
          return;
        }
        isOpen = false;
        for (const change of held.splice(0)) release(change, outcomes.superseded);
        ackOf(event)!.onSettled((outcome) => {
          isOpen = settledWell(outcome);
          if (isOpen) for (const change of held.splice(0)) pass(change);
        });
        pass(event);
      });
    });
  };
}

/** A buffer that believes every good settlement: right, as long as it hears of it before the source does. */
export function trustingBuffer(): MonoTypeOperatorFunction<DatasyncEvent<string>> {
  return (source) =>
    new Observable((subscriber) => {
      const held: ChangeEvent<string>[] = [];
      let isOpen = false;
      const pass = (event: DatasyncEvent<string>): void => {
        subscriber.next(event);
        release(event);
      };
      return source.subscribe((arrived) => {
        const event = retained(arrived);
        if (event.type === 'change') {
          if (isOpen) pass(event);
          else held.push(event);
          return;
        }
        isOpen = false;
        ackOf(event)!.onSettled((outcome) => {
          isOpen ||= settledWell(outcome);
          if (isOpen) for (const change of held.splice(0)) pass(change);
        });
        pass(event);
      });
    });
}
