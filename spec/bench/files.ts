import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { watch } from 'chokidar';
import { load } from 'js-yaml';
import { fromFiles } from '../../lib/backends/files/index.ts';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';
import { bytesHeld } from './measure.ts';
import { type Figure, units } from './table.ts';

const { milliseconds, megabytes } = units;
const peer = 'chokidar, parse it all';

/** What somebody holds of files, and how long it took until it said so. */
interface Follower {
  /** Everything has been read. */
  readonly ready: Promise<void>;
  /** So many values are not those of before. */
  changed(count: number): Promise<void>;
  close(): Promise<void> | void;
}

type Follow = (path: string) => Follower;

const ours: Follow = (path) => {
  let first: () => void;
  let wanted: { count: number; done: () => void } | undefined;
  const ready = new Promise<void>((resolve) => {
    first = resolve;
  });
  const subscription = fromFiles({ paths: [path], prefixes: [''], codec: bytesCodec }).subscribe((event) => {
    if (event.type === 'resync') return first();
    if (wanted === undefined) return;
    wanted.count -= event.changes.length;
    if (wanted.count <= 0) wanted.done();
  });
  return {
    ready,
    changed: (count) => new Promise((done) => (wanted = { count, done })),
    close: () => subscription.unsubscribe(),
  };
};

/** What is quickly written without a library: each event reads its file anew, and compares. */
const theirs: Follow = (path) => {
  const values = new Map<string, string>();
  let wanted: { count: number; done: () => void } | undefined;
  const read = (file: string): void => {
    const text = readFileSync(file, 'utf8');
    const { data } = (file.endsWith('.json') ? JSON.parse(text) : load(text)) as {
      data: { key: string; value: unknown }[];
    };
    for (const { key, value } of data) {
      const now = JSON.stringify(value);
      if (values.get(key) === now) continue;
      values.set(key, now);
      if (wanted !== undefined && --wanted.count === 0) wanted.done();
    }
  };
  const watcher = watch(path).on('add', read).on('change', read);
  return {
    ready: new Promise((resolve) => watcher.on('ready', resolve)),
    changed: (count) => new Promise((done) => (wanted = { count, done })),
    close: () => watcher.close(),
  };
};

/** Milliseconds until everything was read and until `edit` was seen, and bytes held then. */
async function run(
  follow: Follow,
  path: string,
  changes: number,
  edit: () => void,
): Promise<Record<'first' | 'again' | 'held', number>> {
  // What was written has come to rest, and what was held before has been let go of.
  await setTimeout(300);
  const before = bytesHeld();
  const start = performance.now();
  const follower = follow(path);
  await follower.ready;
  const first = performance.now() - start;
  const held = bytesHeld() - before;
  const seen = follower.changed(changes);
  edit();
  const edited = performance.now();
  await seen;
  const again = performance.now() - edited;
  await follower.close();
  return { first, again, held };
}

function manyFiles(directory: string, count: number): (value: number, from: number, to: number) => void {
  for (let i = 0; i < 100; i++) mkdirSync(join(directory, `d${i}`), { recursive: true });
  const save = (value: number, from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const data = [{ key: `/nodes/${i}`, value: { mtu: value, name: `eth${i}` } }];
      writeFileSync(join(directory, `d${i % 100}`, `${i}.json`), JSON.stringify({ data }));
    }
  };
  save(0, 0, count);
  return save;
}

function largeFile(file: string, megabytesOfText: number): (value: number) => void {
  const item = (i: number, mtu: number): string =>
    `  - key: /nodes/${i}/interface\n    value: {name: eth${i}, mtu: ${mtu}, enabled: true, address: 10.0.0.1/24}\n`;
  const count = Math.round((megabytesOfText * 1e6) / item(100_000, 1_500).length);
  const items = Array.from({ length: count }, (_, i) => item(i, 1_500));
  const save = (value: number): void => {
    // Ten entries, everywhere in the file.
    for (let j = 0; j < 10; j++) {
      const i = Math.floor((j * count) / 10) + 1;
      items[i] = item(i, value);
    }
    writeFileSync(`${file}.tmp`, `data:\n${items.join('')}`);
    renameSync(`${file}.tmp`, file);
  };
  save(1_500);
  return save;
}

/** Start-up, edits and memory, beside who reads all that an event names. */
export async function files(quick: boolean): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-bench-'));
  try {
    const count = quick ? 2_000 : 10_000;
    const size = quick ? 10 : 100;
    const tree = join(directory, 'tree');
    const saveTree = manyFiles(tree, count);
    const file = join(directory, 'large.yaml');
    const saveFile = largeFile(file, size);
    const figures: Figure[] = [];
    const compare = async (
      path: string,
      changes: number,
      edit: (value: number) => void,
    ): Promise<Record<'ours' | 'theirs', Awaited<ReturnType<typeof run>>>> => ({
      ours: await run(ours, path, changes, () => edit(9_000)),
      theirs: await run(theirs, path, changes, () => edit(9_001)),
    });

    const many = await compare(tree, 100, (value) => saveTree(value, 0, 100));
    const row = (what: string, unit: Figure['unit'], of: Record<'ours' | 'theirs', number>): void => {
      figures.push({ what, unit, ours: of.ours, peer, theirs: of.theirs });
    };
    const part = (both: typeof many, name: 'first' | 'again' | 'held') => ({
      ours: both.ours[name],
      theirs: both.theirs[name],
    });
    row(`${count} JSON files: start`, milliseconds, part(many, 'first'));
    row(`${count} JSON files: 100 of them change`, milliseconds, part(many, 'again'));
    row(`${count} JSON files: memory`, megabytes, part(many, 'held'));
    const large = await compare(file, 10, saveFile);
    row(`${size} MB of YAML: start`, milliseconds, part(large, 'first'));
    row(`${size} MB of YAML: 10 entries change`, milliseconds, part(large, 'again'));
    row(`${size} MB of YAML: memory`, megabytes, part(large, 'held'));
    return figures;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
