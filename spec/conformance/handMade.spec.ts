import { merge } from 'rxjs';
import { describe, it } from 'vitest';
import { listMemory, watchMemory } from '../../lib/backends/memory/fromMemory.ts';
import type { MemoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { describeSource, type SourceSubject } from '../../lib/testing/index.ts';
import { memorySubject } from '../support/memorySubject.ts';
import { byHand } from '../support/pipelines.ts';
import { recordBackend } from '../support/recordBackend.ts';

/** The four operators over the halves of a source: the same promises, but for what only a loop can do. */
const handMade: SourceSubject<MemoryStore> = {
  ...memorySubject('pinned'),
  name: 'memory, list and watch by hand',
  source: (store, { prefixes, codec }) => {
    const config = { prefixes: prefixes as readonly string[], codec };
    return merge(watchMemory(store, config), listMemory(store, config));
  },
  ...byHand,
};

describeSource(handMade, { describe, it, report: recordBackend });
