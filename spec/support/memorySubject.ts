import { memoryBackend } from '../../lib/backends/memory/memoryBackend.ts';
import { type MemoryStore, memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import type { RawWrite } from '../../lib/model/broker.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import type { SourceSubject } from '../../lib/testing/index.ts';

type HandOver = 'pinned' | 'windowed' | 'diffed';

/** A memory store under the conformance suite, in virtual time. */
export function memorySubject(handOver: HandOver): SourceSubject<MemoryStore> {
  const logs = new WeakMap<MemoryStore, (readonly RawWrite[])[]>();
  return {
    name: `memory, ${handOver}`,
    version: 'in process',
    capabilities: memoryBackend(memoryStore(), { handOver }).capabilities,
    time: 'virtual',
    open: () => memoryStore(),
    write: (store, writes) => {
      logs.set(store, [...(logs.get(store) ?? []), writes]);
      return store.apply(writes);
    },
    source: (store, config, { observed }) => fromBackend(observed(memoryBackend(store, { handOver })), config),
    faults: {
      compact: (store) => store.compact(),
      wipe: (store) => {
        logs.delete(store);
        store.wipe();
      },
      backup: (store) => {
        const log = logs.get(store) ?? [];
        return () => {
          logs.set(store, log);
          // Whoever watches comes back later: nobody sees it empty.
          store.wipe();
          for (const writes of log) store.apply(writes);
        };
      },
      disconnect: 'memory has no connection of its own',
      partition: 'memory has no connection of its own',
      pause: 'memory lives and ends with its process',
      restart: 'memory lives and ends with its process',
    },
  };
}
