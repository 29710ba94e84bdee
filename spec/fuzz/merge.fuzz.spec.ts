import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runMerged } from './merge.ts';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';
import { life } from './share.member.ts';

const nevers = [undefined, 0, 1, 2] as const;

describe.each(['pinned', 'windowed', 'diffed'] as const)('random scripts against mergeSources, %s', (handOver) => {
  for (const pipeline of ['bare', 'buffer + ack'] as const) {
    it(`three sources, ${pipeline}`, () => {
      const checked = new Set<string>();
      fc.assert(
        fc.property(
          scripts(false),
          fc.array(fc.nat(2), { minLength: 7, maxLength: 7 }),
          life,
          fc.constantFrom(...nevers),
          fc.constantFrom(0, 10, 500),
          (script, targets, one, never, wait) => {
            stepsTried(script.steps.length);
            const run = runMerged({ handOver, never, wait }, script, targets, { ...one, pipeline });
            expect(run.problems).toEqual([]);
            for (const invariant of run.checked) checked.add(invariant);
          },
        ),
        runs(350),
      );
      expect([...checked]).toEqual(expect.arrayContaining(['I1', 'I14', 'I18', 'I31', 'I33', 'I40', 'I42']));
    }, 3_600_000);
  }
});
