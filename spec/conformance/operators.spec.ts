import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../lib/backends/memory/memoryStore.ts';
import {
  bufferDuringResync,
  type DatasyncEvent,
  distinctValue,
  filterByRevision,
  mapValue,
  shareResync,
  toState,
  trackPrevious,
  withPrefix,
} from '../../lib/index.ts';
import { describeSource, type PlaceOptions, type SourceSubject } from '../../lib/testing/index.ts';
import { root } from '../support/imports.ts';
import { memorySubject } from '../support/memorySubject.ts';
import { acks } from '../support/pipelines.ts';

type Pipeline = NonNullable<SourceSubject<MemoryStore>['pipeline']>;

/** An operator from events to events, right behind a source, and what it is exempt from. */
function below(operator: MonoTypeOperatorFunction<DatasyncEvent<unknown>>, options: PlaceOptions = {}): Pipeline {
  return (source, stage) =>
    source.pipe(stage.history.tap('source', stage.place), operator, stage.history.tap('below', options), acks(stage));
}

/** What takes or makes something else than the events of one source, and where it is proven. */
const elsewhere: Readonly<Record<string, string>> = {
  consumer: 'a part of orderedResync',
  mergeSources: 'takes several sources: its own specs, and the random scripts over it',
  orderedResync: 'takes bytes, to consumers with codecs of their own: its own specs, and the random scripts over it',
  shareResync: 'tells as a source does, each subscriber for itself: it is one, below',
  publishTo: 'ackWithCallback with a broker for its work: its own specs',
};

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
  filterByRevision: below(filterByRevision()),
  trackPrevious: below(trackPrevious()),
  withPrefix: below(withPrefix('')),
  mapValue: below(mapValue((value) => value)),
  distinctValue: below(distinctValue(), { exempt: { I16: 'it drops equal values, as asked' } }),
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
  it('has a pipeline here, or stands among those that are proven elsewhere', () => {
    const operators = readdirSync(join(root, 'lib/operators')).filter((file) => file.endsWith('.ts'));
    expect([...Object.keys(pipelines), ...Object.keys(elsewhere)].sort()).toEqual(
      operators.map((file) => basename(file, '.ts')).sort(),
    );
  });
});

for (const handOver of ['pinned', 'windowed', 'diffed'] as const) {
  const memory = memorySubject(handOver);
  for (const [name, pipeline] of Object.entries(pipelines)) {
    describeSource({ ...memory, name: `${memory.name}, ${name}`, pipeline }, { describe, it });
  }
  describeSource({ ...memory, name: `${memory.name}, four operators`, pipeline: all }, { describe, it });
  describeSource(
    {
      ...memory,
      name: `${memory.name}, shareResync`,
      source: (store, config, stage) => {
        // Its subscribers' status, not that of the one subscription it makes itself.
        const { statusObserver, ...own } = config;
        const { overflow: _, ...delivery } = config.delivery ?? {};
        const sharing = { delivery, ...(statusObserver === undefined ? {} : { statusObserver }) };
        return memory.source(store, own, stage).pipe(shareResync(sharing));
      },
      // Not the place `source`: what a subscriber does with its events is nothing to the backend.
      pipeline: (source, stage) => source.pipe(stage.history.tap('below', stage.place), acks(stage)),
    },
    { describe, it },
  );
}
