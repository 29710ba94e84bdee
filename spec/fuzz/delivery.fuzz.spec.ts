import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runDelivery } from './delivery.ts';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';

describe('random scripts against the delivery alone', () => {
  for (const claimTimeout of [Infinity, 50]) {
    it(`claimTimeout ${claimTimeout}`, () => {
      fc.assert(
        fc.property(scripts(false), (script) => {
          stepsTried(script.steps.length);
          expect(runDelivery(script, claimTimeout)).toEqual([]);
        }),
        runs(1_000),
      );
    }, 3_600_000);
  }
});
