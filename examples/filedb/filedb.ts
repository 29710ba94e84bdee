import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AckResult, SourceStatus } from 'rx-datasync';
import { serviceLabel } from 'rx-datasync/config';
import { type FiledbConfig, filedbConfig } from 'rx-datasync/files';
import { concatMap, lastValueFrom, take } from 'rxjs';
import { agent, type LinkState } from './agent.ts';

type Print = (line: string) => void;

/** Prints what is amiss: the last good configuration stays meanwhile. */
export function troublesTo(print: Print): { next: (status: SourceStatus) => void } {
  let last: unknown;
  return {
    next: ({ stale }) => {
      if (stale?.cause !== last) print(stale === undefined ? 'all is well' : `stale: ${messageOf(stale.cause)}`);
      last = stale?.cause;
    },
  };
}

/** Prints how an event ended, and what was refused of it. */
export function printResult({ event, outcome }: AckResult<LinkState>, print: Print): void {
  print(`${event.type} at ${event.revision}: ${outcome.type}`);
  for (const { key, error } of event.rejected) print(`  ! ${key}: ${messageOf(error)}`);
}

/** Runs the agent on a copy of the samples, and takes a step after each event. */
export async function run(print: Print): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rx-datasync-filedb-'));
  const path = (name: string) => join(directory, name);
  try {
    await cp(fileURLToPath(new URL('.', import.meta.url)), directory, { recursive: true });
    const config = await filedbConfig(path('filedb.conf'));
    const absolute = below(directory, config);
    const { prefix } = serviceLabel({ label: 'agent1' });
    const steps = stepsIn(path('config'), prefix);
    const events = agent(
      absolute,
      prefix,
      troublesTo((line) => print(line.replaceAll(`${directory}/`, ''))),
    ).pipe(
      concatMap(async (result, index) => {
        printResult(result, (line) => print(line.replaceAll(`${directory}/`, '')));
        print(indented(await readFile(absolute.statusPath, 'utf8')));
        const step = steps[index];
        if (step === undefined) return;
        print(`--- ${step.title}`);
        await step.run();
      }),
      take(steps.length + 1),
    );
    await lastValueFrom(events, { defaultValue: undefined });
  } finally {
    await rm(directory, { recursive: true });
  }
}

interface Step {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/** Each step leads to one event. Files are replaced by renaming, so that nobody reads a half of one. */
function stepsIn(directory: string, prefix: string): readonly Step[] {
  const write = async (links: string) => {
    await writeFile(join(directory, '.new'), `data:\n${links}`);
    await rename(join(directory, '.new'), join(directory, 'links.yaml'));
  };
  const link = (name: string, value: string) => `  - key: ${prefix}config/link/${name}\n    value: ${value}\n`;
  const eth0 = link('eth0', '{ mtu: 9000 }');
  return [
    {
      title: 'eth0 gets another MTU, eth1 goes, eth2 comes',
      run: () => write(eth0 + link('eth2', '{ mtu: 1500 }')),
    },
    {
      title: 'eth2 gets an MTU that no link can have',
      run: () => write(eth0 + link('eth2', '{ mtu: 20 }')),
    },
    {
      title: 'eth2 goes',
      run: () => write(eth0),
    },
  ];
}

function below(directory: string, { paths, statusPath }: FiledbConfig): Required<FiledbConfig> {
  return { paths: paths.map((path) => resolve(directory, path)), statusPath: resolve(directory, statusPath ?? '') };
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ');
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^\[[^\]]*\] /, '');
}
