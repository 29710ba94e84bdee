import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Etcd3 } from 'etcd3';
import { concat, firstValueFrom, NEVER, of } from 'rxjs';
import { Access, type Link } from '../../lib/backends/etcd/access.ts';
import { WatchAnswer } from '../../lib/backends/etcd/answers.ts';
import { etcdBackend } from '../../lib/backends/etcd/etcdBackend.ts';
import { fromEtcd } from '../../lib/backends/etcd/fromEtcd.ts';
import { prefixRange } from '../../lib/backends/etcd/keys.ts';
import type { EtcdPosition } from '../../lib/backends/etcd/position.ts';
import { encodeMessage } from '../../lib/backends/etcd/wire.ts';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';
import type { Backend, SnapshotFrame } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { Etcd } from '../servers/etcd.ts';
import { haveServers } from '../servers/have.ts';
import { collectGarbage, interleaved, median, type Watched, watched } from './measure.ts';
import { atLeast, below, type Figure, units } from './table.ts';

const { perSecond, milliseconds, microseconds, megabytes } = units;

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

/** Starts a process that writes, and resolves when it waits for the word to begin. */
async function writer(endpoint: string, prefix: string, puts: number, keys: number): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./etcdWriter.js', import.meta.url));
  const child = fork(script, [endpoint, prefix, `${puts}`, `${keys}`]);
  await once(child, 'message');
  return child;
}

/** Has it write. @returns when it is through */
async function written(child: ChildProcess): Promise<void> {
  child.send('go');
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`the writer ended with ${code}`);
}

const write = async (...what: Parameters<typeof writer>): Promise<void> => written(await writer(...what));

/** How one piece of work went, and how it disturbed. */
interface Run {
  readonly rate: number;
  /** Of this process, in microseconds per item. */
  readonly cpu: number;
  readonly watched: Watched;
}

/** What is done, and how many items it gave; made anew each time. */
type Work = () => Promise<() => Promise<number>>;

/** Twice: to watch it costs time, the more so the more often it lets others have their turn. */
async function counted(work: Work, expected: number): Promise<Run> {
  const prepared = async (): Promise<() => Promise<void>> => {
    const start = await work();
    return async () => {
      const count = await start();
      // A wrong answer is fast.
      if (count !== expected) throw new Error(`${count} came instead of ${expected}`);
    };
  };
  const whole = await prepared();
  collectGarbage();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await whole();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rate: (expected / ms) * 1_000,
    cpu: (user + system) / expected,
    watched: await watched(await prepared()),
  };
}

/** What needs no preparation. */
const done = (work: () => Promise<number>, expected: number): Promise<Run> => counted(async () => work, expected);

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

/** A connection of our own to the same server. */
async function linked<R>(client: Etcd3, use: (link: Link) => Promise<R>): Promise<R> {
  const link = new Access(client).connect(5_000);
  try {
    return await use(link);
  } finally {
    link.close();
  }
}

/** How fast the server gives all of it away: one answer, of which nothing is made. */
async function bare(client: Etcd3, prefix: string, count: number): Promise<number> {
  const { start, end } = prefixRange(prefix, 'utf8');
  const signal = new AbortController().signal;
  const request = encodeMessage({ 1: start, 2: end });
  await linked(client, (link) => link.call('KV', 'Range', request, { timeout: 120_000, signal }));
  return count;
}

/** How fast the server tells what happened: the events are counted, and nothing is made of them. */
function bareReplay(client: Etcd3, prefix: string, revision: number, count: number): Promise<number> {
  const { start, end } = prefixRange(prefix, 'utf8');
  return linked(client, async (link) => {
    const stream = await link.watch();
    let told = 0;
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject).on('data', (message: Buffer) => {
        const answer = new WatchAnswer(message);
        while (answer.next() !== undefined) told++;
        if (told === count) resolve();
      });
      stream.write(encodeMessage({ 1: encodeMessage({ 1: start, 2: end, 3: revision + 1 }) }));
    });
    stream.removeAllListeners('error').on('error', () => undefined);
    stream.cancel();
    return told;
  });
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
    const beside = (who: string, peer: string, of: (run: Run) => number) => ({
      ours: middle('ours', of),
      peer,
      theirs: middle(who, of),
    });
    const both = (of: (run: Run) => number) => beside('theirs', 'npm etcd3', of);
    const rate = ({ rate }: Run): number => rate;
    const rates = both(rate);
    const late = { ...both(({ watched }) => watched.late), goal: below(50, milliseconds) };
    figures.push(
      { what, unit: perSecond, ...rates, goal: atLeast(goal * rates.theirs, perSecond) },
      ...(runs['server'] === undefined
        ? []
        : [{ what: '  the same', unit: perSecond, ...beside('server', 'nothing is read', rate) }]),
      { what: '  CPU of each', unit: microseconds, ...both(({ cpu }) => cpu) },
      { what: '  stall, p99', unit: milliseconds, ...late },
      { what: '  longest stall', unit: milliseconds, ...both(({ watched }) => watched.stall) },
      { what: '  peak memory', unit: megabytes, ...both(({ watched }) => watched.peak) },
    );
  };
  try {
    for (const size of quick ? [100_000] : [100_000, 1_000_000]) {
      const prefix = `snapshot-${size}/`;
      await write(endpoint, prefix, size, size);
      const runs = await interleaved<Run>(5, {
        ours: () => done(() => snapshot(client, prefix), size),
        theirs: () => done(async () => (await client.getAll().prefix(prefix).exec()).kvs.length, size),
        server: () => done(() => bare(client, prefix, size), size),
      });
      add(`snapshot of ${size.toLocaleString('en')} keys`, runs, 1.5);
    }
    const changes = quick ? 100_000 : 500_000;
    const prefix = 'replay/';
    const position = await positionOf(client, prefix);
    await write(endpoint, prefix, changes, 100_000);
    const replayed = await interleaved<Run>(5, {
      ours: () => done(() => replay(client, prefix, position, changes), changes),
      theirs: () => done(() => watcherReplay(client, prefix, position.revision, changes), changes),
      server: () => done(() => bareReplay(client, prefix, position.revision, changes), changes),
    });
    add(`replay of ${changes.toLocaleString('en')} changes, 128 to a transaction`, replayed, 1.6);

    const live = 100_000;
    const following = (follow: (at: EtcdPosition) => Promise<number>): Promise<Run> =>
      counted(async () => {
        const [at, child] = [await positionOf(client, 'live/'), await writer(endpoint, 'live/', live, live)];
        return async () => {
          const [told] = await Promise.all([follow(at), written(child)]);
          return told;
        };
      }, live);
    const lived = await interleaved<Run>(3, {
      ours: () => following((at) => replay(client, 'live/', at, live)),
      theirs: () => following((at) => watcherReplay(client, 'live/', at.revision, live)),
    });
    add(`live, ${live.toLocaleString('en')} changes as they are written`, lived, 1);
    return figures;
  } finally {
    client.close();
    await stop();
  }
}
