import type { Outcome } from '../../model/ack.ts';
import type { ChangeEvent } from '../../model/events.ts';
import type { StepOf } from '../steps.ts';
import { keysText } from '../text.ts';
import { keysOf } from './fold.ts';
import type { Finding, Validator } from './invariant.ts';
import { held } from './memo.ts';
import type { Lineage } from './oracle.ts';
import { lastBefore, type Run, type Stream, type Telling } from './run.ts';
import { contradictions } from './told.ts';
import { differences } from './truth.ts';

/** I9: nothing that the resync already holds. */
export const noStaleChange: Validator = {
  says: 'no change of a revision up to the resync’s follows it in its epoch',
  needs: ['events'],
  *check(run) {
    for (const { telling, event, base } of changesOf(run)) {
      const stale = staleKeys(telling, event, base);
      if (stale.length === 0) continue;
      const message = `the change of ${keysText(stale)} at ${event.revision} follows the resync at ${base.event.revision} (step ${base.step})`;
      yield { step: telling.step, message: `${telling.stream.name}: ${message}` };
    }
  },
};

function staleKeys(telling: Telling, event: ChangeEvent<unknown>, base: Telling): string[] {
  if (event.revision <= base.event.revision) return keysOf(event);
  // A key's own revision compares only where it is the store's.
  if (telling.stream.capabilities.revision !== 'store') return [];
  return event.changes.filter(({ revision }) => revision <= base.event.revision).map(({ key }) => key);
}

/** I10: nothing is missing. */
export const noGap: Validator = {
  says: 'between two events of an epoch nothing is missing, or they say that they are coalesced',
  needs: ['events', 'truth'],
  check: (run) => differences(run, 'I10'),
};

/** I11: nothing twice. */
export const unique: Validator = {
  says: 'no key of one revision is told twice in an epoch',
  needs: ['events'],
  *check(run) {
    const seen = new Map<Telling, Set<string>>();
    for (const { telling, event, base } of changesOf(run)) {
      const pairs = held(seen, base, () => new Set<string>());
      const twice: string[] = [];
      for (const key of keysOf(event)) {
        // A delete at the revision of its put is another matter (I15).
        const op = event.changes.find((change) => change.key === key)?.op ?? 'put';
        const pair = `${revisionOf(telling, event, key)} ${op} ${key}`;
        if (pairs.has(pair)) twice.push(key);
        pairs.add(pair);
      }
      if (twice.length > 0)
        yield {
          step: telling.step,
          message: `${telling.stream.name}: ${keysText(twice)} at ${event.revision} was told already`,
        };
    }
  },
};

/** I12: in order. */
export const ordered: Validator = {
  says: 'the revisions of a key grow; those of all keys too, where the order is global',
  needs: ['events'],
  *check(run) {
    const seen = new Map<Telling, Map<string, number>>();
    for (const { telling, event, base } of changesOf(run)) {
      const last = held(seen, base, () => new Map<string, number>());
      for (const key of keysOf(event)) {
        const revision = revisionOf(telling, event, key);
        const before = last.get(key);
        if (before !== undefined && revision < before) {
          yield {
            step: telling.step,
            message: `${telling.stream.name}: ${key} at ${revision} follows ${key} at ${before}`,
          };
        }
        last.set(key, Math.max(revision, before ?? revision));
      }
      yield* againstAll(telling, event);
    }
  },
};

function* againstAll(telling: Telling, event: ChangeEvent<unknown>): Iterable<Finding> {
  const { previous, stream, step } = telling;
  const { order, revision } = stream.capabilities;
  // A counter of ours is ordered, whatever the store does.
  if (previous?.event.type !== 'change' || (order !== 'global' && revision === 'store')) return;
  const sameKey = keysOf(event).some((key) => keysOf(previous.event as ChangeEvent<unknown>).includes(key));
  const isBack = event.revision < previous.event.revision;
  const isSame = event.revision === previous.event.revision && revision === 'subscription';
  if (sameKey || (!isBack && !isSame)) return;
  yield { step, message: `${stream.name}: the change at ${event.revision} follows one at ${previous.event.revision}` };
}

/** I13: all at once. */
export const atomic: Validator = {
  says: 'all keys of one revision are in one change',
  off: ({ atomic }) => (atomic === 'none' ? 'atomic: none' : undefined),
  needs: ['events'],
  *check(run) {
    yield* differences(run, 'I13');
    for (const { telling, event } of changesOf(run)) {
      const { previous, stream, step } = telling;
      if (
        previous?.event.type !== 'change' ||
        stream.capabilities.atomic === 'none' ||
        event.revision !== previous.event.revision
      )
        continue;
      const before = keysOf(previous.event);
      const more = keysOf(event).filter((key) => !before.includes(key));
      if (more.length === 0) continue;
      yield {
        step,
        message: `${stream.name}: revision ${event.revision} is told in parts: ${keysText(before)}, then ${keysText(more)}`,
      };
    }
  },
};

/** I14: previous values are what was told. */
export const previousValue: Validator = {
  says: 'every previous value, and every diff, is against what this subscriber was told',
  needs: ['events'],
  check: (run) => contradictions(run, 'I14'),
};

/** I15: a delete is of something, and at a revision of its own. */
export const deleteIdentity: Validator = {
  says: 'a delete has its own revision, and is of a key that was told',
  needs: ['events'],
  *check(run) {
    yield* contradictions(run, 'I15');
    const old = [...oldDeletes(run)];
    yield* old;
    // A delete with the old revision is not in the store's log either: said once.
    const said = new Set(old.map(({ step }) => step));
    for (const finding of differences(run, 'I15')) if (!said.has(finding.step)) yield finding;
  },
};

/** A last good value may be of the store before a wipe, where revisions were greater. */
function isKeptGood({ base }: Telling, key: string, revision: number): boolean {
  return (
    base?.event.type === 'resync' &&
    base.event.entries.get(key)?.revision === revision &&
    base.event.rejected.some((rejected) => rejected.key === key)
  );
}

function* oldDeletes(run: Run): Iterable<Finding> {
  for (const { telling, event } of changesOf(run)) {
    if (telling.stream.capabilities.revision !== 'store') continue;
    for (const change of event.changes) {
      const before = telling.before.get(change.key);
      if (
        change.op === 'put' ||
        before === undefined ||
        change.revision > before.revision ||
        change.revision === event.revision ||
        isKeptGood(telling, change.key, before.revision)
      )
        continue;
      const message = `the delete of ${change.key} in the change at ${event.revision} carries revision ${change.revision}; its last put was at ${before.revision}`;
      yield { step: telling.step, message: `${telling.stream.name}: ${message}` };
    }
  }
}

/** I16: what is not told is not lost. */
export const losslessSuppression: Validator = {
  says: 'an update with equal content is not dropped, unless that was asked for',
  off: ({ revision }) =>
    revision === 'subscription' ? 'revision: subscription (an equal put has no revision of its own)' : undefined,
  needs: ['events', 'truth'],
  check: (run) => differences(run, 'I16'),
};

/** I17: the status does not run ahead. */
export const progress: Validator = {
  says: 'the revision of the status covers only what was told, and never goes back in an epoch',
  needs: ['events', 'status'],
  *check(run) {
    for (const [index, stream] of run.sources.entries()) {
      let last: StepOf<unknown, 'status'> | undefined;
      for (const status of run.of('status')) {
        const { revision, subscription } = status.status;
        if (revision === undefined || (run.sources.length > 1 && subscription !== index + 1)) continue;
        const told = lastBefore(stream, status.step);
        const finding = aheadOf(run, stream, status, revision, told) ?? backFrom(stream, last, status, revision);
        if (finding !== undefined) yield finding;
        last = status;
      }
    }
  },
};

function aheadOf(
  run: Run,
  stream: Stream,
  { step }: StepOf<unknown, 'status'>,
  revision: number,
  told: Telling | undefined,
): Finding | undefined {
  if (told === undefined)
    return { step, message: `${stream.name}: the status is at ${revision}, and nothing was told yet` };
  if (revision <= told.event.revision) return undefined;
  const prefixes = told.base?.event.type === 'resync' ? told.base.event.prefixes : [];
  if (stream.capabilities.revision !== 'store') {
    // A frame whose changes came to nothing is counted, and told by no event.
    const isFolded = (settled: { step: number; outcome: Outcome }): boolean =>
      settled.outcome.type === 'superseded' && settled.step > told.step && settled.step < step;
    const folded = [...run.of('frameSettled')].filter(isFolded).length;
    return revision <= told.event.revision + folded ? undefined : ahead(stream, step, revision, told);
  }
  // Progress without changes is fine.
  if (!run.has.has('truth')) return undefined;
  const isNothing = (lineage: Lineage): boolean =>
    lineage
      .between(told.event.revision, revision, prefixes)
      .every(
        ({ key }) => lineage.at(key, revision) === undefined && lineage.at(key, told.event.revision) === undefined,
      );
  const begun = run.oracle.lineages.filter(({ beganAt }) => beganAt < step);
  // Before it notices a wipe, a source still speaks of a store before: of one that had come so far.
  const isOf = (lineage: Lineage): boolean =>
    lineage === begun.at(-1) || lineage.log.some((write) => write.revision >= revision);
  return begun.some((lineage) => isOf(lineage) && isNothing(lineage)) ? undefined : ahead(stream, step, revision, told);
}

function ahead(stream: Stream, step: number, revision: number, told: Telling): Finding {
  return {
    step,
    message: `${stream.name}: the status is at ${revision}, but only ${told.event.revision} was told (step ${told.step})`,
  };
}

function backFrom(
  stream: Stream,
  last: StepOf<unknown, 'status'> | undefined,
  { step }: StepOf<unknown, 'status'>,
  revision: number,
): Finding | undefined {
  if (last?.status.revision === undefined || last.status.revision <= revision) return undefined;
  const isNewEpoch = stream.tellings.some(
    (telling) => telling.event.type === 'resync' && telling.step > last.step && telling.step < step,
  );
  if (isNewEpoch) return undefined;
  return {
    step,
    message: `${stream.name}: the status goes back from ${last.status.revision} (step ${last.step}) to ${revision} without a resync`,
  };
}

/** I19: only what was, and in that order. */
export const subsequence: Validator = {
  says: 'the values told of a key are values it had, in that order',
  needs: ['events', 'truth'],
  check: (run) => differences(run, 'I19'),
};

/** Every change that follows a resync. */
function* changesOf(run: Run): Iterable<{ telling: Telling; event: ChangeEvent<unknown>; base: Telling }> {
  for (const telling of run.tellings()) {
    if (telling.event.type === 'change' && telling.base !== undefined)
      yield { telling, event: telling.event, base: telling.base };
  }
}

/** The revision of a key in an event: the store's own, or that of the event where it is counted. */
function revisionOf(telling: Telling, event: ChangeEvent<unknown>, key: string): number {
  if (telling.stream.capabilities.revision !== 'store') return event.revision;
  return event.changes.find((change) => change.key === key)?.revision ?? event.revision;
}
