import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { bufferDuringResync, filterByRevision, toState, trackPrevious } from '../../lib/index.ts';
import { describeSource, type SourceSubject } from '../../lib/testing/index.ts';
import { root } from '../support/imports.ts';
import { memorySubject } from '../support/memorySubject.ts';
import { acks } from '../support/pipelines.ts';

type Pipeline = NonNullable<SourceSubject<MemoryStore>['pipeline']>;

/** Each operator right behind a source, with what shows whether it kept what the source promises. */
const pipelines: Readonly<Record<string, Pipeline>> = {
  ackWithCallback: (source, stage) => source.pipe(stage.history.tap('source', stage.place), acks(stage)),
  bufferDuringResync: (source, stage) =>
    source.pipe(
      stage.history.tap('source', stage.place),
      bufferDuringResync(),
      stage.history.tap('buffered'),
      acks(stage),
    ),
  filterByRevision: (source, stage) =>
    source.pipe(stage.history.tap('source', stage.place), filterByRevision(), stage.history.tap('below'), acks(stage)),
  trackPrevious: (source, stage) =>
    source.pipe(stage.history.tap('source', stage.place), trackPrevious(), stage.history.tap('below'), acks(stage)),
  // It claims nothing: what fails must fail above it.
  toState: (source, stage) =>
    source.pipe(stage.history.tap('source', stage.place), acks(stage), toState(), stage.history.tapStates()),
};

const all: Pipeline = (source, stage) =>
  source.pipe(
    stage.history.tap('source', stage.place),
    bufferDuringResync(),
    filterByRevision(),
    trackPrevious(),
    stage.history.tap('buffered'),
    acks(stage),
  );

describe('every operator', () => {
  it('has a pipeline here', () => {
    const operators = readdirSync(join(root, 'lib/operators')).filter((file) => file.endsWith('.ts'));
    expect(Object.keys(pipelines).sort()).toEqual(operators.map((file) => basename(file, '.ts')).sort());
  });
});

for (const handOver of ['pinned', 'windowed', 'diffed'] as const) {
  const memory = memorySubject(handOver);
  for (const [name, pipeline] of Object.entries(pipelines)) {
    describeSource({ ...memory, name: `${memory.name}, ${name}`, pipeline }, { describe, it });
  }
  describeSource({ ...memory, name: `${memory.name}, four operators`, pipeline: all }, { describe, it });
}
