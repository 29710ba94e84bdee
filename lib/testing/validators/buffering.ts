import { settledWell } from '../../model/ack.ts';
import { DatasyncError } from '../../model/errors.ts';
import { eventText, outcomeText } from '../text.ts';
import type { Finding, Validator } from './invariant.ts';
import type { Run } from './run.ts';
import { differences } from './truth.ts';

/** I30: changes wait for their snapshot. */
export const buffered: Validator = {
  says: 'below a buffer no change passes while the last resync is open, or has not been settled well',
  needs: ['events', 'buffered'],
  *check(run) {
    for (const { event, stream, resync, base, step } of run.tellings()) {
      if (stream.place !== 'buffered' || event.type !== 'change' || base === undefined) continue;
      if (resync !== undefined && resync !== 'open' && settledWell(resync)) continue;
      const stands = resync === undefined ? 'unknown' : outcomeText(resync);
      yield {
        step,
        message: `${stream.name}: the change at ${event.revision} passed, and the resync at ${base.event.revision} (step ${base.step}) was ${stands}`,
      };
    }
  },
};

/** I31: a limit is a limit. */
export const bounded: Validator = {
  says: 'at most inFlight changes and one resync are open; more wait, or the source ends and says why',
  needs: ['events'],
  *check(run) {
    for (const { event, stream, openChanges, openResyncs, step } of run.tellings()) {
      if (stream.place !== 'source') continue;
      const { inFlight } = stream.options;
      if (event.type === 'resync' && openResyncs > 1) {
        yield {
          step,
          message: `${stream.name}: the resync at ${event.revision} is one of ${openResyncs} that are open`,
        };
      }
      if (event.type === 'change' && inFlight !== undefined && openChanges > inFlight) {
        yield {
          step,
          message: `${stream.name}: the change at ${event.revision} is one of ${openChanges} that are open; ${inFlight} is the limit`,
        };
      }
    }
    yield* overflows(run);
  },
};

function* overflows(run: Run): Iterable<Finding> {
  for (const { name, ended, tellings } of run.sources) {
    if (ended?.how !== 'error' || !(ended.error instanceof DatasyncError) || ended.error.code !== 'OVERFLOW') continue;
    const isOpen = tellings.some((telling) => telling.settled.every((said) => said.step > ended.step));
    if (!isOpen) yield { step: ended.step, message: `${name}: it ended with OVERFLOW, but no event was open` };
  }
}

/** I32: what is told at once is told right. */
export const coalescing: Validator = {
  says: 'a coalesced change brings every key to where the store was',
  needs: ['events', 'truth'],
  *check(run) {
    yield* differences(run, 'I32');
    for (const { event, stream, step } of run.tellings()) {
      if (event.type === 'change' && event.changes.length === 0 && event.rejected.length === 0) {
        yield { step, message: `${stream.name}: the change ${eventText(event)} tells nothing` };
      }
    }
  },
};
