import type { MemoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { decodeText, encodeText } from '../../../lib/internal/bytes.ts';
import type { RawWrite } from '../../../lib/model/broker.ts';
import type { DatasyncEvent } from '../../../lib/model/events.ts';

export const bytes = encodeText;
export const text = decodeText;

export function put(key: string, value: string, ttl?: number): RawWrite {
  return { op: 'put', key, value: bytes(value), ...(ttl === undefined ? {} : { ttl }) };
}

export function del(key: string): RawWrite {
  return { op: 'delete', key };
}

/** `x:1@7 y:2@8`: what the store holds, with the revision of each key. */
export function shown(store: MemoryStore, prefix = '', at?: number): string {
  return store
    .entries(prefix, at)
    .map(({ key, value, revision }) => `${key}:${text(value)}@${revision}`)
    .join(' ');
}

/** One line per event: `{x:1 y:2}@7 initial`, `x:1>2,!y@8`. */
export function line(event: DatasyncEvent<string>): string {
  if (event.type === 'resync') {
    const entries = event.entries.sorted().map(({ key, value }) => `${key}:${value}`);
    return `{${entries.join(' ')}}@${event.revision} ${event.reason}`;
  }
  const changes = event.changes.map((change) => {
    if (change.op === 'delete') return `!${change.key}`;
    return `${change.key}:${change.prevValue === undefined ? '' : `${change.prevValue}>`}${change.value}`;
  });
  const rejected = event.rejected.map(({ key }) => `${key}:?`);
  return `${event.coalesced ? '~' : ''}${[...changes, ...rejected].join(',')}@${event.revision}`;
}
