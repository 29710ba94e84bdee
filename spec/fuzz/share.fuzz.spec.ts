import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';
import { life } from './share.member.ts';
import { runShared } from './share.ts';

describe.each(['pinned', 'windowed', 'diffed'] as const)('random scripts against shareResync, %s', (handOver) => {
  for (const acks of ['own', 'all'] as const) {
    it(`three subscribers, acks: ${acks}`, () => {
      const checked = new Set<string>();
      fc.assert(
        fc.property(scripts(false), fc.tuple(life, life, life), fc.boolean(), (script, lives, resetOnRefCountZero) => {
          stepsTried(script.steps.length);
          const run = runShared({ handOver, acks, resetOnRefCountZero }, script, lives);
          expect(run.problems).toEqual([]);
          for (const invariant of run.checked) checked.add(invariant);
        }),
        runs(350),
      );
      expect([...checked]).toEqual(expect.arrayContaining(['I1', 'I14', 'I18', 'I30', 'I31', 'I33', 'I40', 'I42']));
    }, 3_600_000);
  }
});
