import { fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Etcd3 } from 'etcd3';
import { concat, firstValueFrom, NEVER, of } from 'rxjs';
import { etcdBackend } from '../../lib/backends/etcd/etcdBackend.ts';
import { fromEtcd } from '../../lib/backends/etcd/fromEtcd.ts';
import type { EtcdPosition } from '../../lib/backends/etcd/position.ts';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';
import type { Backend, SnapshotFrame } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { Etcd } from '../servers/etcd.ts';
import { haveServers } from '../servers/have.ts';
import { collectGarbage, interleaved, median, type Watched, watched } from './measure.ts';
import { atLeast, below, type Figure, units } from './table.ts';

const peer = 'npm etcd3';
const { perSecond, milliseconds, megabytes } = units;

/** A server of its own, unless the environment names one. */
async function server(): Promise<{ readonly endpoint: string; readonly stop: () => Promise<void> }> {
  const given = process.env['DATASYNC_ETCD'];
  if (given !== undefined && given !== '') return { endpoint: given, stop: async () => undefined };
  // Compiled, the specs would look for it next to themselves.
  process.env['DATASYNC_SERVERS'] ??= resolve('.cache/servers');
  const have = (await haveServers())['etcd-3.4'];
  if ('missing' in have) throw new Error(`etcd: ${have.missing}`);
  const etcd = await Etcd.make(have.found, { args: ['--quota-backend-bytes', '8000000000'] });
  await etcd.members[0]!.start();
  return { endpoint: etcd.endpoints[0]!, stop: () => etcd.stop() };
}

/** Without its limit of 4 MB it fails, or falls silent. */
const clientOf = (endpoint: string): Etcd3 =>
  new Etcd3({ hosts: endpoint, grpcOptions: { 'grpc.max_receive_message_length': -1 } });

/** Has another process write. @returns when it is through */
async function write(endpoint: string, prefix: string, puts: number, keys: number): Promise<void> {
  const script = fileURLToPath(new URL('./etcdWriter.js', import.meta.url));
  const [code] = (await once(fork(script, [endpoint, prefix, `${puts}`, `${keys}`]), 'exit')) as [number];
  if (code !== 0) throw new Error(`the writer ended with ${code}`);
}

/** How one piece of work went, and how it disturbed. */
interface Run {
  readonly rate: number;
  readonly watched: Watched;
}

/** Twice: to watch it costs time, the more so the more often it lets others have their turn. */
async function counted(work: () => Promise<number>, expected: number): Promise<Run> {
  const whole = async (): Promise<void> => {
    const count = await work();
    // A wrong answer is fast.
    if (count !== expected) throw new Error(`${count} came instead of ${expected}`);
  };
  collectGarbage();
  const start = performance.now();
  await whole();
  const ms = performance.now() - start;
  return { rate: (expected / ms) * 1_000, watched: await watched(whole) };
}

/** The first resync of a source, and its end. */
async function snapshot(client: Etcd3, prefix: string): Promise<number> {
  const event = await firstValueFrom(fromEtcd(client, { prefixes: [prefix], codec: bytesCodec }));
  return event.type === 'resync' ? event.entries.size : 0;
}

/** Whatever happened after a position, through the whole of a source: decoded, with previous values. */
function replay(client: Etcd3, prefix: string, position: EtcdPosition, count: number): Promise<number> {
  const backend = etcdBackend(client);
  const snapshot: SnapshotFrame<EtcdPosition> = { type: 'snapshot', revision: position.revision, position };
  const resumed: Backend<EtcdPosition> = {
    ...backend,
    open: (context) => concat(of(snapshot), backend.open({ ...context, from: position, added: [] })),
  };
  return new Promise((resolve, reject) => {
    let told = 0;
    const subscription = fromBackend(resumed, { prefixes: [prefix], codec: bytesCodec }).subscribe({
      next: (event) => {
        if (event.type === 'change') told += event.changes.length;
        if (told < count) return;
        resolve(told);
        setImmediate(() => subscription.unsubscribe());
      },
      error: reject,
    });
  });
}

/** The same by the Watcher. */
async function watcherReplay(client: Etcd3, prefix: string, revision: number, count: number): Promise<number> {
  let told = 0;
  const watcher = client
    .watch()
    .prefix(prefix)
    .startRevision(String(revision + 1))
    .watcher();
  await new Promise<void>((resolve, reject) => {
    watcher.on('put', () => ++told === count && resolve()).on('error', reject);
  });
  await watcher.cancel();
  return told;
}

async function positionOf(client: Etcd3, prefix: string): Promise<EtcdPosition> {
  return new Promise((resolve, reject) => {
    const context = { prefixes: [prefix], added: [prefix], from: undefined, ready: () => NEVER };
    const subscription = etcdBackend(client)
      .open(context)
      .subscribe({
        next: (frame) => {
          if (frame.type !== 'snapshot') return;
          resolve(frame.position!);
          setImmediate(() => subscription.unsubscribe());
        },
        error: reject,
      });
  });
}

/** Snapshots, replays and live changes, beside npm etcd3 with its message limit lifted. */
export async function etcd(quick: boolean): Promise<Figure[]> {
  const { endpoint, stop } = await server();
  const client = clientOf(endpoint);
  const figures: Figure[] = [];
  const add = (what: string, runs: Readonly<Record<string, readonly Run[]>>, goal: number): void => {
    const middle = (who: string, of: (run: Run) => number): number => median(runs[who]!.map(of));
    const both = (of: (run: Run) => number) => ({ ours: middle('ours', of), peer, theirs: middle('theirs', of) });
    const rates = both(({ rate }) => rate);
    figures.push(
      { what, unit: perSecond, ...rates, goal: atLeast(goal * rates.theirs, perSecond) },
      {
        what: '  longest stall',
        unit: milliseconds,
        ...both(({ watched }) => watched.stall),
        goal: below(50, milliseconds),
      },
      { what: '  peak memory', unit: megabytes, ...both(({ watched }) => watched.peak) },
    );
  };
  try {
    for (const size of quick ? [100_000] : [100_000, 1_000_000]) {
      const prefix = `snapshot-${size}/`;
      await write(endpoint, prefix, size, size);
      const runs = await interleaved<Run>(5, {
        ours: () => counted(() => snapshot(client, prefix), size),
        theirs: () => counted(async () => (await client.getAll().prefix(prefix).exec()).kvs.length, size),
      });
      add(`snapshot of ${size.toLocaleString('en')} keys`, runs, 1.5);
    }
    const changes = quick ? 100_000 : 500_000;
    const prefix = 'replay/';
    const position = await positionOf(client, prefix);
    await write(endpoint, prefix, changes, 100_000);
    const replayed = await interleaved<Run>(5, {
      ours: () => counted(() => replay(client, prefix, position, changes), changes),
      theirs: () => counted(() => watcherReplay(client, prefix, position.revision, changes), changes),
    });
    add(`replay of ${changes.toLocaleString('en')} changes, 128 to a transaction`, replayed, 1.6);

    const live = 100_000;
    const written = async (follow: (at: EtcdPosition) => Promise<number>): Promise<number> => {
      const at = await positionOf(client, 'live/');
      const [told] = await Promise.all([follow(at), write(endpoint, 'live/', live, live)]);
      return told;
    };
    const lived = await interleaved<Run>(3, {
      ours: () => counted(() => written((at) => replay(client, 'live/', at, live)), live),
      theirs: () => counted(() => written((at) => watcherReplay(client, 'live/', at.revision, live)), live),
    });
    add(`live, ${live.toLocaleString('en')} changes as they are written (start of the writer included)`, lived, 1);
    return figures;
  } finally {
    client.close();
    await stop();
  }
}
