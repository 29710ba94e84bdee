import type { Outcome } from '../model/ack.ts';
import { DatasyncError, reasonOf } from '../model/errors.ts';
import type { DatasyncEvent } from '../model/events.ts';

/** So many keys stand in a message; the outcome that the frame gets has them all. */
const named = 10;

/** What the status says of an event that did not settle well: which one, on what keys, and the consumer's reason. */
export function nackOf(event: DatasyncEvent<unknown>, outcome: Outcome): DatasyncError {
  const what =
    event.type === 'resync' ? `the resync of epoch ${event.epoch}` : `the change at revision ${event.revision}`;
  if (outcome.type !== 'failed') {
    const verb = outcome.type === 'timedOut' ? 'timed out' : 'was cut off inside the pipeline';
    return new DatasyncError('NACKED', `${what} ${verb}${keysText(keysOf(event))}`);
  }
  const { error, keys = keysOf(event) } = outcome;
  return new DatasyncError('NACKED', `${what} failed${keysText(keys)}${reasonText(error)}`, { cause: error });
}

function keysOf(event: DatasyncEvent<unknown>): readonly string[] {
  // A resync is of all keys: nothing would be said by naming some.
  return event.type === 'resync' ? [] : [...event.changes, ...event.rejected].map(({ key }) => key);
}

function keysText(keys: readonly string[]): string {
  if (keys.length === 0) return '';
  const texts = keys.slice(0, named).map((key) => JSON.stringify(key));
  return ` (${texts.join(', ')}${keys.length > named ? ', …' : ''})`;
}

/** The first of several, and how many more. */
function reasonText(error: unknown): string {
  if (error === undefined) return '';
  const errors = error instanceof AggregateError && error.errors.length > 0 ? (error.errors as unknown[]) : [error];
  return `: ${reasonOf(errors[0])}${errors.length > 1 ? `, and ${errors.length - 1} more` : ''}`;
}
