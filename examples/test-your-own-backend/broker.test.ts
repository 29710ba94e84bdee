import { describe, it } from 'node:test';
import { fromBackend } from 'rx-datasync';
import { describeBroker } from 'rx-datasync/testing';
import { Notebook } from './notebook.ts';
import { notebookBackend } from './notebookBackend.ts';
import { capabilities, notebookBroker } from './notebookBroker.ts';

describeBroker<Notebook>(
  {
    name: 'notebook',
    capabilities,
    open: () => new Notebook(),
    broker: (notebook, made) => notebookBroker(notebook, made),
    source: {
      capabilities: notebookBackend(new Notebook()).capabilities,
      of: (notebook, config) => fromBackend(notebookBackend(notebook), config),
    },
  },
  { describe, it },
);
