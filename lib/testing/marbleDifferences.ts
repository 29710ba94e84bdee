import type { ObservableNotification } from 'rxjs';
import { messageOf } from '../model/errors.ts';
import { compare, type MatchOptions, notation } from './notation.ts';
import { canonical } from './notationWrite.ts';

/** What was emitted, or is expected, at one moment of virtual time. */
export interface MarbleFrame {
  readonly frame: number;
  readonly notification: ObservableNotification<unknown>;
}

/** A lifetime: `unsubscribedFrame` is Infinity where it never ended. */
export interface Lifetime {
  readonly subscribedFrame: number;
  readonly unsubscribedFrame: number;
}

/** An expected value that is written in the notation. */
export class ExpectedText {
  readonly text: string;
  readonly options: MatchOptions;

  constructor(text: string, options: MatchOptions) {
    this.text = text;
    this.options = options;
  }
}

interface Row {
  readonly frame: number;
  readonly expected: string;
  readonly actual: string;
  readonly same: boolean;
}

const nothing = 'nothing';

/**
 * A table of frames with what was expected and what came, in the notation.
 *
 * @returns undefined where all agrees
 */
export function differences(actual: readonly MarbleFrame[], expected: readonly MarbleFrame[]): string | undefined {
  const rows = pairUp(actual, expected);
  const first = rows.find(({ same }) => !same);
  if (first === undefined) return undefined;
  const width = Math.max('expected'.length, ...rows.map((row) => row.expected.length));
  const line = (sign: string, frame: string, left: string, right: string): string =>
    `${sign} ${frame.padStart(7)}  ${left.padEnd(width)}  ${right}`;
  const table = rows.map((row) => line(row.same ? ' ' : '✗', String(row.frame), row.expected, row.actual));
  return [`the marbles differ at frame ${first.frame}`, line(' ', 'frame', 'expected', 'actual'), ...table].join('\n');
}

/** The same for lifetimes, in any order. */
export function lifetimeDifferences(actual: readonly Lifetime[], expected: readonly Lifetime[]): string | undefined {
  const text = (all: readonly Lifetime[]): string => (all.length === 0 ? 'none' : all.map(lifetimeText).join(', '));
  const [found, wanted] = [text(actual), text(expected)];
  return found === wanted ? undefined : `the subscriptions differ\n  expected  ${wanted}\n  actual    ${found}`;
}

function lifetimeText({ subscribedFrame, unsubscribedFrame }: Lifetime): string {
  return `from ${subscribedFrame} ${unsubscribedFrame === Number.POSITIVE_INFINITY ? 'on' : `to ${unsubscribedFrame}`}`;
}

/** Side by side what happened in one frame, in the order of frames. */
function pairUp(actual: readonly MarbleFrame[], expected: readonly MarbleFrame[]): Row[] {
  const rows: Row[] = [];
  for (let a = 0, e = 0; a < actual.length || e < expected.length; ) {
    const frame = Math.min(
      actual[a]?.frame ?? Number.POSITIVE_INFINITY,
      expected[e]?.frame ?? Number.POSITIVE_INFINITY,
    );
    const came = actual[a]?.frame === frame ? actual[a++] : undefined;
    const wanted = expected[e]?.frame === frame ? expected[e++] : undefined;
    rows.push({ frame, ...pair(came?.notification, wanted?.notification) });
  }
  return rows;
}

function pair(
  actual: MarbleFrame['notification'] | undefined,
  expected: MarbleFrame['notification'] | undefined,
): Omit<Row, 'frame'> {
  if (actual?.kind === 'N' && expected?.kind === 'N') return pairValues(actual.value, expected.value);
  const same =
    actual?.kind === expected?.kind &&
    (actual?.kind !== 'E' || expected?.kind !== 'E' || sameError(actual.error, expected.error));
  return { actual: textOf(actual), expected: textOf(expected), same };
}

function pairValues(actual: unknown, expected: unknown): Omit<Row, 'frame'> {
  if (expected instanceof ExpectedText) return compare(actual, expected.text, expected.options);
  const texts = { actual: notation.format(actual), expected: notation.format(expected) };
  return { ...texts, same: canonical(actual) === canonical(expected) };
}

/** An expected text is the error itself, its message or its code. */
function sameError(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (!(actual instanceof Error)) return canonical(actual) === canonical(expected);
  if (typeof expected === 'string')
    return actual.message === expected || (actual as { code?: unknown }).code === expected;
  return expected instanceof Error && actual.name === expected.name && actual.message === expected.message;
}

function textOf(notification: MarbleFrame['notification'] | undefined): string {
  switch (notification?.kind) {
    case undefined:
      return nothing;
    case 'N':
      return notification.value instanceof ExpectedText ? notification.value.text : notation.format(notification.value);
    case 'E':
      return `# ${messageOf(notification.error)}`;
    case 'C':
      return '|';
  }
}
