import type { Outcome } from '../model/ack.ts';
import { messageOf } from '../model/errors.ts';
import type { DatasyncEvent } from '../model/events.ts';
import type { Frame } from '../source/frames.ts';
import { notation } from './notation.ts';
import { canonical } from './notationWrite.ts';
import { type Step, undecodable } from './steps.ts';

/** A value as it stands in a message. */
export function valueText(value: unknown): string {
  if (value === undecodable) return '?';
  return value === undefined ? 'nothing' : canonical(value);
}

/** Several keys as they stand in a message. */
export function keysText(keys: Iterable<string>): string {
  return Array.from(keys, (key) => JSON.stringify(key)).join(', ');
}

/** How an event ended, in one word or with its error. */
export function outcomeText(outcome: Outcome | 'open'): string {
  if (outcome === 'open') return 'open';
  return outcome.type === 'failed' ? `failed (${messageOf(outcome.error)})` : outcome.type;
}

/** An event on one line, in the notation; with its epoch where it is counted. */
export function eventText(event: DatasyncEvent<unknown>): string {
  return event.epoch === 0 ? notation.format(event) : `${notation.format(event)} #${event.epoch}`;
}

function frameText(frame: Frame): string {
  const revision = 'revision' in frame && frame.revision !== undefined ? `@${frame.revision}` : '';
  switch (frame.type) {
    case 'page':
      return `page ${keysText(frame.entries.map(({ key }) => key))}`;
    case 'changes':
      return `changes ${frame.changes.map(({ op, key }) => (op === 'put' ? key : `!${key}`)).join(',')}${revision}`;
    default:
      return `${frame.type}${revision}`;
  }
}

/** A step on one line. */
export function stepText(step: Step<unknown>): string {
  return `${step.step} +${step.time} ${bodyText(step)}`;
}

function bodyText(step: Step<unknown>): string {
  switch (step.type) {
    case 'write': {
      const facts = Array.from(step.facts, ([key, fact]) =>
        fact === undefined ? `!${key}` : `${key}:${valueText(fact.value)}`,
      );
      return `write ${step.whole ? `{${facts.join(' ')}}` : facts.join(',')}@${step.revision}`;
    }
    case 'compacted':
      return `compacted @${step.revision}`;
    case 'subscribe':
      return `#${step.stream} subscribe at ${step.options.name ?? step.place}`;
    case 'event':
      return `#${step.stream} ${eventText(step.event)}`;
    case 'settled':
    case 'late':
      return `#${step.stream} ${step.type} ${step.of} ${outcomeText(step.outcome)}`;
    case 'error':
      return `#${step.stream} error ${messageOf(step.error)}`;
    case 'unsubscribe':
    case 'unsubscribed':
    case 'complete':
      return `#${step.stream} ${step.type}`;
    case 'status': {
      const { state, revision, stale, lag, unsettled, cause } = step.status;
      const more = [stale === undefined ? '' : 'stale', cause === undefined ? '' : messageOf(cause)].filter(
        (text) => text !== '',
      );
      return `status ${state} @${revision ?? '-'} lag ${lag} unsettled ${unsettled} ${more.join(' ')}`.trimEnd();
    }
    case 'open':
      return `open ${step.connection} ${keysText(step.prefixes)} from ${valueText(step.from)}`;
    case 'frame':
      return `frame ${step.id} of ${step.connection} ${frameText(step.frame)}`;
    case 'frameSettled':
      return `frame ${step.id} ${outcomeText(step.outcome)}`;
    case 'waiting':
      return `${step.waiting ? 'waits for' : 'has'} room ${step.connection}`;
    case 'end':
      return `end ${step.connection} ${'error' in step ? messageOf(step.error) : 'completed'}`;
    case 'close':
      return `close ${step.connection}`;
    case 'workStart':
      return `work ${step.work} of ${step.consumer} ${eventText(step.event)}`;
    case 'workEnd':
      return `work ${step.work} ${outcomeText(step.outcome)}`;
    case 'result': {
      const all = Object.entries(step.outcomes ?? {}).map(([name, { type }]) => `${name} ${type}`);
      return `result ${eventText(step.event)} ${step.outcome === undefined ? all.join(', ') : outcomeText(step.outcome)}`;
    }
    case 'state':
      return `state {${Array.from(step.state, ([key, value]) => `${key}:${valueText(value)}`).join(' ')}}`;
    case 'publish':
      return `publish ${step.publish}`;
    case 'published':
      return `published ${step.publish} ${'error' in step ? messageOf(step.error) : `@${step.revision ?? '-'}`}`;
    case 'token':
      return `token @${step.revision}`;
    case 'note':
      return step.text;
    case 'quiet':
      return step.holding ? 'quiet, but held' : 'quiet';
    case 'request':
      return 'request';
  }
}
