import { type Backend, type ChangesFrame, pinned, type RawChange } from 'rx-datasync';
import { defer, filter, map, type Observable } from 'rxjs';
import type { Notebook } from './notebook.ts';

/** The backend under test: listed at a line, and watched from there. */
export function notebookBackend(notebook: Notebook): Backend<number> {
  const isUnder = (key: string, prefixes: readonly string[]): boolean =>
    prefixes.some((prefix) => key.startsWith(prefix));
  return pinned<number>({
    name: 'notebook',
    list: ({ prefixes, at }) =>
      defer(() => notebook.list(at)).pipe(
        map(({ revision, entries }) => ({
          entries: Array.from(entries, ([key, entry]) => ({ key, ...entry })).filter(({ key }) =>
            isUnder(key, prefixes),
          ),
          revision,
          position: revision,
        })),
      ),
    watch: ({ prefixes, from }): Observable<ChangesFrame<number>> =>
      notebook.watch(from).pipe(
        map(({ revision, values }) => {
          const changes = Array.from(values, ([key, value]): RawChange => {
            return value === undefined ? { op: 'delete', key, revision } : { op: 'put', key, value, revision };
          }).filter(({ key }) => isUnder(key, prefixes));
          return { type: 'changes' as const, changes, revision, position: revision };
        }),
        filter(({ changes }) => changes.length > 0),
      ),
  });
}
