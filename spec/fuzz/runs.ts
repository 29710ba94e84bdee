import type { Parameters } from 'fast-check';

const factor = Number(process.env['DATASYNC_SOAK'] ?? 0);
let steps = 0;

/**
 * How often a property is tried: a fixed seed in a test run, so that it is the same everywhere; a random one and
 * `DATASYNC_SOAK` times as many in the soak. A failure prints its seed and its shortest script.
 */
export function runs(count: number): Parameters<unknown> {
  return factor > 0 ? { numRuns: count * factor } : { numRuns: count, seed: 20_261_121 };
}

/** Counts what the soak has done; printed by it at each hundred thousand. */
export function stepsTried(count: number): void {
  const before = steps;
  steps += count;
  if (factor > 0 && Math.floor(before / 100_000) < Math.floor(steps / 100_000)) console.log(`${steps} steps`);
}
