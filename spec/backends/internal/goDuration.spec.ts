import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../lib/backends/internal/goDuration.ts';

describe('milliseconds', () => {
  it.each([
    ['5s', 5_000],
    ['100ms', 100],
    ['0.3s', 300],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['1.s', 1_000],
    ['1m30s', 90_000],
    ['2h45m0.5s', 9_900_500],
    ['1500us', 1.5],
    ['1500µs', 1.5],
    ['1500μs', 1.5],
    ['2000000ns', 2],
    ['1s1s', 2_000],
    ['0', 0],
    ['0s', 0],
    [0, 0],
    [1_000_000, 1],
    [100_000_000, 100],
    [1_500_000, 1.5],
  ])('%j is %d ms', (value, expected) => {
    expect(milliseconds(value)).toBe(expected);
  });

  it.each([
    ['', 'an empty text'],
    ['5', 'no unit'],
    ['s', 'no number'],
    ['5 s', 'a space'],
    ['5S', 'no unit of Go'],
    ['1d', 'no unit of Go'],
    ['-5s', 'negative'],
    ['1m30', 'the last part has no unit'],
    ['1e3ms', 'no exponents'],
    ['999us', 'less than a millisecond'],
    [100, '100 nanoseconds: somebody believes that they are milliseconds'],
    [5_000, '5,000 nanoseconds: the same'],
    [1_500_000.5, 'half a nanosecond'],
    [-1_000_000, 'negative'],
    [Number.NaN, 'no number'],
    [Infinity, 'no number of nanoseconds'],
    [true, 'no text'],
    [undefined, 'nothing'],
  ])('%j is none: %s', (value, _reason) => {
    expect(milliseconds(value)).toBeUndefined();
  });
});
