import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { recordBackend } from '../support/recordBackend.ts';
import type { Pipeline } from './pipeline.ts';
import { runs, stepsTried } from './runs.ts';
import { scripts } from './script.ts';
import { type Combination, runScript } from './world.ts';

const handOvers: readonly Combination['handOver'][] = ['pinned', 'windowed', 'diffed'];
const pipelines: readonly Pipeline[] = ['bare', 'buffer + ack', 'buffer + filter + ack', 'toState'];

describe.each(handOvers)('random scripts against the loop, %s', (handOver) => {
  const checked = new Set<string>();
  const skipped = new Map<string, string>();

  for (const pipeline of pipelines) {
    for (const dynamic of [false, true]) {
      it(`${pipeline}, ${dynamic ? 'dynamic' : 'fixed'} prefixes`, () => {
        fc.assert(
          fc.property(scripts(dynamic), (script) => {
            stepsTried(script.steps.length);
            const run = runScript({ handOver, pipeline, dynamic }, script);
            expect(run.problems).toEqual([]);
            for (const invariant of run.checked) checked.add(invariant);
            for (const { invariant, reason } of run.skipped) skipped.set(invariant, reason);
          }),
          runs(350),
        );
      }, 3_600_000);
    }
  }

  afterAll(() => {
    const never = [...skipped].filter(([invariant]) => !checked.has(invariant));
    recordBackend({
      backend: `memory, ${handOver}`,
      version: 'in process',
      invariants: [...checked],
      skipped: never.map(([invariant, reason]) => ({ invariant, reason })),
    });
  });
});
