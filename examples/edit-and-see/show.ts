/**
 * Shows the interfaces of a directory of files, and what happens to them, until Ctrl-C.
 *
 *     npx tsx examples/edit-and-see/show.ts DIR
 */
import { bufferDuringResync, type Change, type DatasyncEvent, mapValue, type ResyncEvent } from 'rx-datasync';
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

/** What a file holds may be anything; what is thrown here makes the key `rejected`, and the interface stays what it was. */
function interfaceOf(value: unknown): Interface {
  const { mtu, address } = Object(value) as Readonly<Record<string, unknown>>;
  if (typeof mtu !== 'number')
    throw new TypeError(`an interface needs { mtu: number }, and this is ${JSON.stringify(value)}`);
  return typeof address === 'string' ? { mtu, address } : { mtu };
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

/** What a broken file rejects is all for one reason, which the status has said. */
function showRejected({ rejected }: DatasyncEvent<Interface>): void {
  for (const { key, lastGood, error } of rejected) {
    if (error.message === trouble) continue;
    const stays = lastGood === undefined ? 'is not there' : `stays at ${describe(lastGood)}`;
    console.log(`! ${nameOf(key)} ${stays}: ${messageOf(error)}`);
  }
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

fromFiles({ paths: [directory], prefixes: [prefix], statusObserver })
  .pipe(bufferDuringResync(), mapValue(interfaceOf))
  .subscribe({
    next: (event) => {
      if (event.type === 'resync') showAll(event);
      else event.changes.forEach(showOne);
      showRejected(event);
    },
    error: (error: unknown) => {
      console.error(messageOf(error));
      process.exitCode = 1;
    },
  });
