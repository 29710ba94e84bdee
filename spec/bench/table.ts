/** How a number is written. */
export type Unit = (value: number) => string;

export const units = {
  perSecond: (value) => (value >= 1e6 ? `${(value / 1e6).toFixed(2)} M/s` : `${(value / 1e3).toFixed(0)} k/s`),
  milliseconds: (value) =>
    value >= 1_000 ? `${(value / 1_000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`,
  microseconds: (value) => (value >= 1_000 ? `${(value / 1_000).toFixed(1)} ms` : `${value.toFixed(1)} µs`),
  thousands: (value) => `${(value / 1e3).toFixed(1)} k`,
  bytes: (value) => `${value.toFixed(0)} B`,
  megabytes: (value) => `${(value / 1e6).toFixed(0)} MB`,
} satisfies Record<string, Unit>;

/** What is hoped for. Never asserted: it says as much about the machine as about the library. */
export interface Goal {
  readonly text: string;
  readonly met: (value: number) => boolean;
}

export function atLeast(value: number, unit: Unit): Goal {
  return { text: `≥ ${unit(value)}`, met: (reached) => reached >= value };
}

export function below(value: number, unit: Unit): Goal {
  return { text: `< ${unit(value)}`, met: (reached) => reached < value };
}

/** One row: what we need for something, and what a peer needs for the same. */
export interface Figure {
  readonly what: string;
  readonly unit: Unit;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly goal?: Goal | undefined;
}

const head = ['', 'ours', 'peer', '', 'ours ÷ peer', 'goal'];

/** The rows under a title, in columns. */
export function table(title: string, figures: readonly Figure[]): string {
  const rows = figures.map(({ what, unit, ours, peer, theirs, goal }) => [
    what,
    unit(ours),
    peer,
    unit(theirs),
    `${ratio(ours / theirs)}×`,
    goal === undefined ? '' : `${goal.text} ${goal.met(ours) ? '✓' : '✗'}`,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const numbers = new Set([1, 3, 4]);
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => (numbers.has(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [title, ...[head, ...rows].map((row) => `  ${line(row)}`)].join('\n');
}

function ratio(value: number): string {
  return value < 0.1 ? value.toPrecision(1) : value.toFixed(2);
}
