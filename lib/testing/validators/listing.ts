import type { ResyncEvent } from '../../model/events.ts';
import type { Invariant } from './invariant.ts';
import type { Run, Stream, Telling } from './run.ts';

const unlisted = new WeakMap<Run, ReadonlySet<number>>();

/** Whether a resync says that the source was read again, but no listing had been completed for it (I5, I7). */
export function isUnlisted(run: Run, telling: Telling): boolean {
  let acks = unlisted.get(run);
  if (acks === undefined) {
    acks = new Set(run.sources.flatMap((stream) => [...unlistedOf(run, stream)]));
    unlisted.set(run, acks);
  }
  return acks.has(telling.ack);
}

/** A resync holds all that was listed before it was told, so the next one takes a listing that ended after. */
function* unlistedOf(run: Run, stream: Stream): Iterable<number> {
  const connections = run.connectionsOf(stream);
  if (connections.length === 0) return;
  const ends = connections.flatMap(({ frames }) => {
    const snapshots = frames.filter(({ frame }) => frame.type === 'snapshot');
    // A later one without a reason is told as the difference.
    return snapshots.filter(({ frame }, index) => index === 0 || 'reason' in frame).map(({ step }) => step);
  });
  let last = 0;
  for (const { event, step, ack } of stream.tellings) {
    if (event.type !== 'resync') continue;
    // Told from memory, or because a prefix was taken away; and no prefix needs no listing.
    const isFree = event.reason === 'nacked' || event.reason === 'prefixes' || event.prefixes.length === 0;
    if (!isFree && !ends.some((end) => end > last && end < step)) yield ack;
    last = step;
  }
}

/** Whether a key was sent only in listings that broke. */
export function onlyInBrokenListing(run: Run, telling: Telling, key: string): boolean {
  let inBroken = false;
  for (const connection of run.connectionsOf(telling.stream)) {
    let inPages = false;
    for (const { frame, step } of connection.frames) {
      if (step > telling.step) break;
      if (frame.type === 'page') inPages ||= frame.entries.some((entry) => entry.key === key);
      else if (frame.type === 'changes' && frame.changes.some((change) => change.key === key && change.op === 'put'))
        return false;
      else if (frame.type === 'snapshot' && inPages) return false;
    }
    inBroken ||= inPages;
  }
  return inBroken;
}

/** Which promise a resync breaks that lacks a key which was there. */
export function absenceOf(run: Run, telling: Telling, event: ResyncEvent<unknown>, key: string): Invariant {
  if (event.entries.size === 0 && telling.before.size > 0) return 'I8';
  const since = telling.previous?.step ?? telling.stream.step;
  return run.oracle.wasAbsent(key, since, telling.step) ? 'I3' : 'I4';
}
