import { type Outcome, settledWell } from '../../model/ack.ts';
import { outcomeText } from '../text.ts';
import type { Finding, Validator } from './invariant.ts';
import { firstAfter, type Run, type Stream, type Telling, type Work } from './run.ts';
import { isOver } from './snapshot.ts';
import type { SentFrame } from './upstream.ts';

/** I33: one settlement for each. */
export const oneSettlement: Validator = {
  says: 'each event is settled once, and so is each frame',
  needs: ['events'],
  *check(run) {
    for (const { settled, event, stream, step } of run.tellings()) {
      if (settled.length > 1)
        yield {
          step: settled[1]!.step,
          message: `${stream.name}: the event at ${event.revision} (step ${step}) was settled ${settled.length} times`,
        };
    }
    for (const { frames, upstream } of run.connections) {
      for (const { settled, id, step } of frames) {
        if (settled.length > 1)
          yield {
            step: settled[1]!.step,
            message: `${upstream}: frame ${id} (step ${step}) was settled ${settled.length} times`,
          };
      }
    }
    for (const quiet of run.quiet()) yield* neverSettled(run, quiet.step);
  },
};

function* neverSettled(run: Run, quiet: number): Iterable<Finding> {
  const open = ({ settled }: Pick<Telling, 'settled'> | SentFrame): boolean =>
    !settled.some((said) => said.step < quiet);
  for (const telling of run.tellings()) {
    const { event, stream, step } = telling;
    // I42 says what holds after an unsubscribe.
    if (step > quiet || stream.ended?.how === 'unsubscribe' || !open(telling)) continue;
    yield { step: quiet, message: `${stream.name}: the event at ${event.revision} (step ${step}) was never settled` };
  }
  for (const { frames, upstream } of run.connections) {
    for (const sent of frames) {
      if (sent.step > quiet || sent.frame.type === 'page' || sent.frame.type === 'progress' || !open(sent)) continue;
      yield { step: quiet, message: `${upstream}: frame ${sent.id} (step ${sent.step}) was never settled` };
    }
  }
}

/** I34: what failed is known where it comes from. */
export const errorsReachSource: Validator = {
  says: 'every error of a consumer is in the outcome of the event, and of its frame',
  needs: ['events'],
  *check(run) {
    for (const { start, end } of run.works) {
      if (end?.outcome.type !== 'failed') continue;
      const telling = run.tellingOf(start.ack);
      if (telling === undefined) continue;
      const { error } = end.outcome;
      const said = [...telling.settled, ...telling.late];
      if (
        said.length === 0 ||
        said.some(
          ({ outcome }) => outcome.type === 'cancelled' || outcome.type === 'superseded' || holds(outcome, error),
        )
      )
        continue;
      const outcomes = said.map(({ outcome }) => outcomeText(outcome)).join(', then ');
      yield {
        step: end.step,
        message: `${start.consumer} failed on the event at ${telling.event.revision} (step ${telling.step}): ${outcomeText(end.outcome)}; its outcome was ${outcomes}`,
      };
    }
    for (const { sent, telling, outcome, told } of framesAndEvents(run)) {
      if (told.type !== 'failed' || outcome.type === 'failed') continue;
      yield {
        step: sent.settled[0]!.step,
        message: `${telling.stream.name}: the event at ${telling.event.revision} failed, and frame ${sent.id} was settled ${outcome.type}`,
      };
    }
  },
};

/** Whether an outcome has an error in it, alone or among others. */
function holds(outcome: Outcome, error: unknown): boolean {
  return outcome.type === 'failed' && isWithin(outcome.error, error);
}

function isWithin(whole: unknown, error: unknown): boolean {
  if (Object.is(whole, error)) return true;
  if (!(whole instanceof Error)) return false;
  if (whole instanceof AggregateError && whole.errors.some((part) => isWithin(part, error))) return true;
  return whole.cause !== undefined && isWithin(whole.cause, error);
}

/** I35: not knowing is not success. */
export const unknownIsNotSuccess: Validator = {
  says: 'a time-out, and an event that nobody claimed, are never reported as applied',
  needs: ['events'],
  *check(run) {
    for (const telling of run.tellings()) {
      const said = telling.settled[0];
      if (said === undefined || !settledWell(said.outcome) || run.works.length === 0) continue;
      const works = run.worksOn(telling.ack);
      const open = works.find(({ end }) => end === undefined || end.step > said.step);
      const where = `${telling.stream.name}: the event at ${telling.event.revision} (step ${telling.step}) was settled ${said.outcome.type}`;
      if (open !== undefined)
        yield { step: said.step, message: `${where}, while ${open.start.consumer} was still at work` };
    }
    for (const { ack, outcome, step, name } of run.of('result')) {
      const works = run.worksOn(ack);
      const open = works.find(({ end }) => end === undefined || end.step > step);
      if (outcome?.type === 'applied' && open !== undefined)
        yield { step, message: `${name}: applied, while ${open.start.consumer} was still at work` };
    }
    for (const { sent, telling, outcome, told } of framesAndEvents(run)) {
      const isSuccess = outcome.type === 'applied' || (outcome.type === 'delivered' && !settledWell(told));
      if (!isSuccess || told.type === 'applied' || told.type === 'failed') continue;
      yield {
        step: sent.settled[0]!.step,
        message: `${telling.stream.name}: frame ${sent.id} was settled ${outcome.type}; its event, at ${telling.event.revision}, was ${told.type}`,
      };
    }
  },
};

interface FrameOutcome {
  readonly sent: SentFrame;
  readonly outcome: Outcome;
  /** The event that carried its effect. */
  readonly telling: Telling;
  readonly told: Outcome;
}

/** Each settled frame with the first event that holds its revision. */
function* framesAndEvents(run: Run): Iterable<FrameOutcome> {
  for (const stream of run.sources) {
    if (stream.capabilities.revision !== 'store') continue;
    for (const { frames } of run.connectionsOf(stream)) {
      for (const sent of frames) {
        const outcome = sent.settled[0]?.outcome;
        if (outcome === undefined || outcome.type === 'superseded' || outcome.type === 'cancelled') continue;
        const revision = 'revision' in sent.frame ? (sent.frame.revision ?? 0) : 0;
        // A resync holds all that came before it, whatever its revision.
        const telling = firstAfter(stream, sent.step, ({ event }) => {
          return event.type === 'resync' || event.revision >= revision;
        });
        const told = telling?.settled[0]?.outcome;
        if (telling !== undefined && told !== undefined) yield { sent, outcome, telling, told };
      }
    }
  }
}

/** I36: one after the other. */
export const serial: Validator = {
  says: 'a consumer gets the next event after the one before, or up to its concurrency, never two of one key, and a resync alone',
  needs: ['work'],
  *check(run) {
    const byId = new Map(run.works.map((work) => [work.start.work, work] as const));
    for (const { start } of run.works) {
      const open = start.open.map((id) => byId.get(id)!);
      if (open.length >= start.concurrency) {
        yield {
          step: start.step,
          message: `${start.consumer} starts on the event at ${start.event.revision}, with ${open.length} others at work (${revisions(open)}); ${start.concurrency} is the limit`,
        };
        continue;
      }
      const beside = open.find((work) => work.start.event.type === 'resync' || start.event.type === 'resync');
      if (beside !== undefined) {
        yield {
          step: start.step,
          message: `${start.consumer} starts on the ${start.event.type} at ${start.event.revision} beside the ${revisions([beside])}: a resync is worked on alone`,
        };
        continue;
      }
      const keys = keysAtWork(start);
      const rival = open.find((work) => [...keysAtWork(work.start)].some((key) => keys.has(key)));
      if (rival !== undefined)
        yield {
          step: start.step,
          message: `${start.consumer} works twice on one key: at ${rival.start.event.revision} and at ${start.event.revision}`,
        };
    }
  },
};

/** Of a change: a resync is no one's neighbour. */
function keysAtWork({ event }: Work['start']): ReadonlySet<string> {
  const keys = new Set(event.rejected.map(({ key }) => key));
  if (event.type === 'change') for (const { key } of event.changes) keys.add(key);
  return keys;
}

function revisions(works: readonly Work[]): string {
  return works.map(({ start }) => `${start.event.type} at ${start.event.revision}`).join(', ');
}

/** I39: what becomes due meanwhile comes after, once. */
export const overtaking: Validator = {
  says: 'what is asked for during a resync makes exactly one more follow',
  needs: ['events'],
  *check(run) {
    for (const stream of run.sources) {
      yield* overtaken(stream);
      yield* unheard(run, stream);
      yield* tooMany(run, stream);
    }
  },
};

/** A resync that was told while another one was open. */
function* overtaken({ tellings, name }: Stream): Iterable<Finding> {
  for (const { event, openResyncs, step } of tellings) {
    if (event.type === 'resync' && openResyncs > 1)
      yield { step, message: `${name}: the resync at ${event.revision} did not wait for the one before` };
  }
}

function* unheard(run: Run, stream: Stream): Iterable<Finding> {
  for (const { step } of run.quiet()) {
    const asked = run.of('request').findLast((request) => request.step < step && request.step > stream.step);
    if (asked === undefined || isOver(stream, step)) continue;
    const isTold = stream.tellings.some(
      ({ event, step: at }) => event.type === 'resync' && event.reason !== 'nacked' && at > asked.step && at < step,
    );
    if (!isTold)
      yield { step, message: `${stream.name}: the resync that was asked for at step ${asked.step} never came` };
  }
}

/** One that runs when it is asked for, and one more. */
function* tooMany(run: Run, stream: Stream): Iterable<Finding> {
  const requests = run.of('request');
  let last = 0;
  let without = 0;
  for (const { event, step } of stream.tellings) {
    if (event.type !== 'resync' || event.reason !== 'requested') continue;
    const isAsked = requests.some((request) => request.step > last && request.step < step);
    without = isAsked ? 0 : without + 1;
    if (requests.length > 0 && without > 1)
      yield {
        step,
        message: `${stream.name}: the resync at ${event.revision} says requested, and nobody had asked again`,
      };
    last = step;
  }
}
