import { fromBackend } from 'rx-datasync';
import type { SourceSubject } from 'rx-datasync/testing';
import { Notebook } from './notebook.ts';
import { notebookBackend } from './notebookBackend.ts';

/** What the suite has to know about the store: how to make one, write to it, read it, and break it. */
export const subject: SourceSubject<Notebook> = {
  name: 'notebook',
  capabilities: notebookBackend(new Notebook()).capabilities,
  time: 'real',
  open: () => new Notebook(),
  write: (notebook, writes) =>
    notebook.write(new Map(writes.map((write) => [write.key, write.op === 'put' ? write.value : undefined]))),
  source: (notebook, config, { observed }) => fromBackend(observed(notebookBackend(notebook)), config),
  faults: {
    disconnect: (notebook) => notebook.disconnect(),
    compact: 'a notebook forgets nothing',
    wipe: 'a notebook is never emptied',
  },
};
