import { FatalError } from '../../source/frames.ts';
import { keysText } from '../text.ts';
import type { Finding, Validator } from './invariant.ts';
import { lastBefore, type Run, type Stream } from './run.ts';
import { isOver } from './snapshot.ts';
import type { Connection } from './upstream.ts';

/** I27: again, but not at once. */
export const retried: Validator = {
  says: 'a broken connection is tried again, never without a pause',
  needs: ['upstream'],
  *check(run) {
    for (const stream of run.sources) {
      const connections = run.connectionsOf(stream);
      yield* givenUp(run, stream, connections);
      let fast = 0;
      for (const [index, { ended, step }] of connections.entries()) {
        const next = connections[index + 1];
        if (next === undefined || ended?.by !== 'backend') continue;
        fast = next.time === ended.time ? fast + 1 : 0;
        if (fast === 3)
          yield {
            step,
            message: `${stream.name}: the fourth connection in a row that follows a broken one without a pause`,
          };
      }
    }
  },
};

function* givenUp(run: Run, stream: Stream, connections: readonly Connection[]): Iterable<Finding> {
  for (const { step } of run.quiet({ holding: true })) {
    const last = connections.findLast((connection) => connection.step < step);
    if (last?.ended?.by !== 'backend' || last.ended.step > step || last.ended.error instanceof FatalError) continue;
    const base = lastBefore(stream, step)?.base?.event;
    // Nothing is watched any more; and that the stream ended is another matter (I43).
    if (isOver(stream, step) || (base?.type === 'resync' && base.prefixes.length === 0)) continue;
    yield { step, message: `${stream.name}: the connection broke at step ${last.ended.step}, and there was no other` };
  }
}

/** I28: silence is noticed, quiet is not. */
export const deadStream: Validator = {
  says: 'a connection that is silent too long is replaced; one that shows signs of life is not',
  needs: ['upstream', 'silence'],
  *check(run) {
    const end = run.steps.at(-1)!;
    for (const connection of run.connections) {
      const { maxSilence, upstream, ended } = connection;
      if (maxSilence === undefined) continue;
      // Room for a timer that fires late.
      const limit = maxSilence * 1.1 + 5;
      let heard = connection.time;
      const signs = [...connection.frames, ended ?? end];
      for (const { time, step } of signs) {
        if (time - heard > limit && !wasWaiting(connection, heard, time)) {
          yield {
            step,
            message: `${upstream}: a connection was silent for ${time - heard} ms and was kept; ${maxSilence} ms are the limit`,
          };
        }
        heard = time;
      }
    }
    for (const stream of run.sources) yield* needless(run, stream);
  },
};

function wasWaiting({ waits }: Connection, from: number, to: number): boolean {
  return waits.some((wait) => wait.from <= to && (wait.until ?? Number.POSITIVE_INFINITY) >= from);
}

/** A resync that says the connection had broken, though it had not. */
function* needless(run: Run, stream: Stream): Iterable<Finding> {
  let last = 0;
  for (const { event, step } of stream.tellings) {
    if (event.type !== 'resync') continue;
    const since = last;
    last = step;
    if (event.reason !== 'reconnected' || since === 0) continue;
    const connections = run
      .connectionsOf(stream)
      .filter(({ ended }) => ended !== undefined && ended.step > since && ended.step < step);
    const isReason = connections.some(({ ended, frames, maxSilence, time }) => {
      const heard = frames.at(-1)?.time ?? time;
      return ended!.by === 'backend' || (maxSilence !== undefined && ended!.time - heard >= maxSilence);
    });
    const cut = connections[0];
    if (!isReason && cut !== undefined) {
      yield {
        step,
        message: `${stream.name}: the resync at ${event.revision} says reconnected; the connection was alive when it was cut at step ${cut.ended!.step}`,
      };
    }
  }
}

/** I29: one at a time. */
export const oneUpstream: Validator = {
  says: 'there is at most one connection per subscription',
  needs: ['upstream'],
  *check(run) {
    const live = new Map<string, readonly Connection[]>();
    for (const connection of run.connections) {
      const { upstream, step } = connection;
      const open = (live.get(upstream) ?? []).filter(({ ended }) => ended === undefined || ended.step > step);
      live.set(upstream, [...open, connection]);
      const subscriptions = run.sources.filter(
        (stream) => stream.name === upstream && stream.step < step && !isOver(stream, step),
      ).length;
      if (open.length < Math.max(1, subscriptions)) continue;
      const old = open.at(-1)!;
      yield {
        step,
        message: `${upstream}: a connection for ${keysText(connection.prefixes)} was opened while that of step ${old.step} was open`,
      };
    }
  },
};
