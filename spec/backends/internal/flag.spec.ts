import { describe, expect, it } from 'vitest';
import { setting } from '../../../lib/backends/internal/flag.ts';
import { failureOf } from '../../support/failureOf.ts';

describe('setting', () => {
  const of = (args: readonly string[], env: Record<string, string> = {}) => setting('some-name', { args, env });

  it.each([
    [['--some-name', 'a'], 'a'],
    [['--some-name=a'], 'a'],
    [['-some-name', 'a'], 'a'],
    [['-some-name=a=b'], 'a=b'],
    [['--some-name=a', '--some-name', 'b'], 'b'],
    [['--some-name='], ''],
    [['--some-names=a'], undefined],
    [['some-name', 'a'], undefined],
    [['--', '--some-name=a'], undefined],
    [[], undefined],
  ])('of %j is %j', (args, expected) => {
    expect(of(args)).toBe(expected);
  });

  it('is the flag before the variable, and an empty variable is none', () => {
    expect(of([], { SOME_NAME: 'v' })).toBe('v');
    expect(of(['--some-name=a'], { SOME_NAME: 'v' })).toBe('a');
    expect(of(['--some-name='], { SOME_NAME: 'v' })).toBe('');
    expect(of([], { SOME_NAME: '' })).toBeUndefined();
  });

  it('refuses a flag without a value', () => {
    expect(failureOf(() => of(['--some-name']))).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});
