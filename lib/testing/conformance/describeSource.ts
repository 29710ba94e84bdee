import { Findings } from './findings.ts';
import { type Played, play, problems, Stalled, story } from './play.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { isPromise } from './stage.ts';
import type { ConformanceReport, SourceSubject, TestRunner } from './subject.ts';

/** How {@link describeSource} and {@link describeBroker} run. */
export interface DescribeOptions extends TestRunner {
  /** Told once, when the last test has run; it may return a Promise, which is waited for. */
  readonly report?: (report: ConformanceReport) => unknown;
}

/**
 * Holds a source to the contract: declares one test per scenario, each with a store of its own, and a last one that
 * says what was shown. What happens is recorded and judged by all promises ({@link inspect}), whatever the scenario is
 * there for; what the backend declares away is not asked for, and what could not be played is declared as skipped, with
 * the reason in its name.
 *
 * Fails with the promises that were broken, and everything that happened, in the {@link notation}.
 *
 * @example
 * import { describe, it } from 'node:test'; // or of vitest, or jest's globals
 *
 * describeSource(
 *   {
 *     name: 'notebook',
 *     time: 'real',
 *     capabilities: notebookBackend(new Notebook()).capabilities,
 *     open: () => new Notebook(),
 *     write: (notebook, writes) => notebook.write(writes),
 *     source: (notebook, config, { observed }) => fromBackend(observed(notebookBackend(notebook)), config),
 *     faults: { disconnect: (notebook) => notebook.disconnect() },
 *   },
 *   { describe, it },
 * );
 *
 * @see {@link describeBroker} for the writing half
 * @param subject the adapter: how to make a source over a fresh store, and what can go wrong
 * @param options the runner's `describe` and `it`, and where the report goes
 */
export function describeSource<S>(subject: SourceSubject<S>, options: DescribeOptions): void {
  const { describe, it, report } = options;
  const findings = new Findings();
  const patience = (subject.patience ?? 30_000) * 2;
  describe(subject.name, () => {
    for (const scenario of scenarios) {
      const name = nameOf(scenario);
      const reason = reasonAgainst(subject, scenario);
      if (reason === undefined) it(name, () => hold(subject, scenario, findings), patience);
      else {
        for (const id of scenario.plays ?? []) findings.skip(id, reason);
        for (const id of scenario.keeps) findings.skip(id, reason);
        (it.skip ?? it)(`${name} (skipped: ${reason})`, () => Promise.resolve());
      }
    }
    // Whatever `report` returns: jest takes no other value of a test than a Promise of nothing.
    it('says what was shown, and what was not', async () => {
      await report?.(findings.report(subject.name, subject.version ?? '-'));
    });
  });
}

/** The name of a scenario's test: what it plays, what it is there for, and what happens. */
function nameOf({ plays = [], keeps, name }: Scenario): string {
  return `${[...plays, ...keeps].join(' ')}: ${name}`;
}

/** Plays a scenario and judges it. @throws Error where a promise was broken */
async function hold<S>(subject: SourceSubject<S>, scenario: Scenario, findings: Findings): Promise<void> {
  try {
    const first = play(subject, scenario);
    judge(isPromise(first) ? await first : first, scenario, findings);
    if (isPromise(first)) findings.skip('I44', 'time is real: no two runs are the same');
    else twice(first, play(subject, scenario) as Played, findings);
  } catch (error) {
    // What broke is not shown, whatever another scenario shows; nor is what this one could not come to.
    if (error instanceof Stalled)
      for (const id of [...scenario.keeps, ...error.violations.map(({ invariant }) => invariant)]) findings.fail(id);
    for (const id of scenario.plays ?? []) findings.fail(id);
    throw error;
  }
}

/** @throws Error where the same script tells two stories */
function twice(first: Played, second: Played, findings: Findings): void {
  const [one, other] = [first.stage.history.toString(), second.stage.history.toString()];
  if (one === other) {
    findings.keep('I44');
    return;
  }
  findings.fail('I44');
  throw new Error(`I44: the same script was played twice, and told two stories:\n${firstDifference(one, other)}`);
}

function judge({ stage, inspection }: Played, scenario: Scenario, findings: Findings): void {
  // What is not seen is not disturbed either: nothing of it would have been played.
  if (scenario.needs?.includes('frames') === true && stage.connections === 0)
    throw new Error(
      "no connection was recorded: `source` of the subject must put `stage.observed` around its backend; where there is none, declare `cannot: { frames: 'why' }`",
    );
  const waived = (scenario.waives ?? {}) as Readonly<Record<string, string>>;
  const { skipped } = inspection;
  const violations = inspection.violations.filter(({ invariant }) => waived[invariant] === undefined);
  const checked = inspection.checked.filter((invariant) => waived[invariant] === undefined);
  for (const [invariant, reason] of Object.entries(waived)) findings.skip(invariant, reason);
  const broken = new Set(violations.map(({ invariant }) => invariant));
  for (const id of checked) {
    if (broken.has(id)) findings.fail(id);
    else findings.keep(id);
  }
  for (const { invariant, reason } of skipped) findings.skip(invariant, reason);
  const further = scenario.check?.(stage);
  const wrong = problems(violations) + (further === undefined ? '' : `${scenario.keeps.join(' ')}: ${further}\n`);
  if (wrong !== '') throw new Error(wrong + story(stage.history));
  for (const id of scenario.plays ?? []) findings.keep(id);
  for (const [key, reason] of stage.refused) findings.skip(`S19 ${JSON.stringify(key)}`, reason);
}

function reasonAgainst<S>(subject: SourceSubject<S>, { needs = [], unless }: Scenario): string | undefined {
  for (const need of needs) {
    if (need === 'virtual') {
      if (subject.time !== 'virtual') return 'time is real';
      continue;
    }
    const cannot = subject.cannot?.[need as keyof typeof subject.cannot];
    if (cannot !== undefined) return cannot;
    if (!isStoreFault(need)) continue;
    const fault = subject.faults?.[need];
    if (typeof fault === 'string') return fault;
    if (fault === undefined) return `the adapter does not offer '${need}'`;
  }
  return unless?.(subject.capabilities);
}

const storeFaults = ['disconnect', 'partition', 'pause', 'restart', 'wipe', 'backup', 'compact'] as const;

function isStoreFault(need: string): need is (typeof storeFaults)[number] {
  return (storeFaults as readonly string[]).includes(need);
}

function firstDifference(one: string, other: string): string {
  const [a, b] = [one.split('\n'), other.split('\n')];
  const line = a.findIndex((text, index) => text !== b[index]);
  return `- ${a[line] ?? '(nothing more)'}\n+ ${b[line] ?? '(nothing more)'}`;
}
