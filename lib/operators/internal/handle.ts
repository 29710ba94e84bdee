import { type DatasyncEvent, ownCopy } from '../../model/events.ts';
import type { AckHandlers, WorkResult } from '../ackWithCallback.ts';
import type { Work } from './work.ts';

/** The handler gets the event with the ack of its work: what it says and claims of it is the work's. */
export function handle<T>(handlers: AckHandlers<T>, given: DatasyncEvent<T>, work: Work): WorkResult {
  const event = ownCopy(given, work.ack);
  return event.type === 'resync' ? handlers.resync(event, work) : handlers.change(event, work);
}
