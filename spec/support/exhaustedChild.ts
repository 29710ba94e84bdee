// Run by exhausted.spec.ts where the system has so few watches, or open files, that they run out for real.
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fromFiles } from '../../lib/backends/files/index.ts';
import type { SourceStatus } from '../../lib/model/status.ts';

const [what] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-'));
const names = Array.from({ length: 20 }, (_, i) => `d${i % 4}/${i}.json`);
const state = new Map<string, unknown>();
let status: SourceStatus | undefined;
let deletes = 0;

function write(name: string, value: number): void {
  mkdirSync(join(directory, name, '..'), { recursive: true });
  writeFileSync(join(directory, name), JSON.stringify({ data: [{ key: `/${name}`, value }] }));
}

/** Prints what it waited for, or fails. */
async function until(line: () => string, condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 30_000) throw new Error(`did not come: ${JSON.stringify([...state])} ${String(status?.stale?.cause)}`);
    await pause(10);
  }
  console.log(line());
}
const reason = (): string => String((status?.stale?.cause as Error | undefined)?.message).replaceAll(directory, '.');

for (const name of names) write(name, 0);
const subscription = fromFiles({
  paths: [directory],
  prefixes: [''],
  rescan: what === 'watches' ? 3_600_000 : 500,
  usePolling: what === 'files',
  statusObserver: { next: (now) => (status = now) },
}).subscribe((event) => {
  if (event.type === 'resync') for (const { key, value } of event.entries) state.set(key, value);
  for (const change of event.type === 'change' ? event.changes : []) {
    if (change.op === 'put') state.set(change.key, change.value);
    else deletes++;
  }
});
const held: number[] = [];
try {
  await until(
    () => `live ${state.size}`,
    () => state.size === names.length,
  );
  if (what === 'files') {
    // All that may be opened is open.
    for (;;) {
      try {
        held.push(openSync('/dev/null', 'r'));
      } catch (error) {
        console.log((error as NodeJS.ErrnoException).code);
        break;
      }
    }
    // One is needed to write; the others read at the same time.
    closeSync(held.pop()!);
    write(names[0]!, 1);
    held.push(openSync('/dev/null', 'r'));
  }
  await until(reason, () => status?.stale !== undefined);
  if (what === 'files') for (const handle of held.splice(0)) closeSync(handle);
  else for (const name of [names[0]!, names[19]!]) write(name, 1);
  await until(
    () => `changed, ${deletes} deletes`,
    () => state.get(`/${names[0]!}`) === 1 && (what === 'files' || state.get(`/${names[19]!}`) === 1),
  );
  if (what === 'files')
    await until(
      () => 'healed',
      () => status?.stale === undefined,
    );
} finally {
  subscription.unsubscribe();
  for (const handle of held) closeSync(handle);
  rmSync(directory, { recursive: true });
}
