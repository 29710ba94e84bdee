import { setTimeout as sleep } from 'node:timers/promises';
import {
  ackWithCallback,
  bufferDuringResync,
  ChangeEvent,
  type DatasyncEvent,
  filterByRevision,
  fromBackend,
  pinned,
  ResyncEvent,
  type Source,
  textCodec,
  trackPrevious,
} from 'rx-datasync';
import { defer, map, merge, type Observable } from 'rxjs';
import { Notebook } from './notebook.ts';

/** The short way: say how to list and how to watch; reconnecting, retries and acks come with it. */
function fromNotebook(notebook: Notebook): Source<string> {
  const raw = (key: string, value: string) => ({ key, value: textCodec.encode(value, key) });
  const backend = pinned<number>({
    name: 'notebook',
    list: ({ at }) =>
      defer(() => notebook.list(at)).pipe(
        map(({ revision, entries }) => ({
          entries: Array.from(entries, ([key, value]) => raw(key, value)),
          revision,
          position: revision,
        })),
      ),
    watch: ({ from }) =>
      notebook.watch(from).pipe(
        map(({ revision, key, value }) => ({
          type: 'changes',
          changes: [value === undefined ? { op: 'delete', key } : { op: 'put', ...raw(key, value) }],
          revision,
          position: revision,
        })),
      ),
  });
  return fromBackend(backend, { prefixes: [''], codec: textCodec });
}

/** What is inside, by hand: both halves are started at once, and the operators put them together. */
function fromNotebookByHand(notebook: Notebook): Observable<DatasyncEvent<string>> {
  const list = defer(() => notebook.list()).pipe(map(({ revision, entries }) => ResyncEvent.of(entries, revision)));
  const watch = notebook
    .watch()
    .pipe(
      map(({ revision, key, value }) =>
        value === undefined ? ChangeEvent.delete<string>(key, revision) : ChangeEvent.put(key, value, revision),
      ),
    );
  return merge(watch, list).pipe(
    bufferDuringResync(), // a change waits until the list is there and applied
    filterByRevision(), // what the list contains already is dropped
    trackPrevious(), // who wrote what before
  );
}

/** Both ways over the same book, with writes that race the list. */
export async function run(print: (line: string) => void): Promise<void> {
  const notebook = new Notebook();
  notebook.write('tea', '1');
  notebook.write('milk', '1');

  const ways = { fromBackend: fromNotebook(notebook), 'by hand': fromNotebookByHand(notebook) };
  const subscriptions = Object.entries(ways).map(([name, source]) => {
    const show = (event: DatasyncEvent<string>): void => print(`${name}: ${shown(event)}`);
    return source.pipe(ackWithCallback({ resync: show, change: show })).subscribe();
  });

  // The list contains these three; told after it, the delete would kill the new tea.
  notebook.write('tea', '2');
  notebook.write('tea');
  notebook.write('tea', '3');
  await sleep(15);
  // The list does not contain this one, which is written before it arrives.
  notebook.write('milk', '2');
  await sleep(30);
  notebook.write('tea');

  for (const subscription of subscriptions) subscription.unsubscribe();
}

function shown(event: DatasyncEvent<string>): string {
  if (event.type === 'resync') {
    return `resync @${event.revision}: ${event.entries
      .sorted()
      .map(({ key, value }) => `${key} ${value}`)
      .join(', ')}`;
  }
  const [change] = event.changes;
  if (change === undefined) return 'nothing';
  const now = change.op === 'put' ? change.value : 'gone';
  return `change @${event.revision}: ${change.key} ${change.prevValue ?? 'new'} > ${now}`;
}
