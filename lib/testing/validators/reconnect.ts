import { ContinuityLost } from '../../source/frames.ts';
import { valueText } from '../text.ts';
import { keysOf } from './fold.ts';
import type { Finding, Validator } from './invariant.ts';
import { held } from './memo.ts';
import { lastBefore, type Run, type Stream, type Telling } from './run.ts';
import { same } from './same.ts';
import { isOver } from './snapshot.ts';
import { contradictions } from './told.ts';
import { differences } from './truth.ts';

/** I20: on with proof, or all anew. */
export const resumeOrResync: Validator = {
  says: 'after a break the stream goes on where it stood, or a new epoch begins with a resync',
  needs: ['events'],
  *check(run) {
    for (const telling of run.tellings()) yield* wrongEpoch(telling);
    for (const stream of run.sources) {
      yield* changesWithoutListing(run, stream);
      yield* silentBreaks(run, stream);
    }
  },
};

function* wrongEpoch({ event, base, previous, step, stream }: Telling): Iterable<Finding> {
  if (event.epoch === 0 || (event.type === 'change' && base === undefined)) return;
  if (event.type === 'change') {
    if (base!.event.epoch > 0 && event.epoch !== base!.event.epoch) {
      yield {
        step,
        message: `${stream.name}: the change at ${event.revision} is of epoch ${event.epoch}, which no resync began; the last one began ${base!.event.epoch}`,
      };
    }
    return;
  }
  const before = previous?.base?.event.epoch;
  if (before !== undefined && before > 0 && event.epoch !== before + 1) {
    yield { step, message: `${stream.name}: epoch ${event.epoch} follows epoch ${before}` };
  }
}

/** Told from a connection that neither goes on from a position nor has listed anything. */
function* changesWithoutListing(run: Run, stream: Stream): Iterable<Finding> {
  if (stream.capabilities.revision !== 'store') return;
  for (const connection of run.connectionsOf(stream)) {
    if (connection.from !== undefined) continue;
    for (const { frame, step } of connection.frames) {
      if (frame.type === 'snapshot') break;
      if (frame.type !== 'changes') continue;
      const keys = new Set(frame.changes.map(({ key }) => key));
      const told = stream.tellings.find(({ event, step: at }) => {
        return (
          at > step &&
          event.type === 'change' &&
          event.revision === frame.revision &&
          keysOf(event).some((key) => keys.has(key))
        );
      });
      if (told === undefined || told.base === undefined || told.base.step > step) continue;
      yield {
        step: told.step,
        message: `${stream.name}: the change at ${told.event.revision} comes from a connection that had listed nothing (step ${connection.step})`,
      };
    }
  }
}

/** Without a history at the store every break of the connection means a resync. */
function* silentBreaks(run: Run, stream: Stream): Iterable<Finding> {
  if (stream.capabilities.resume !== 'none' || run.sources.length > 1) return;
  for (const { step } of run.quiet()) {
    const statuses = run.of('status').filter((status) => status.step < step);
    const lost = statuses.findLast(({ status }) => status.state === 'backoff');
    if (lost === undefined || statuses.at(-1)!.status.state !== 'live' || isOver(stream, step)) continue;
    if (
      stream.tellings.some(
        (telling) => telling.event.type === 'resync' && telling.step > lost.step && telling.step < step,
      )
    )
      continue;
    yield { step, message: `${stream.name}: the connection broke at step ${lost.step}, and no resync followed` };
  }
}

/** I21: deletes are never forgotten. */
export const deletesWhileAway: Validator = {
  says: 'what was deleted while nobody looked is named as removed, again after a nack',
  needs: ['events'],
  check: (run) => contradictions(run, 'I21'),
};

/** I22: a new life is news. */
export const recreation: Validator = {
  says: 'a key that was made again while nobody looked is told, unless content and identity are the same',
  needs: ['events'],
  check: (run) => contradictions(run, 'I22'),
};

/** I23: back is back. */
export const regress: Validator = {
  says: 'a revision that goes back comes with a resync that says `regressed`',
  needs: ['events'],
  *check(run) {
    for (const { event, previous, base, step, stream } of run.tellings()) {
      if (event.type !== 'resync' || previous?.base === undefined || base === undefined) continue;
      if (event.revision >= previous.event.revision || event.reason === 'regressed' || event.epoch === 0) continue;
      yield {
        step,
        message: `${stream.name}: the resync at ${event.revision} (${event.reason}) follows ${previous.event.revision}, and does not say regressed`,
      };
    }
    yield* unnoticed(run);
  },
};

/** The store went back below what was told, and nobody said so. */
function* unnoticed(run: Run): Iterable<Finding> {
  const start = run.oracle.lastLineage;
  if (start === undefined || start.index === 0) return;
  const began = run.oracle.writes.find(({ step }) => step === start.beganAt)!;
  for (const { step } of run.quiet()) {
    for (const stream of run.sources) {
      if (stream.capabilities.revision !== 'store' || isOver(stream, step) || stream.step > step || began.step > step)
        continue;
      const before = lastBefore(stream, began.step);
      if (before === undefined || before.event.revision < began.revision) continue;
      if (
        stream.tellings.some(
          ({ event, step: at }) => event.type === 'resync' && event.reason !== 'nacked' && at > began.step && at < step,
        )
      )
        continue;
      yield {
        step,
        message: `${stream.name}: the store went back to ${began.revision} at step ${began.step}; told was ${before.event.revision}, and no resync followed`,
      };
    }
  }
}

/** I24: never skip forward. */
export const compaction: Validator = {
  says: 'where the store has forgotten what comes next, everything is read again',
  needs: ['events'],
  *check(run) {
    yield* differences(run, 'I24');
    for (const stream of run.sources) {
      const connections = run.connectionsOf(stream);
      for (const [index, connection] of connections.entries()) {
        const lost = connection.ended?.error;
        if (!(lost instanceof ContinuityLost)) continue;
        const next = connections[index + 1];
        if (next?.from !== undefined) {
          yield {
            step: next.step,
            message: `${stream.name}: continuity was lost (${lost.reason}, step ${connection.ended!.step}), and the next connection goes on from ${valueText(next.from)}`,
          };
        }
      }
    }
  },
};

/** I25: what was not heard moves nothing. */
export const tokenStays: Validator = {
  says: 'a connection goes on from a position that a frame gave, whatever happened since',
  off: ({ resume }) => (resume === 'none' ? 'resume: none' : undefined),
  needs: ['upstream'],
  *check(run) {
    const seen = new Map<string, unknown[]>();
    for (const connection of run.connections) {
      const { upstream, from, step, frames } = connection;
      const positions = held(seen, upstream, () => []);
      if (from !== undefined && !positions.some((position) => same(position, from))) {
        yield {
          step,
          message: `${upstream}: the connection goes on from ${valueText(from)}, a position that no frame had given`,
        };
      }
      positions.push(
        ...frames.flatMap(({ frame }) => ('position' in frame && frame.position !== undefined ? [frame.position] : [])),
      );
    }
  },
};

/** I26: the token comes last. */
export const tokenAfterAck: Validator = {
  says: 'a stored resume token stands for settled events only',
  off: ({ resume }) => (resume === 'none' ? 'resume: none' : undefined),
  needs: ['events', 'token'],
  *check(run) {
    for (const { revision, step } of run.of('token')) {
      for (const stream of run.sources) {
        const open = stream.tellings.find(
          (telling) =>
            telling.step < step &&
            telling.event.revision <= revision &&
            !telling.settled.some((said) => said.step < step),
        );
        if (open !== undefined)
          yield {
            step,
            message: `${stream.name}: the token for ${revision} was stored while the event at ${open.event.revision} (step ${open.step}) was open`,
          };
      }
    }
  },
};
