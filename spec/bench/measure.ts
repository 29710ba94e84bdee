import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** The middle of a list, its upper middle where the length is even. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

export function collectGarbage(): void {
  globalThis.gc!();
}

/** Bytes that are in use now, on the heap and outside of it. Cheap enough to be asked in every turn of the loop. */
export function bytesInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Bytes that are reachable now. */
export function bytesHeld(): number {
  // The second one takes what the first one's finalizers let go of.
  collectGarbage();
  collectGarbage();
  return bytesInUse();
}

/** Those who do the same work, by name; the first one is ours. */
export type Contestants<R> = Readonly<Record<string, () => R | Promise<R>>>;

/**
 * All contestants once per round, each time another one first; a round that warms up comes before and does not count.
 * Whoever would suffer from the garbage of the one before collects it first; not all do, since V8 takes it as a sign to
 * shrink its heap, and is slower for a while.
 *
 * @returns the results of each, in the order of the rounds
 */
export async function interleaved<R>(rounds: number, contestants: Contestants<R>): Promise<Record<string, R[]>> {
  const names = Object.keys(contestants);
  const results: Record<string, R[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + 1) % names.length]!;
      const result = await contestants[name]!();
      if (round >= 0) results[name]!.push(result);
    }
  }
  return results;
}

/** Milliseconds of something synchronous. */
export function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** How one piece of asynchronous work went. */
export interface Watched {
  readonly ms: number;
  /** The longest time between two turns of the event loop, in milliseconds. */
  readonly stall: number;
  /** By how much a timer that is due every 10 ms is late, in milliseconds: 99 of 100 times less than that. */
  readonly late: number;
  /** Bytes in use at most, over those before. */
  readonly peak: number;
}

/** Watches the event loop while something runs in many turns of it. */
export async function watched(work: () => Promise<void>): Promise<Watched> {
  const before = bytesHeld();
  const start = performance.now();
  let last = start;
  let stall = 0;
  let peak = 0;
  let running = true;
  const beat = (): void => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    peak = Math.max(peak, bytesInUse() - before);
    last = now;
    if (running) setImmediate(beat);
  };
  setImmediate(beat);
  const resolution = 10;
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  await work();
  delay.disable();
  running = false;
  beat();
  const late = Math.max(0, delay.percentile(99) / 1e6 - resolution);
  return { ms: performance.now() - start, stall, late, peak };
}

/** Bytes that `work(count)` allocates per item, kept or not. */
export function bytesAllocated(work: (count: number) => void, count: number): number {
  const samples: number[] = [];
  for (let sample = 0; sample < 31; sample++) {
    // Afterwards there is room for a few megabytes before the next collection, which would spoil the sample.
    collectGarbage();
    const before = bytesInUse();
    work(count);
    samples.push((bytesInUse() - before) / count);
  }
  return median(samples);
}
