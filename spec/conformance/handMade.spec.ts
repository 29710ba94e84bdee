import { merge } from 'rxjs';
import { describe, it } from 'vitest';
import { listMemory, watchMemory } from '../../lib/backends/memory/fromMemory.ts';
import type { MemoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { bufferDuringResync, filterByRevision, trackPrevious } from '../../lib/index.ts';
import { describeSource, type SourceSubject } from '../../lib/testing/index.ts';
import { memorySubject } from '../support/memorySubject.ts';
import { acks } from '../support/pipelines.ts';
import { recordBackend } from '../support/recordBackend.ts';

/** The four operators over the halves of a source: the same promises, but for what only a loop can do. */
const handMade: SourceSubject<MemoryStore> = {
  ...memorySubject('pinned'),
  name: 'memory, list and watch by hand',
  source: (store, { prefixes, codec }) => {
    const config = { prefixes: prefixes as readonly string[], codec };
    return merge(watchMemory(store, config), listMemory(store, config));
  },
  // All of it is what the loop of fromBackend does.
  cannot: {
    frames: 'there is no backend',
    reconnect: 'nothing connects it again (rxjs retry would, from outside)',
    prefixes: 'its prefixes are fixed',
    resyncOn: 'nobody lists again',
    status: 'nobody knows how it is doing',
    silence: 'there is no connection that could be silent',
    resyncAfterReconnect: 'nothing connects it again',
    limits: 'whatever comes is taken',
    redelivery: 'nobody tells a failed resync again',
  },
  pipeline: (halves, stage) => {
    const { inFlight: _, ...place } = stage.place;
    return halves.pipe(
      bufferDuringResync(),
      filterByRevision(),
      trackPrevious(),
      stage.history.tap('source', place),
      stage.history.tap('buffered'),
      acks(stage),
    );
  },
};

describeSource(handMade, { describe, it, report: recordBackend });
