import { same } from '../../internal/same.ts';
import type { ResyncEvent } from '../../model/events.ts';

/** The resync with a diff that starts from what was told, where the source has gone on since: those keys are `behind`. */
export function sinceTold<T>(event: ResyncEvent<T>, behind: ReadonlyMap<string, T>): ResyncEvent<T> {
  if (behind.size === 0) return event;
  const unnamed = new Map(behind);
  const since = <E extends { readonly key: string; readonly prevValue: T | undefined }>(item: E): E => {
    const isBehind = unnamed.delete(item.key);
    return isBehind ? { ...item, prevValue: behind.get(item.key) } : item;
  };
  for (const { key } of event.diff.added) unnamed.delete(key);
  const changed = event.diff.changed.map(since);
  const removed = event.diff.removed.map(since);
  for (const [key, prevValue] of unnamed) {
    const now = event.entries.get(key);
    if (now !== undefined && !same(now.value, prevValue)) changed.push({ ...now, prevValue });
  }
  return event.with({ diff: { ...event.diff, changed, removed } });
}
