/**
 * Shows the interfaces of a directory of files, and what happens to them, until Ctrl-C.
 *
 *     npx tsx examples/edit-and-see/show.ts DIR
 */
import { bufferDuringResync, type Change, type ResyncEvent } from 'rx-datasync';
import { fromFiles } from 'rx-datasync/files';

interface Interface {
  readonly mtu: number;
  readonly address?: string;
}

const prefix = '/interface/';
const [directory = '.'] = process.argv.slice(2);
const nameOf = (key: string) => key.slice(prefix.length);

function describe({ mtu, address = 'no address' }: Interface): string {
  return `mtu ${mtu}, ${address}`;
}

function showAll({ entries }: ResyncEvent<Interface>): void {
  console.log(`${entries.size} interfaces in ${directory}`);
  for (const { key, value } of entries.sorted()) console.log(`  ${nameOf(key)}: ${describe(value)}`);
}

function showOne(change: Change<Interface>): void {
  const { key, prevValue } = change;
  if (change.op === 'delete') console.log(`- ${nameOf(key)}`);
  else if (prevValue === undefined) console.log(`+ ${nameOf(key)}: ${describe(change.value)}`);
  else console.log(`~ ${nameOf(key)}: ${describe(prevValue)} → ${describe(change.value)}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

let trouble: string | undefined;
const statusObserver = {
  next: ({ stale }: { readonly stale?: { readonly cause: unknown } }) => {
    const now = stale === undefined ? undefined : messageOf(stale.cause);
    if (now !== trouble) console.log(now === undefined ? '= all is well again' : `! ${now}`);
    trouble = now;
  },
};

fromFiles<Interface>({ paths: [directory], prefixes: [prefix], statusObserver })
  .pipe(bufferDuringResync())
  .subscribe({
    next: (event) => {
      if (event.type === 'resync') showAll(event);
      else event.changes.forEach(showOne);
    },
    error: (error: unknown) => {
      console.error(messageOf(error));
      process.exitCode = 1;
    },
  });
