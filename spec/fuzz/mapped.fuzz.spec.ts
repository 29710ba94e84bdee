import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runMapped } from './mapped.ts';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';

describe.each(['pinned', 'windowed', 'diffed'] as const)('random scripts against mapValue, %s', (handOver) => {
  for (const mapped of ['above', 'below'] as const) {
    for (const dynamic of [false, true]) {
      it(`${mapped} the buffer, with withPrefix, ${dynamic ? 'dynamic' : 'fixed'} prefixes`, () => {
        fc.assert(
          fc.property(scripts(dynamic), (script) => {
            stepsTried(script.steps.length);
            expect(runMapped({ handOver, dynamic }, mapped, script)).toEqual([]);
          }),
          runs(350),
        );
      }, 3_600_000);
    }
  }
});
