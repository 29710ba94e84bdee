/** The units of Go's durations, in milliseconds. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, the micro sign
  μs: 1e-3, // U+03BC, the Greek letter
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const whole = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const parts = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** What {@link milliseconds} takes, for messages. */
export const durationForm =
  "a duration such as '500ms', '5s' or '1m30s', or a whole number of nanoseconds (1 ms or more)";

/**
 * A duration as the configuration files of cn-infra hold it: a text with units, as Go writes them, or nanoseconds.
 *
 * Less than a millisecond is refused: it is nearly always a number of which the reader believed that it means seconds or
 * milliseconds. 0 is taken.
 *
 * @returns milliseconds; `undefined`: it is none, or negative
 */
export function milliseconds(value: unknown): number | undefined {
  const found = typeof value === 'number' ? fromNanoseconds(value) : typeof value === 'string' ? fromText(value) : NaN;
  return found === 0 || found >= 1 ? found : undefined;
}

function fromNanoseconds(value: number): number {
  return Number.isInteger(value) ? value / 1e6 : NaN;
}

function fromText(text: string): number {
  if (text === '0') return 0;
  if (!whole.test(text)) return NaN;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(parts)) sum += Number(amount) * units[unit!]!;
  // '0.3s' is 300, not 299.99999999999994.
  return Number(sum.toPrecision(15));
}
