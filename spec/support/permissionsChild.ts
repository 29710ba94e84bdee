// Run by permissions.spec.ts as a user whom permissions concern, which root is not. Hints alone lead to a scan here, but for
// what the source itself does while something cannot be read.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fromFiles } from '../../lib/backends/files/index.ts';
import type { SourceStatus } from '../../lib/model/status.ts';

const [blip = '0'] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-'));
const state = new Map<string, unknown>();
let status: SourceStatus | undefined;

function write(name: string, value: number): void {
  writeFileSync(join(directory, name), JSON.stringify({ data: [{ key: `/${name}`, value }] }));
}

/** Prints what it waited for, or fails. */
async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 15_000)
      throw new Error(`${what} did not come: ${JSON.stringify([...state])} ${String(status?.stale?.cause)}`);
    await pause(10);
  }
  console.log(what);
}

mkdirSync(join(directory, 'sub'));
write('a.json', 0);
write('sub/b.json', 0);
const subscription = fromFiles({
  paths: [directory],
  prefixes: [''],
  rescan: 3_600_000,
  statusObserver: { next: (now) => (status = now) },
}).subscribe((event) => {
  if (event.type === 'resync') for (const { key, value } of event.entries) state.set(key, value);
  for (const change of event.type === 'change' ? event.changes : []) {
    console.log(change.op, change.key);
    if (change.op === 'put') state.set(change.key, change.value);
    else state.delete(change.key);
  }
});
try {
  await until('live', () => state.size === 2);
  let value = 0;
  for (const target of ['a.json', 'sub/b.json', 'sub', '.']) {
    const mode = target.endsWith('.json') ? 0o644 : 0o755;
    chmodSync(join(directory, target), 0);
    if (blip === 'noticed') await until(`${target} stale`, () => status?.stale !== undefined);
    else await pause(Number(blip));
    chmodSync(join(directory, target), mode);
    if (blip === 'noticed') await until(`${target} healed`, () => status?.stale === undefined);
    for (const name of ['a.json', 'sub/b.json']) {
      write(name, ++value);
      await until(`${name} ${value}`, () => state.get(`/${name}`) === value);
    }
  }
} finally {
  subscription.unsubscribe();
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true });
}
