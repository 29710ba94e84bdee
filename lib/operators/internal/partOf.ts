import type { DatasyncEvent } from '../../model/events.ts';
import { Snapshot } from '../../model/snapshot.ts';
import { isUnder } from '../../source/prefixes.ts';

/** What an event says of the keys under a prefix. A resync always says something; a change that does not gives `undefined`. */
export function partOf<T>(event: DatasyncEvent<T>, prefix: string): DatasyncEvent<T> | undefined {
  const rejected = under(event.rejected, prefix);
  if (event.type === 'change') {
    const changes = under(event.changes, prefix);
    return changes.length === 0 && rejected.length === 0 ? undefined : event.with({ changes, rejected });
  }
  const { added, changed, removed } = event.diff;
  return event.with({
    prefixes: narrowed(event.prefixes, prefix),
    entries: prefix === '' ? event.entries : new Snapshot(event.entries.under(prefix)),
    diff: { added: under(added, prefix), changed: under(changed, prefix), removed: under(removed, prefix) },
    rejected,
  });
}

/** What is known of the keys under a prefix: never more than was watched, or a publisher would delete the rest. */
function narrowed(prefixes: readonly string[], prefix: string): readonly string[] {
  return isUnder(prefix, prefixes) ? [prefix] : prefixes.filter((watched) => watched.startsWith(prefix));
}

function under<E extends { readonly key: string }>(items: readonly E[], prefix: string): readonly E[] {
  return items.filter(({ key }) => key.startsWith(prefix));
}
