/**
 * Prints the phone book in etcd and what happens to it, until Ctrl-C.
 *
 *     npx tsx examples/etcd/watcher.ts
 */
import type { Change, DatasyncEvent, SourceStatus } from 'rx-datasync';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { type Contact, contacts, lineOf, prefix } from './phoneBook.ts';
import { stopped, withEtcd } from './withEtcd.ts';

function print(event: DatasyncEvent<Contact>): void {
  if (event.type === 'resync') {
    console.log(`${event.entries.size} contacts (${event.reason})`);
    for (const { value } of event.entries.sorted()) console.log(`  ${lineOf(value)}`);
  } else event.changes.forEach(printOne);
  // The last good value, if there is one, stays in the book.
  for (const { key } of event.rejected) console.log(`! ${key.slice(prefix.length)}: this is no contact`);
}

function printOne(change: Change<Contact>): void {
  const { key, prevValue } = change;
  if (change.op === 'delete') console.log(`- ${key.slice(prefix.length)}`);
  else if (prevValue === undefined) console.log(`+ ${lineOf(change.value)}`);
  else console.log(`~ ${lineOf(change.value)} (was ${prevValue.company}, ${prevValue.phone})`);
}

let away = false;
const statusObserver = {
  next: ({ state, cause }: SourceStatus) => {
    if (state === 'backoff' && !away) console.log(`! ${cause instanceof Error ? cause.message : String(cause)}`);
    if (state === 'live' && away) console.log('= etcd is back');
    away = state === 'backoff' || (away && state !== 'live');
  },
};

await withEtcd(async (etcd) => {
  const events = etcd.source({ prefixes: [prefix], codec: contacts, statusObserver });
  await lastValueFrom(events.pipe(tap(print), takeUntil(stopped)), { defaultValue: undefined });
});
