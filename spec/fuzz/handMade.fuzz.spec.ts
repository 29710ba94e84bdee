import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HandMadePipeline, runHandMade } from './handMade.ts';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';

const pipelines: readonly HandMadePipeline[] = ['ack', 'bare', 'toState'];

describe('random scripts against a hand-made list and watch', () => {
  for (const pipeline of pipelines) {
    it(`${pipeline} behind buffer, filter and trackPrevious`, () => {
      fc.assert(
        fc.property(scripts(false), fc.constantFrom(0, 1, 12, 90), (script, listDelay) => {
          stepsTried(script.steps.length);
          expect(runHandMade(pipeline, listDelay, script)).toEqual([]);
        }),
        runs(600),
      );
    }, 3_600_000);
  }
});
