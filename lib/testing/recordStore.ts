import type { Subscription } from 'rxjs';
import type { MemoryStore } from '../backends/memory/memoryStore.ts';
import type { Codec } from '../model/codec.ts';
import { decode } from '../model/coding.ts';
import { ContinuityLost } from '../source/frames.ts';
import type { History } from './history.ts';
import { undecodable } from './steps.ts';

/**
 * Records what a memory store holds: now, and after each of its transactions. Call it before anything subscribes to the
 * store, so that each write stands before the events that tell it.
 *
 * @param codec that of the source, so that both have the same values
 * @returns stops it
 */
export function recordStore<T>(store: MemoryStore, history: History<T>, codec: Pick<Codec<T>, 'decode'>): () => void {
  let following: Subscription | undefined;
  let stopped = false;

  const read = (key: string, raw: Uint8Array): T | typeof undecodable => {
    try {
      return decode({ name: 'given', decode: () => codec.decode(raw, key) }, raw, key);
    } catch {
      return undecodable;
    }
  };

  const follow = (): void => {
    history.truth(
      store.revision,
      store.entries().map(({ key, value, revision }) => ({ key, value: read(key, value), revision })),
    );
    following = store.records(store.position).subscribe({
      next: ({ position: { revision }, changes }) => {
        const put: Record<string, T | typeof undecodable> = {};
        const deleted: string[] = [];
        for (const change of changes) {
          if (change.op === 'delete') deleted.push(change.key);
          else put[change.key] = 'error' in change ? undecodable : read(change.key, change.value);
        }
        history.write({ revision, put, delete: deleted });
      },
      error: (error: unknown) => {
        if (!(error instanceof ContinuityLost)) throw error;
        if (!stopped) follow();
      },
    });
  };

  follow();
  return () => {
    stopped = true;
    following?.unsubscribe();
  };
}
