import type { Subject } from 'rxjs';
import type { MemoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { ContinuityLost, type RawWrite, textCodec } from '../../lib/index.ts';
import type { Step } from './script.ts';

function write(key: string, text: string | undefined): RawWrite {
  return text === undefined ? { op: 'delete', key } : { op: 'put', key, value: textCodec.encode(text, key) };
}

/** What a step of a script does to a store, and to those who are connected to it. */
export function performOn(store: MemoryStore, step: Step, cut: Subject<unknown>): void {
  const textOf = (key: string): string | undefined => {
    const entry = store.get(key);
    return entry && textCodec.decode(entry.value, key);
  };
  switch (step.do) {
    case 'put':
    case 'writeInside':
      store.apply([write(step.key, step.value)]);
      return;
    case 'same':
      store.apply([write(step.key, textOf(step.key))]);
      return;
    case 'delete':
      store.apply([write(step.key, undefined)]);
      return;
    case 'txn':
      store.apply(step.writes.map(([key, text]) => write(key, text)));
      return;
    case 'cut':
      return cut.next(new Error('cut'));
    case 'cutAndCompact':
      store.compact();
      return cut.next(new ContinuityLost('compacted'));
    case 'compact':
      return store.compact();
    case 'wipe':
      return store.wipe();
  }
}

/** What does not decode has no value that every consumer must agree on. */
export function healBad(store: MemoryStore): void {
  for (const { key, value } of store.entries())
    if (textCodec.decode(value, key) === 'BAD') store.apply([write(key, 'healed')]);
}
