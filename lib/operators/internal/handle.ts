import { type DatasyncEvent, ownCopy } from '../../model/events.ts';
import { checkArgument, checkOptions, isBag, rule } from '../../model/options.ts';
import type { AckHandlers, WorkResult } from '../ackWithCallback.ts';
import type { Work } from './work.ts';

/** The handler gets the event with the ack of its work: what it says and claims of it is the work's. */
export function handle<T>(handlers: AckHandlers<T>, given: DatasyncEvent<T>, work: Work): WorkResult {
  const event = ownCopy(given, work.ack);
  return event.type === 'resync' ? handlers.resync(event, work) : handlers.change(event, work);
}

/**
 * @param name of the argument, and what is `expected` of it: for the message where it is nothing of the kind
 * @throws DatasyncError `INVALID_CONFIG` where they are no handlers, or one is missing
 */
export function checkHandlers(
  where: string,
  handlers: unknown,
  name = 'handlers',
  expected = 'an object { resync, change }',
): void {
  checkArgument(where, name, handlers, [isBag, expected]);
  checkOptions(where, handlers, { resync: rule.callback, change: rule.callback }, ['resync', 'change']);
}
