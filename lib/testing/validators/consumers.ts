import { settledWell } from '../../model/ack.ts';
import type { HistoryOptions } from '../history.ts';
import type { StepOf } from '../steps.ts';
import type { Finding, Validator } from './invariant.ts';
import { held } from './memo.ts';
import type { Run, Work } from './run.ts';

/** The works of all consumers on one event. */
interface Round {
  readonly type: 'resync' | 'change';
  readonly revision: number;
  readonly step: number;
  readonly works: Map<string, Work[]>;
  /** What was said of it at the end. */
  result: StepOf<unknown, 'result'> | undefined;
}

/**
 * Of each event, the works of the declared consumers; parts of one event belong together. Epochs are each consumer's own:
 * an event that has come to its result is another one than the next of the same revision.
 */
function roundsOf(run: Run): Round[] {
  const names = new Set((run.history.options.consumers ?? []).map(({ name }) => name));
  const open = new Map<string, Round>();
  const rounds: Round[] = [];
  const works = new Map(run.works.map((work) => [work.start.work, work]));
  const isCounted = run.has.has('results');
  for (const step of run.steps) {
    if (step.type !== 'workStart' && step.type !== 'result') continue;
    const { type, revision, epoch } = step.event;
    const id = `${type} ${revision} ${isCounted ? '' : epoch}`;
    if (step.type === 'result' ? step.outcomes === undefined : !names.has(step.consumer)) continue;
    const round = held(open, id, (): Round => {
      const begun: Round = { type, revision, step: step.step, works: new Map(), result: undefined };
      rounds.push(begun);
      return begun;
    });
    if (step.type === 'result') {
      round.result = step;
      open.delete(id);
    } else round.works.set(step.consumer, [...(round.works.get(step.consumer) ?? []), works.get(step.work)!]);
  }
  return rounds;
}

/** When a consumer was through with an event; `undefined`: not yet. */
function endOf(works: readonly Work[]): number | undefined {
  return works.every(({ end }) => end !== undefined) ? Math.max(...works.map(({ end }) => end!.step)) : undefined;
}

function isGood(works: readonly Work[]): boolean {
  const last = works.at(-1)?.end;
  return last !== undefined && settledWell(last.outcome);
}

/** I37: in the order they were declared. */
export const orderedResync: Validator = {
  says: 'consumers get a resync in declared order, one after the other; no change comes before all have it',
  needs: ['work', 'consumers'],
  *check(run) {
    const names = (run.history.options.consumers ?? []).map(({ name }) => name);
    const rounds = roundsOf(run);
    for (const round of rounds) yield* outOfOrder(names, round);
    yield* tooEarly(run, rounds);
  },
};

function* outOfOrder(names: readonly string[], { works, type, revision }: Round): Iterable<Finding> {
  const present = names.filter((name) => works.has(name));
  for (const [index, name] of present.entries()) {
    const before = present[index - 1];
    if (before === undefined) continue;
    const start = works.get(name)![0]!.start.step;
    const end = endOf(works.get(before)!);
    if (end !== undefined && end < start) continue;
    yield { step: start, message: `${name} starts on the ${type} at ${revision} before ${before} is through with it` };
  }
}

/** A change that reaches anybody before the round of the last resync is through. */
function* tooEarly(run: Run, rounds: readonly Round[]): Iterable<Finding> {
  const required = (run.history.options.consumers ?? [])
    .filter((consumer) => consumer.required ?? true)
    .map(({ name }) => name);
  for (const round of rounds) {
    if (round.type !== 'change') continue;
    const resync = rounds.findLast(
      (other) => other.type === 'resync' && other.step < round.step && other.result?.again === undefined,
    );
    if (resync === undefined) continue;
    const waiting = required.find((name) => {
      const works = resync.works.get(name);
      const end = works && endOf(works);
      return works === undefined || end === undefined || end > round.step || !isGood(works);
    });
    if (waiting === undefined) continue;
    const first = [...round.works.keys()][0]!;
    yield {
      step: round.step,
      message: `${first} gets the change at ${round.revision}, and ${waiting} is not through with the resync at ${resync.revision}`,
    };
  }
}

/** I38: after a failure the policy decides, and the result says so. */
export const failedStage: Validator = {
  says: 'after a consumer failed the policy is applied, and the result names the outcome of each',
  needs: ['work', 'consumers', 'results'],
  *check(run) {
    for (const { result, works } of roundsOf(run)) {
      if (result !== undefined) yield* judged(run.history.options, result, works);
    }
  },
};

function* judged(
  { consumers = [], onFailure: policy }: HistoryOptions,
  { event, outcomes = {}, again, step }: StepOf<unknown, 'result'>,
  works: ReadonlyMap<string, readonly Work[]>,
): Iterable<Finding> {
  const what = `the ${event.type} at ${event.revision}`;
  let failed: string | undefined;
  // `maybe`: what failed after its work was through may have come too late to stop anybody.
  let isStopped: 'no' | 'maybe' | 'yes' = 'no';
  for (const { name, required = true, onFailure = policy } of consumers) {
    const said = outcomes[name];
    if (said === undefined) {
      yield { step, message: `the result of ${what} does not name ${name}` };
      continue;
    }
    const own = works.get(name);
    const last = own?.at(-1)?.end?.outcome;
    if (last?.type === 'failed' && said.type !== 'failed')
      yield { step, message: `${name} failed on ${what}; the result says ${said.type}` };
    if (last?.type === 'cancelled' && said.type !== 'notStarted' && settledWell(said))
      yield { step, message: `${name} was stopped at its work on ${what}; the result says ${said.type}` };
    if (again !== undefined && again !== name) {
      if (own !== undefined)
        yield { step: own[0]!.start.step, message: `${name} starts on ${what}, which is for ${again}` };
      continue;
    }
    if (isStopped === 'yes' && own !== undefined)
      yield { step: own[0]!.start.step, message: `${name} starts, though ${failed} failed and onFailure is stop` };
    if (isStopped === 'yes' && own === undefined && said.type !== 'notStarted')
      yield { step, message: `${name} did not start; the result says ${said.type}` };
    if (isStopped === 'no' && event.type === 'resync' && said.type === 'notStarted') {
      const after = failed === undefined ? 'nobody failed' : `only ${failed} failed, and nobody stops`;
      yield { step, message: `${name} did not start on ${what}, though ${after}` };
    }
    const isBad = last !== undefined && !settledWell(last);
    const isSaid = said.type !== 'notStarted' && !settledWell(said);
    if (!required || !(isBad || isSaid)) continue;
    failed ??= name;
    if (onFailure === 'stop' && event.type === 'resync' && isStopped !== 'yes') isStopped = isBad ? 'yes' : 'maybe';
  }
}
