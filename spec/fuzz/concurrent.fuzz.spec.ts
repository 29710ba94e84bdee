import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runConcurrent } from './concurrent.ts';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';

describe.each(['pinned', 'windowed', 'diffed'] as const)(
  'random scripts against three works at once, %s',
  (handOver) => {
    it.each([
      ['buffer + ack with concurrency 3', false],
      ['distinct + buffer + ack with concurrency 3', true],
    ])(
      '%s',
      (_, isDistinct) => {
        fc.assert(
          fc.property(scripts(false), (script) => {
            stepsTried(script.steps.length);
            expect(runConcurrent(handOver, isDistinct, script)).toEqual([]);
          }),
          runs(350),
        );
      },
      3_600_000,
    );
  },
);
