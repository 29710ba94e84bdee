/**
 * Changes one interface in a directory of files, as an editor would: by replacing `interfaces.yaml`.
 *
 *     npx tsx examples/edit-and-see/change.ts DIR eth0 --mtu 9000 --address 10.0.0.1
 *     npx tsx examples/edit-and-see/change.ts DIR eth0 --remove
 */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dump, load } from 'js-yaml';

interface Entry {
  readonly key: string;
  readonly value: object;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { mtu: { type: 'string' }, address: { type: 'string' }, remove: { type: 'boolean' } },
});
const [directory, name] = positionals;
if (directory === undefined || name === undefined || !/^\d+$/.test(values.mtu ?? '0')) {
  console.error('usage: change.ts DIR NAME [--mtu N] [--address A] [--remove]');
  process.exit(1);
}
if (!existsSync(directory)) {
  console.error(`${directory} does not exist: mkdir -p ${directory}`);
  process.exit(1);
}

const path = join(directory, 'interfaces.yaml');
const key = `/interface/${name}`;
const entries = await read();
const old = entries.find((entry) => entry.key === key);
const others = entries.filter((entry) => entry !== old);
const value = {
  mtu: 1500,
  ...old?.value,
  ...(values.mtu === undefined ? {} : { mtu: Number(values.mtu) }),
  ...(values.address === undefined ? {} : { address: values.address }),
};
await replace(values.remove === true ? others : [...others, { key, value }]);

async function read(): Promise<readonly Entry[]> {
  try {
    return (load(await readFile(path, 'utf8')) as { data: Entry[] }).data;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
}

/** A reader sees the old file or the new one, never a half: half a YAML file is mostly a valid one. */
async function replace(data: readonly Entry[]): Promise<void> {
  const temporary = join(directory!, `.interfaces.yaml.${process.pid}`);
  await writeFile(temporary, dump({ data }));
  await rename(temporary, path);
}
