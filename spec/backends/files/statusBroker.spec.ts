import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { filesBackend, filesStatus, fromFiles } from '../../../lib/backends/files/index.ts';
import { type BrokerSubject, describeBroker } from '../../../lib/testing/index.ts';
import { ownDirectory, write } from '../../support/files.ts';
import { recordBackend } from '../../support/recordBackend.ts';

/** Each store is a directory with one status file. */
const subject = (name: string): BrokerSubject<string> => ({
  name: `files, ${name}`,
  version: 'file system',
  capabilities: {
    write: true,
    ttl: false,
    lifetime: false,
    transactions: true,
    compareAndSwap: false,
    deletePrefix: true,
    reasons: {
      ttl: 'a file has no clock: an entry would outlive the program that should take it out',
      lifetime: 'a file stays when the program that wrote it ends',
      compareAndSwap: 'another process may replace the file between the look and the write',
    },
  },
  revisions: false,
  open: () => ownDirectory(),
  broker: (dir, made) => filesStatus({ path: join(dir, name), ...made }),
  source: {
    capabilities: filesBackend({ paths: ['.'] }).capabilities,
    of: (dir, config) => fromFiles({ paths: [join(dir, name)], usePolling: true, rescan: 20, ...config }),
  },
  // As somebody would who edits it by hand.
  spoil: (dir, key) => write(join(dir, name), `{"data": [{"key": ${JSON.stringify(key)}}]}`),
  close: (dir) => rmSync(dir, { recursive: true }),
});

describeBroker(subject('status.json'), { describe, it, report: recordBackend });
describeBroker(subject('status.yaml'), { describe, it, report: recordBackend });
