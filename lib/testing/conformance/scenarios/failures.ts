import type { DatasyncError } from '../../../model/errors.ts';
import type { SourceStatus } from '../../../model/status.ts';
import type { Scenario } from '../scenario.ts';
import { consumer, later, release, request, resynced, subscribe, told, until, write } from '../script.ts';
import type { Stage } from '../stage.ts';

/** The last status of any subscription. */
function lastStatus({ history }: Stage): SourceStatus | undefined {
  const last = history.steps.findLast((step) => step.type === 'status');
  return last?.type === 'status' ? last.status : undefined;
}

/** The status says since when, and why, the consumer does not hold what it was told; or no longer. */
const stale = (isStale: boolean) =>
  until(`the status is ${isStale ? '' : 'not '}stale`, (stage: Stage) => {
    const cause = lastStatus(stage)?.stale?.cause as DatasyncError | undefined;
    return cause?.code === (isStale ? 'NACKED' : undefined) ? undefined : `it is stale for ${cause?.code ?? 'nothing'}`;
  });

const timedOut = until('something has timed out', ({ history }) =>
  history.steps.some((step) => step.type === 'settled' && step.outcome.type === 'timedOut') ? undefined : 'nothing yet',
);

const isNacked = (event: { readonly type: string; readonly reason?: string }): boolean => event.reason === 'nacked';

/** What `retry` of the stage says: 20 ms, doubled, up to 200. */
function growing({ history, events }: Stage): string | undefined {
  const again = new Set(events.filter(isNacked));
  const times = history.steps.flatMap((step) => {
    return step.type === 'event' && (step.event === events[0] || again.has(step.event)) ? [step.time] : [];
  });
  const pauses = [...new Set(times)].slice(1).map((time, index, all) => time - (all[index - 1] ?? times[0]!));
  const wrong = pauses.findIndex((pause, index) => pause < (pauses[index - 1] ?? 20));
  if (wrong >= 0 || pauses.length < 5) return `it was told again after ${pauses.join(', ')} ms`;
  return pauses.at(-1)! > pauses[0]! ? undefined : `every pause is ${pauses[0]} ms`;
}

/** What becomes of what a consumer did not do. */
export const failures: readonly Scenario[] = [
  {
    name: 'a resync that fails for ever is told again five times, more slowly each time, and then only when there is news',
    plays: ['S13'],
    keeps: ['I33', 'I34'],
    needs: ['redelivery', 'limits', 'virtual'],
    steps: [
      write({ x: 1 }),
      consumer('fail'),
      subscribe(),
      resynced('nacked', 5),
      later(60_000),
      until('it was not told a sixth time', (stage) => {
        const times = stage.events.filter(isNacked).length;
        return times === 5 ? growing(stage) : `it was told again ${times} times`;
      }),
      write({ x: 2 }),
      resynced('nacked', 6),
      consumer('done'),
      write({ y: 1 }),
      told,
    ],
  },
  {
    name: 'a failure makes the status stale, until a resync that names what failed is settled well',
    plays: ['S13'],
    keeps: ['I34', 'I21'],
    needs: ['redelivery', 'resyncOn', 'status'],
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      stale(false),
      consumer('fail', 1),
      write({ x: 2 }),
      stale(true),
      write({ y: 2 }),
      told,
      stale(true),
      request,
      resynced('requested'),
      told,
      stale(false),
    ],
  },
  {
    name: 'work that takes longer than a claim may last: timed out, and its key is named by the next resync',
    plays: ['S13'],
    keeps: ['I21', 'I33', 'I35'],
    needs: ['redelivery', 'resyncOn', 'limits'],
    delivery: { claimTimeout: 100 },
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      consumer('hold', 1),
      write({ x: undefined }),
      timedOut,
      release(),
      write({ y: 2 }),
      told,
      request,
      resynced('requested'),
      told,
    ],
  },
  {
    name: 'work on a resync that takes longer than a claim may last: timed out, and told again',
    plays: ['S13'],
    keeps: ['I33', 'I35'],
    needs: ['redelivery', 'limits'],
    delivery: { claimTimeout: 100 },
    steps: [
      write({ x: 1 }),
      consumer('hold', 1),
      subscribe(),
      timedOut,
      resynced('nacked'),
      release(),
      write({ x: 2 }),
      told,
    ],
  },
  {
    name: 'a consumer that says done again and again: each event settles once',
    plays: ['S13'],
    keeps: ['I33', 'I35'],
    steps: [
      write({ x: 1 }),
      consumer('twice'),
      subscribe(),
      told,
      write({ x: 2 }),
      write({ x: undefined, y: 1 }),
      told,
    ],
    check: ({ history }) => {
      const others = history.steps.filter((step) => step.type === 'settled' && step.outcome.type !== 'applied');
      return others.length === 0 ? undefined : `${others.length} events were not settled as applied`;
    },
  },
  {
    name: 'done is said after the settlement: it changes nothing, and the status counts it',
    plays: ['S13'],
    keeps: ['I33'],
    needs: ['status'],
    steps: [
      write({ x: 1 }),
      subscribe(),
      told,
      write({ x: 2 }),
      told,
      {
        text: 'done, too late, twice',
        run: ({ events }) => {
          events.at(-1)!.done();
          events.at(-1)!.done();
        },
      },
      write({ x: 3 }),
      told,
    ],
    check: ({ history }) => {
      const causes = history.steps.flatMap((step) => (step.type === 'status' ? [step.status.cause] : []));
      const said = causes.filter((cause) => (cause as DatasyncError | undefined)?.code === 'LATE_CLAIM').length;
      return said === 1 ? undefined : `the status said LATE_CLAIM ${said} times, and once per subscription is enough`;
    },
  },
];
