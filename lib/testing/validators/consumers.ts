import { settledWell } from '../../model/ack.ts';
import type { Finding, Validator } from './invariant.ts';
import { held } from './memo.ts';
import type { Run, Work } from './run.ts';

/** The works of all consumers on one event. */
interface Round {
  readonly type: 'resync' | 'change';
  readonly epoch: number;
  readonly revision: number;
  readonly step: number;
  readonly works: Map<string, Work[]>;
}

/** Of each event, the works of the declared consumers; parts of one event belong together. */
function roundsOf(run: Run): Round[] {
  const names = new Set((run.history.options.consumers ?? []).map(({ name }) => name));
  const rounds = new Map<string, Round>();
  for (const work of run.works) {
    const { consumer, event, step } = work.start;
    if (!names.has(consumer)) continue;
    const { type, epoch, revision } = event;
    const id = `${type} ${epoch} ${revision}`;
    const round = held(rounds, id, (): Round => ({ type, epoch, revision, step, works: new Map() }));
    round.works.set(consumer, [...(round.works.get(consumer) ?? []), work]);
  }
  return [...rounds.values()].sort((a, b) => a.step - b.step);
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
    const resync = rounds.findLast((other) => other.type === 'resync' && other.step < round.step);
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
    const consumers = run.history.options.consumers ?? [];
    const { onFailure } = run.history.options;
    for (const { event, outcomes, step } of run.of('result')) {
      if (outcomes === undefined) continue;
      const missing = consumers.find(({ name }) => outcomes[name] === undefined);
      if (missing !== undefined)
        yield { step, message: `the result of the ${event.type} at ${event.revision} does not name ${missing.name}` };
      const round = roundsOf(run).find(
        ({ type, epoch, revision }) => type === event.type && epoch === event.epoch && revision === event.revision,
      );
      if (round === undefined) continue;
      let failed: string | undefined;
      for (const { name, required = true } of consumers) {
        const works = round.works.get(name);
        const said = outcomes[name];
        const last = works?.at(-1)?.end?.outcome;
        if (last?.type === 'failed' && said?.type !== 'failed') {
          yield {
            step,
            message: `${name} failed on the ${event.type} at ${event.revision}; the result says ${said?.type ?? 'nothing'}`,
          };
        }
        const isStopped = failed !== undefined && onFailure === 'stop' && event.type === 'resync';
        if (isStopped && works !== undefined)
          yield {
            step: works[0]!.start.step,
            message: `${name} starts, though ${failed} failed and onFailure is stop`,
          };
        if (isStopped && works === undefined && said?.type !== 'notStarted')
          yield { step, message: `${name} did not start; the result says ${said?.type ?? 'nothing'}` };
        const isSkipped =
          failed !== undefined && (onFailure === 'continue' || onFailure === 'retry') && works === undefined;
        if (isSkipped && event.type === 'resync')
          yield { step, message: `${name} did not start after ${failed} had failed, though onFailure is ${onFailure}` };
        if (required && last !== undefined && !settledWell(last)) failed ??= name;
      }
    }
  },
};
