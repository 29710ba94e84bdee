import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromFiles } from 'rx-datasync/files';
import { concatMap, delay, lastValueFrom, type Observable, take, tap } from 'rxjs';
import { Printer } from './print.ts';
import { stepsIn } from './steps.ts';

type Print = (line: string) => void;

/** This is all there is to it: a resync with every entry first, then what changes, for ever. */
export function watch(directory: string, prefixes: readonly string[], print: Print): Observable<unknown> {
  const printer = new Printer(directory, print);
  const statusObserver = { next: printer.status };
  return fromFiles({ paths: [directory], prefixes, statusObserver }).pipe(tap(printer.event));
}

/** Watches a copy of the samples, and takes a step after each event. */
export async function run(print: Print): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rx-datasync-quickstart-'));
  try {
    await cp(fileURLToPath(new URL('config', import.meta.url)), directory, { recursive: true });
    const steps = stepsIn(directory);
    const events = watch(directory, ['/nodes/', '/routes/'], print).pipe(
      delay(200), // time to read
      concatMap(async (_event, index) => {
        const step = steps[index];
        if (step === undefined) return;
        print(`\n--- ${step.title}`);
        await step.run();
      }),
      take(steps.length + 1),
    );
    await lastValueFrom(events, { defaultValue: undefined });
  } finally {
    await rm(directory, { recursive: true });
  }
}
