import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { filesBackend } from '../../../lib/backends/files/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import { describeSource, type SourceSubject } from '../../../lib/testing/index.ts';
import { chokidar } from '../../support/chokidar.ts';
import { json } from '../../support/files.ts';
import { recordBackend } from '../../support/recordBackend.ts';

/** A directory with one file of entries, replaced as a whole with each write. */
interface Directory {
  readonly path: string;
  readonly entries: Map<string, unknown>;
}

function save({ path, entries }: Directory): void {
  const file = join(path, 'entries.json');
  writeFileSync(`${file}.tmp`, json(Object.fromEntries(entries)));
  renameSync(`${file}.tmp`, file);
}

const backendOf = (directory: string) => filesBackend({ paths: [directory] });

const files: SourceSubject<Directory> = {
  name: 'files',
  version: `chokidar ${chokidar.version}`,
  capabilities: backendOf('.').capabilities,
  time: 'real',
  open: async () => {
    const path = await realpath(await mkdtemp(join(tmpdir(), 'rx-datasync-')));
    const directory = { path, entries: new Map<string, unknown>() };
    save(directory);
    return directory;
  },
  write: (directory, writes) => {
    for (const write of writes) {
      if (write.op === 'delete') directory.entries.delete(write.key);
      else directory.entries.set(write.key, JSON.parse(textCodec.decode(write.value, write.key)));
    }
    save(directory);
    return undefined;
  },
  source: ({ path }, config, { observed }) => fromBackend(observed(backendOf(path)), config),
  faults: {
    wipe: (directory) => {
      directory.entries.clear();
      save(directory);
    },
    compact: 'files have no history',
    disconnect: 'files have no connection: see lifecycle.spec.ts for directories that vanish',
    partition: 'files have no connection: see lifecycle.spec.ts for directories that vanish',
    pause: 'there is no server that could stand still',
    restart: 'there is no server that could be killed',
  },
  close: ({ path }) => rmSync(path, { recursive: true, force: true }),
};

describeSource(files, { describe, it, report: recordBackend });
