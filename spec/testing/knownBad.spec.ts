import { describe, expect, it } from 'vitest';
import { knownBad } from '../support/knownBad/index.ts';
import type { Played } from '../support/knownBad/play.ts';

/** What broke, and the whole story where that is not what was expected. */
function broken({ violations, history }: Played, expected: readonly string[]): unknown {
  const names = [...new Set(violations.map(({ invariant }) => invariant))].sort();
  if (names.join() === [...expected].sort().join()) return names;
  return [
    names,
    ...violations.map(({ invariant, message, step }) => `${invariant} at step ${step}: ${message}`),
    history.toString(),
  ].join('\n');
}

describe.each(knownBad)('$name', ({ breaks, play }) => {
  it(`breaks ${breaks.join(', ')}, and nothing else`, () => {
    expect(broken(play('bad'), breaks)).toEqual([...breaks].sort());
  });

  it('breaks nothing without its defect', () => {
    expect(broken(play('good'), [])).toEqual([]);
  });
});
