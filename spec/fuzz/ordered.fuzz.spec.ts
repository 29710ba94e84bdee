import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderedScripts, runOrdered } from './ordered.ts';
import { runs, stepsTried } from './runs.ts';

describe.each(['pinned', 'windowed', 'diffed'] as const)('random scripts against orderedResync, %s', (handOver) => {
  for (const dynamic of [false, true]) {
    it(`three consumers of mixed speed and failure, ${dynamic ? 'dynamic' : 'fixed'} prefixes`, () => {
      fc.assert(
        fc.property(orderedScripts(dynamic), (script) => {
          stepsTried(script.script.steps.length);
          expect(runOrdered({ handOver, dynamic }, script)).toEqual([]);
        }),
        runs(350),
      );
    }, 3_600_000);
  }
});
