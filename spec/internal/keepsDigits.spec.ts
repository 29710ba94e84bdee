import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepsDigits } from '../../lib/internal/keepsDigits.ts';

describe('keepsDigits', () => {
  it.each([
    '0',
    '-0',
    '0.0e99',
    '1500',
    '9007199254740992',
    '-9007199254740992',
    '9007199254740994',
    '12300000000000000000000',
    '1e23',
    '1E+2',
    '1.5e-7',
    '0.1',
    '.5',
    '5.',
    '+7',
    '007',
    '0.10000000000000001',
    '9.9999999999999992e+22',
    '4.9406564584124654e-324',
    '3.1400000000000000000000000000',
  ])('%s stays', (literal) => {
    expect(keepsDigits(literal)).toBe(true);
  });

  it.each([
    '9007199254740993',
    '-9007199254740993',
    '12345678901234567891',
    '9223372036854775807',
    // The same number, but not written so again.
    '9223372036854775808',
    '3.14159265358979323846',
    '0.1000000000000000000001',
    '9007199254740993.0',
    '9.007199254740993e15',
    '90071992547409930e-1',
    '1e400',
    '-1e400',
    '1e-400',
  ])('%s does not', (literal) => {
    expect(keepsDigits(literal)).toBe(false);
  });

  it('is true of what JavaScript writes, and of 17 digits, as others do', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(keepsDigits(String(value))).toBe(true);
        expect(keepsDigits(value.toExponential(16))).toBe(true);
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });

  it('is true of an integer exactly if JSON writes it back', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 70n), 2n ** 70n), (value) => {
        const written = JSON.stringify(Number(value));
        expect(keepsDigits(String(value))).toBe(written === String(value));
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });
});
