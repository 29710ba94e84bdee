import { describe, expect, it } from 'vitest';
import { found } from './found.ts';
import { runScript } from './world.ts';

describe('scripts that once found a bug', () => {
  it.each(found)('$combination.handOver, $combination.pipeline: $found', ({ combination, script }) => {
    expect(runScript(combination, script).problems).toEqual([]);
  });
});
