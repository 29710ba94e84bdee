import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from './runs.ts';
import { scripts } from './script.ts';
import { type Combination, type Pipeline, runScript } from './world.ts';

const handOvers: readonly Combination['handOver'][] = ['pinned', 'windowed', 'diffed'];
const pipelines: readonly Pipeline[] = ['bare', 'buffer + ack', 'buffer + filter + ack', 'toState'];

describe('random scripts against the loop', () => {
  for (const handOver of handOvers) {
    for (const pipeline of pipelines) {
      for (const dynamic of [false, true]) {
        it(`${handOver}, ${pipeline}, ${dynamic ? 'dynamic' : 'fixed'} prefixes`, () => {
          fc.assert(
            fc.property(scripts(dynamic), (script) => {
              expect(runScript({ handOver, pipeline, dynamic }, script)).toEqual([]);
            }),
            runs(350),
          );
        }, 600_000);
      }
    }
  }
});
