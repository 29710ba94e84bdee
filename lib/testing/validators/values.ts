import { DatasyncError } from '../../model/errors.ts';
import { type ChangesFrame, FatalError, type Frame } from '../../source/frames.ts';
import { valueText } from '../text.ts';
import type { Finding, Unseen, Validator } from './invariant.ts';
import { type Cell, lastBefore, type Run, type Stream, type Telling } from './run.ts';
import { same } from './same.ts';
import { isOver } from './snapshot.ts';
import { contradictions } from './told.ts';
import { differences } from './truth.ts';

/** I40: one bad value is one bad value. */
export const poisonIsolation: Validator = {
  says: 'a value that cannot be decoded is rejected, its last good value stays, and all else flows',
  needs: ['events'],
  *check(run) {
    yield* contradictions(run, 'I40');
    yield* differences(run, 'I40');
    for (const telling of run.tellings()) if (telling.base !== undefined) yield* rejectedIn(run, telling);
  },
};

function* rejectedIn(run: Run, { event, before, step, stream, previous }: Telling): Iterable<Finding> {
  for (const rejected of event.rejected) {
    const { key } = rejected;
    const cell = cellAfter(event, before, key);
    const said = 'lastGood' in rejected ? rejected.lastGood : undefined;
    if (!same(said, cell?.value)) {
      yield {
        step,
        message: `${stream.name}: ${key} is rejected at ${event.revision} with ${valueText(said)} as its last good value, and shows ${valueText(cell?.value)}`,
      };
    }
    // With a truth this is judged there: the key may have been deleted in between.
    if (run.has.has('truth') || event.type === 'change' || cell !== undefined || !before.has(key)) continue;
    yield {
      step,
      message: `${stream.name}: ${key} is rejected at ${event.revision}, and its last good value ${valueText(before.get(key)!.value)} (step ${previous?.step ?? 0}) is gone`,
    };
  }
}

function cellAfter(event: Telling['event'], before: ReadonlyMap<string, Cell>, key: string): Cell | undefined {
  if (event.type === 'resync') return event.entries.get(key);
  const change = event.changes.find((change) => change.key === key);
  if (change === undefined) return before.get(key);
  return change.op === 'put' ? change : undefined;
}

/** I41: a promise that resolved is true. */
export const publish: Validator = {
  says: 'publishing resolves after the commit, and its subscriber sees that write or a later one',
  needs: ['publish'],
  *check(run) {
    for (const said of run.of('published')) {
      const { revision, step, publish } = said;
      if ('error' in said) continue;
      if (revision === undefined) {
        if (run.capabilities.revision === 'store')
          yield { step, message: `publishing ${publish} resolved without a revision` };
        continue;
      }
      if (run.has.has('truth') && !run.oracle.writes.some((write) => write.revision === revision)) {
        yield { step, message: `publishing ${publish} resolved at ${revision}, where nothing was written` };
      }
      for (const quiet of run.quiet()) {
        if (quiet.step < step || run.capabilities.revision !== 'store') continue;
        for (const stream of run.sources)
          if (!isOver(stream, quiet.step)) yield* unseen(run, stream, revision, step, quiet.step);
      }
    }
  },
};

function* unseen(run: Run, stream: Stream, revision: number, published: number, quiet: number): Iterable<Finding> {
  const told = lastBefore(stream, quiet);
  if (told?.base?.event.type !== 'resync' || told.event.revision >= revision || stream.step > published) return;
  // Only what lies under its prefixes; and a wipe since takes it away.
  const isConcerned = run.oracle.lastLineage?.between(revision - 1, revision, told.base.event.prefixes).length !== 0;
  if (isConcerned)
    yield {
      step: quiet,
      message: `${stream.name}: what was published at ${revision} (step ${published}) was never told; ${told.event.revision} was the last`,
    };
}

/** What an unsubscribe itself brings about; where time is real, it may take a millisecond. */
const consequences: ReadonlySet<string> = new Set([
  ...['unsubscribe', 'unsubscribed', 'close', 'status', 'waiting'],
  ...['settled', 'frameSettled', 'workEnd', 'result'],
]);

/** Where and when something was recorded. */
interface At {
  readonly step: number;
  readonly time: number;
}

/** Whether something was said before an end or in the same turn. */
function isAtOnce(run: Run, end: At, said: At): boolean {
  if (said.step < end.step || said.time === end.time) return true;
  return run.steps.slice(end.step, said.step).every(({ type }) => consequences.has(type));
}

/** I42: over is over. */
export const unsubscribe: Validator = {
  says: 'after an unsubscribe everything is closed and settled at once, and nothing happens any more',
  needs: ['unsubscribe'],
  *check(run) {
    for (const stream of run.streams) {
      const { ended, unsubscribed, name } = stream;
      if (ended?.how !== 'unsubscribe') continue;
      const over = unsubscribed ?? ended.step;
      for (const { step, event, settled } of stream.tellings) {
        if (step > over)
          yield { step, message: `${name}: an event at ${event.revision} after the unsubscribe of step ${ended.step}` };
        else if (!settled.some((said) => isAtOnce(run, ended, said))) {
          yield {
            step: over,
            message: `${name}: the event at ${event.revision} (step ${step}) was not settled with the unsubscribe`,
          };
        }
      }
      if (stream.place === 'source' && run.sources.length === 1) yield* afterwards(run, stream, over);
    }
  },
};

function* afterwards(run: Run, stream: Stream, over: number): Iterable<Finding> {
  const { name } = stream;
  for (const { step, ended, frames } of run.connectionsOf(stream)) {
    if (step > over) yield { step, message: `${name}: a connection was opened after the unsubscribe` };
    else if (ended === undefined || ended.step > over)
      yield { step, message: `${name}: the connection of step ${step} was not closed with the unsubscribe` };
    for (const sent of frames) {
      if (
        sent.frame.type === 'page' ||
        sent.frame.type === 'progress' ||
        sent.settled.some((said) => isAtOnce(run, stream.ended!, said))
      )
        continue;
      yield { step: sent.step, message: `${name}: frame ${sent.id} was not settled with the unsubscribe` };
    }
  }
  for (const { step, status } of run.of('status')) {
    if (step > over && status.state !== 'closed')
      yield { step, message: `${name}: a status (${status.state}) after the unsubscribe` };
  }
  for (const { start } of run.works) {
    if (start.step > over)
      yield { step: start.step, message: `${start.consumer} starts to work after the unsubscribe` };
  }
}

/** I43: an error of the Observable is the end, and nothing else is. */
export const fatalOnly: Validator = {
  says: 'only what cannot be mended ends a source, once, and with a typed error',
  needs: ['events'],
  *check(run) {
    for (const stream of run.sources) {
      const { ended, name } = stream;
      const connections = run.connectionsOf(stream);
      if (ended?.how === 'error' && !(ended.error instanceof DatasyncError)) {
        yield { step: ended.step, message: `${name}: it ended with an error of no code: ${String(ended.error)}` };
      }
      if (ended?.how === 'complete' && connections.length > 0)
        yield { step: ended.step, message: `${name}: it completed, and nobody knows why` };
      const fatal = connections.find((connection) => connection.ended?.error instanceof FatalError)?.ended;
      if (
        fatal !== undefined &&
        ended === undefined &&
        run.quiet({ holding: true }).some(({ step }) => step > fatal.step)
      ) {
        yield {
          step: fatal.step,
          message: `${name}: the backend is over for good, and the stream goes on as if it were not`,
        };
      }
    }
  },
};

/** I44: the same again. */
export const determinism: Unseen = {
  says: 'two runs of one script in virtual time give the same history',
  cannot: 'one history is one run',
  instead: 'run a script twice on a TestScheduler, and compare the texts of the two histories',
};

/** I45: what a backend may not send is noticed. */
export const selfCheck: Validator = {
  says: 'late and repeated frames are dropped; other breaches of the frames are answered by a resync',
  needs: ['events', 'upstream'],
  *check(run) {
    for (const stream of run.sources) {
      if (stream.capabilities.revision !== 'store') continue;
      for (const { frames, from } of run.connectionsOf(stream)) {
        let isListed = from !== undefined;
        let last: Frame | undefined;
        for (const { frame, step, settled } of frames) {
          if (frame.type === 'snapshot') isListed = true;
          if (frame.type === 'changes') {
            const breach = breachOf(frame, isListed, last);
            if (breach === 'late' || breach === 'twice') {
              const outcome = settled[0]?.outcome.type;
              if (outcome !== undefined && outcome !== 'superseded')
                yield {
                  step,
                  message: `${stream.name}: the frame at ${frame.revision} came ${breach} and was settled ${outcome}`,
                };
            } else if (breach !== undefined) yield* unanswered(run, stream, step, breach);
          }
          if (frame.type === 'changes' || frame.type === 'snapshot') last = frame;
        }
      }
    }
  },
};

function breachOf(
  frame: ChangesFrame<unknown>,
  isListed: boolean,
  last: Frame | undefined,
): 'late' | 'twice' | 'before the snapshot' | 'with other content' | undefined {
  if (!isListed) return 'before the snapshot';
  const before = last !== undefined && 'revision' in last ? last.revision : undefined;
  if (before === undefined || frame.revision === undefined || frame.revision > before) return undefined;
  if (frame.revision < before) return 'late';
  if (last?.type !== 'changes') return 'twice';
  return same(frame.changes, last.changes) ? 'twice' : 'with other content';
}

function* unanswered(run: Run, stream: Stream, sent: number, breach: string): Iterable<Finding> {
  for (const { step } of run.quiet()) {
    if (step < sent || isOver(stream, step)) continue;
    const isAnswered = stream.tellings.some(({ event, step: at }) => {
      return (
        event.type === 'resync' &&
        (event.reason === 'inconsistent' || event.reason === 'regressed' || event.reason === 'initial') &&
        at > sent &&
        at < step
      );
    });
    if (!isAnswered) yield { step: sent, message: `${stream.name}: a frame ${breach} was not answered by a resync` };
  }
}
