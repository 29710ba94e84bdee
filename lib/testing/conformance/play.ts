import { asyncScheduler, lastValueFrom, timer } from 'rxjs';
import { type Inspection, inspect, type Violation } from '../validate.ts';
import { type VirtualTime, virtually } from '../virtually.ts';
import type { Scenario } from './scenario.ts';
import { ending } from './script.ts';
import { type Bound, isPromise, Stage } from './stage.ts';
import type { Awaitable, SourceSubject } from './subject.ts';
import { within } from './within.ts';

/** What came of one run of a scenario. */
export interface Played {
  readonly stage: Stage;
  readonly inspection: Inspection;
}

/** Plays a scenario on a store of its own, in the subject's time. @throws Error where the script cannot go on */
export function play<S>(subject: SourceSubject<S>, scenario: Scenario): Awaitable<Played> {
  return subject.time === 'virtual' ? playVirtually(subject, scenario) : playReally(subject, scenario);
}

function playVirtually<S>(subject: SourceSubject<S>, scenario: Scenario): Played {
  const { patience = 600_000 } = subject;
  let stage: Stage | undefined;
  virtually((time) => {
    const store = now(subject.open(), 'open');
    stage = new Stage(bound(subject, store), scenario, patience, time);
    try {
      playLines(stage, scenario, patience, time);
    } finally {
      // A Promise that comes after virtual time is over must find nobody who goes on in real time.
      stage.unsubscribe();
    }
    now(subject.close?.(store), 'close');
  });
  return judged(stage!, subject);
}

function playLines(stage: Stage, scenario: Scenario, patience: number, time: VirtualTime): void {
  for (const line of script(stage, scenario)) {
    if ('doing' in line) now(line.doing, line.text);
    else if ('pass' in line) time.advance(line.pass);
    else {
      const until = time.now + patience;
      let missing = line.until();
      // Small steps first: what waits for little is not to wait for much.
      for (let step = 1; missing !== undefined && time.now < until; step = Math.min(step * 2, 1_000)) {
        time.advance(step);
        missing = line.until();
      }
      if (missing !== undefined) throw stalled(stage, scenario, line.text, missing, patience);
    }
  }
}

async function playReally<S>(subject: SourceSubject<S>, scenario: Scenario): Promise<Played> {
  const { patience = 30_000 } = subject;
  const store = await within(patience, subject.open(), () => new Error(`open: not done after ${patience} ms`));
  const stage = new Stage(bound(subject, store), scenario, patience);
  const closed = async (): Promise<void> => {
    stage.unsubscribe();
    await within(patience, stage.recover(), () => new Error(`recovering: not done after ${patience} ms`));
    await within(patience, subject.close?.(store), () => new Error(`close: not done after ${patience} ms`));
  };
  try {
    for (const line of script(stage, scenario)) {
      if ('doing' in line)
        await within(patience, line.doing, () => stalled(stage, scenario, line.text, 'it is not done', patience));
      else if ('until' in line) {
        const until = asyncScheduler.now() + patience;
        let missing = line.until();
        while (missing !== undefined && asyncScheduler.now() < until) {
          await lastValueFrom(timer(5), { defaultValue: 0 });
          missing = line.until();
        }
        if (missing !== undefined) throw stalled(stage, scenario, line.text, missing, patience);
      }
    }
  } catch (error) {
    // What closing says of it comes second.
    await closed().catch(() => undefined);
    throw error;
  }
  await closed();
  return judged(stage, subject);
}

type Line = { readonly text: string } & (
  | { readonly doing: Awaitable<void> }
  | { readonly until: () => string | undefined }
  | { readonly pass: number }
);

/** The lines of a scenario, one after the other, and how each of them ends. */
function* script(stage: Stage, { steps, holding = false }: Scenario): Generator<Line> {
  for (const { text, run, until, pass } of [...steps, ...ending(holding)]) {
    if (run !== undefined) yield { text, doing: run(stage) };
    if (until !== undefined) yield { text, until: () => until(stage) };
    if (pass !== undefined && stage.time !== undefined) yield { text, pass };
  }
}

function bound<S>(subject: SourceSubject<S>, store: S): Bound {
  return {
    capabilities: subject.capabilities,
    prefix: subject.prefix?.(store) ?? '',
    source: (config, stage) => subject.source(store, config, stage),
    write: (writes) => subject.write(store, writes),
    pipeline: subject.pipeline,
    refuses: (key) => subject.refuses?.(key),
    fault: (name) => {
      const fault = subject.faults?.[name];
      if (typeof fault !== 'function') throw new Error(`the subject has no fault '${name}'`);
      return fault(store);
    },
  };
}

function judged(
  stage: Stage,
  { capabilities }: { readonly capabilities: SourceSubject<unknown>['capabilities'] },
): Played {
  return { stage, inspection: inspect(stage.history, capabilities) };
}

function now<T>(value: Awaitable<T>, what: string): T {
  if (isPromise(value))
    throw new Error(
      `${what}: in virtual time everything must be done at once, and this is a Promise; set \`time: 'real'\``,
    );
  return value;
}

/** A script could not go on. */
export class Stalled extends Error {
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[], message: string) {
    super(message);
    this.violations = violations;
  }
}

/** Whoever had so much time has come to rest: what is missing is judged as an end. */
function stalled(stage: Stage, { holding = false }: Scenario, text: string, missing: string, patience: number): Error {
  stage.history.quiet({ holding });
  const { violations } = inspect(stage.history, stage.capabilities);
  return new Stalled(
    violations,
    `${problems(violations)}the script stands still for ${patience} ms at '${text}': ${missing}\n${story(stage.history)}`,
  );
}

/** A line for each promise that was broken. */
export function problems(violations: readonly Violation[]): string {
  return violations.map(({ invariant, message, step }) => `${invariant} at step ${step}: ${message}\n`).join('');
}

/** What happened, in the notation, a line per step. */
export function story(history: Stage['history']): string {
  const start = history.steps[0]?.time ?? 0;
  // Where time is real, it counts from the beginning of the script.
  const since = (_: string, step: string, time: string): string => `${step} +${Number(time) - start}`;
  const lines = history
    .toString()
    .split('\n')
    .map((line) => line.replace(/^(\d+) \+(\d+)/, since));
  const shown =
    lines.length > 250 ? [...lines.slice(0, 100), `  (${lines.length - 200} more)`, ...lines.slice(-100)] : lines;
  return ['what happened:', ...shown.map((line) => (line.length > 200 ? `${line.slice(0, 200)} …` : line))].join('\n');
}
