import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DatasyncEvent,
  fromMemory,
  jsonCodec,
  type KeyValue,
  memoryBroker,
  memoryStore,
  mergeSources,
} from 'rx-datasync';
import { fromFiles } from 'rx-datasync/files';
import { filter, firstValueFrom, map, ReplaySubject } from 'rxjs';

interface Node {
  readonly mtu: number;
}

/** What the program knows by itself, and files that an operator of the machine lays over it. */
export async function run(print: (line: string) => void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rx-datasync-merging-'));
  const overrides = join(directory, 'overrides.json');
  // In one step: a file that is seen half written is rejected until it is whole.
  const override = async (...data: { key: string; value: Node }[]): Promise<void> => {
    await writeFile(`${directory}.new`, JSON.stringify({ data }));
    await rename(`${directory}.new`, overrides);
  };
  await override({ key: '/nodes/a', value: { mtu: 9000 } });
  const store = memoryStore();
  const codec = jsonCodec<Node>();
  const nodes = memoryBroker(store, { prefix: '/nodes/', codec });
  await nodes.put('a', { mtu: 1500 });
  await nodes.put('b', { mtu: 1500 });

  const prefixes = ['/nodes/'];
  const merged = mergeSources({
    files: fromFiles({ paths: [directory], prefixes, codec }), // the first one wins
    memory: fromMemory(store, { prefixes, codec }),
  });
  const lines = new ReplaySubject<string>(100);
  const subscription = merged.pipe(map(shown)).subscribe(lines);
  const told = async (what: string): Promise<void> => {
    const saysIt = lines.pipe(filter((line) => line.includes(what)));
    print(await firstValueFrom(saysIt, { defaultValue: 'nothing' }));
  };

  await told('resync');
  await nodes.put('a', { mtu: 1400 }); // loses: nothing is told
  await nodes.put('b', { mtu: 1400 });
  await told('b 1400');
  await override({ key: '/nodes/a', value: { mtu: 9000 } }, { key: '/nodes/b', value: { mtu: 9001 } });
  await told('b 9001');
  await rm(overrides); // what was below reappears, as it is by now
  await told('a 1400');

  subscription.unsubscribe();
  await rm(directory, { recursive: true });
}

function shown(event: DatasyncEvent<Node>): string {
  if (event.type === 'resync') return `resync: ${event.entries.sorted().map(entry).join(', ')}`;
  return `change: ${event.changes.map((change) => (change.op === 'put' ? entry(change) : `${change.key} is gone`)).join(', ')}`;
}

function entry({ key, value, from }: Pick<KeyValue<Node>, 'key' | 'value' | 'from'>): string {
  return `${key} ${value.mtu} (${from})`;
}
