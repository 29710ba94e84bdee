import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { type MemoryStore, memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import type { SourceSubject } from '../../lib/testing/index.ts';

type HandOver = 'pinned' | 'windowed' | 'diffed';

/** A memory store under the conformance suite, in virtual time. */
export function memorySubject(handOver: HandOver): SourceSubject<MemoryStore> {
  return {
    name: `memory, ${handOver}`,
    version: 'in process',
    capabilities: memoryBackend(memoryStore(), { handOver }).capabilities,
    time: 'virtual',
    open: () => memoryStore(),
    write: (store, writes) => store.apply(writes),
    source: (store, config, { observed }) => fromBackend(observed(memoryBackend(store, { handOver })), config),
    faults: {
      compact: (store) => store.compact(),
      wipe: (store) => store.wipe(),
      disconnect: 'memory has no connection of its own',
      partition: 'memory has no connection of its own',
      pause: 'memory lives and ends with its process',
      restart: 'memory lives and ends with its process',
    },
  };
}
