import type { Subscriber } from 'rxjs';
import type { Outcome } from '../../model/ack.ts';
import { ackOf, type DatasyncEvent, release } from '../../model/events.ts';

/** Emits an event that was retained, and lets go of it; `judge` hears how it ends, and a failure that comes after that. */
export function passOn<T>(
  subscriber: Subscriber<DatasyncEvent<T>>,
  event: DatasyncEvent<T>,
  judge: (outcome: Outcome) => void,
): void {
  const ack = ackOf(event)!;
  ack.onSettled(judge);
  ack.onLate(judge);
  subscriber.next(event);
  release(event);
}
