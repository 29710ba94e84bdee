import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis as Client } from 'ioredis';
import { firstValueFrom } from 'rxjs';
import { fromRedis } from '../../lib/backends/redis/fromRedis.ts';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';
import { haveServers } from '../servers/have.ts';
import { Redis } from '../servers/redis.ts';
import { collectGarbage, interleaved, median } from './measure.ts';
import { atLeast, type Figure, units } from './table.ts';

const { perSecond, microseconds, megabytes, thousands } = units;
const prefix = 'a/';
const keys = 100_000;

/** Starts a process that writes, and resolves when it waits for the word to begin. */
async function writer(port: number, puts: number, count: number): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./redisWriter.js', import.meta.url));
  const child = fork(script, [`${port}`, `${puts}`, `${count}`]);
  await once(child, 'message');
  return child;
}

/** What has to be known in the end: of each key the value that was put last. */
class Finals {
  readonly done: Promise<void>;
  readonly #puts: number;
  readonly #known: Uint8Array;
  #left: number;
  #resolve = (): void => undefined;

  constructor(puts: number) {
    this.#puts = puts;
    this.#left = Math.min(puts, keys);
    this.#known = new Uint8Array(this.#left);
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** The last twelve bytes of a value say the how many-th it is. */
  take(value: Uint8Array): void {
    let n = 0;
    for (let at = value.length - 12; at < value.length; at++) n = n * 10 + value[at]! - 48;
    if (n < this.#puts - this.#known.length || this.#known[n % keys] === 1) return;
    this.#known[n % keys] = 1;
    if (--this.#left === 0) this.#resolve();
  }
}

/** Somebody who holds a view of what is written. */
interface Follower {
  /** Messages that the server has sent by itself. */
  readonly messages: () => number;
  readonly close: () => void;
}

type Follow = (port: number, finals: Finals) => Promise<Follower>;

/** Counts the messages that reach the connections made after it. */
class Counting extends Client {
  heard = { messages: 0 };

  override duplicate(override?: object): Client {
    const made = super.duplicate(override);
    made.on('messageBuffer', () => this.heard.messages++);
    return made;
  }
}

/** The whole source: with shadow, decoding and previous values. */
const ours: Follow = async (port, finals) => {
  const client = new Counting({ port, host: '127.0.0.1', lazyConnect: true });
  const view = new Map<string, Uint8Array>();
  let first = (): void => undefined;
  const live = new Promise<void>((resolve) => {
    first = resolve;
  });
  const subscription = fromRedis(client, { prefixes: [prefix], codec: bytesCodec }).subscribe((event) => {
    if (event.type === 'resync') return first();
    for (const change of event.changes) {
      if (change.op === 'delete') continue;
      view.set(change.key, change.value);
      finals.take(change.value);
    }
  });
  await live;
  return { messages: () => client.heard.messages, close: () => subscription.unsubscribe() };
};

/** What is written against keyspace notifications: `touched` is called with each key, and says what to read of it. */
async function notified(
  port: number,
  touched: (key: string, reader: Client) => void,
): Promise<Follower & { readonly reader: Client }> {
  const reader = new Client({ port, host: '127.0.0.1' });
  const hearing = new Client({ port, host: '127.0.0.1', protocol: 2 } as object);
  await once(hearing, 'ready');
  const channel = '__keyspace@0__:';
  let messages = 0;
  hearing.on('pmessage', (_pattern, from: string) => {
    messages++;
    touched(from.slice(channel.length), reader);
  });
  await hearing.psubscribe(`${channel}${prefix}*`);
  const close = (): void => {
    reader.disconnect();
    hearing.disconnect();
  };
  return { messages: () => messages, close, reader };
}

/** A GET for each notification. */
const getPerEvent: Follow = (port, finals) => {
  const view = new Map<string, Buffer>();
  return notified(port, (key, reader) => {
    const take = (value: Buffer | null): void => {
      if (value === null) return;
      view.set(key, value);
      finals.take(value);
    };
    // What is under way in the end is refused.
    reader.getBuffer(key).then(take, () => undefined);
  });
};

/** Each key once, by an MGET of up to a thousand, one at a time. */
const dedupMget: Follow = (port, finals) => {
  const view = new Map<string, Buffer>();
  let dirty = new Set<string>();
  let isReading = false;
  const pump = async (reader: Client): Promise<void> => {
    isReading = true;
    while (dirty.size > 0) {
      const some: string[] = [];
      for (const key of dirty) {
        some.push(key);
        if (some.length === 1_000) break;
      }
      if (some.length === dirty.size) dirty = new Set();
      else for (const key of some) dirty.delete(key);
      const values = await reader.mgetBuffer(some);
      for (const [index, value] of values.entries()) {
        if (value === null) continue;
        view.set(some[index]!, value);
        finals.take(value);
      }
    }
    isReading = false;
  };
  return notified(port, (key, reader) => {
    dirty.add(key);
    if (!isReading) pump(reader).catch(() => undefined);
  });
};

/** How following went. */
interface Run {
  readonly rate: number;
  readonly cpu: number;
  readonly messages: number;
  readonly bytes: number;
}

/** What the server has sent so far, to anybody. */
async function sent(admin: Client): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await admin.info('stats'))![1]);
}

async function followed(server: Server, puts: number, follow: Follow): Promise<Run> {
  const { port, admin } = server;
  await admin.flushall();
  const finals = new Finals(puts);
  const follower = await follow(port, finals);
  const child = await writer(port, puts, keys);
  const exited = once(child, 'exit');
  collectGarbage();
  const before = await sent(admin);
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  child.send('go');
  await finals.done;
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  await exited;
  // "+OK\r\n" went to the writer each time.
  const bytes = (await sent(admin)) - before - 5 * puts;
  follower.close();
  return { rate: (puts / ms) * 1_000, cpu: (user + system) / puts, messages: follower.messages(), bytes };
}

/** The first resync of a source, and its end. */
async function snapshot(port: number): Promise<number> {
  const client = new Client({ port, host: '127.0.0.1', lazyConnect: true });
  const event = await firstValueFrom(fromRedis(client, { prefixes: [prefix], codec: bytesCodec }));
  return event.type === 'resync' ? event.entries.size : 0;
}

/** By hand: the next page is asked for while the values of this one are read. */
async function scanned(port: number, count: number): Promise<number> {
  const client = new Client({ port, host: '127.0.0.1' });
  const view = new Map<string, Buffer>();
  const scan = (cursor: string) => client.scanBuffer(cursor, 'MATCH', `${prefix}*`, 'COUNT', count);
  let [cursor, names] = await scan('0');
  for (;;) {
    const next = cursor.toString() === '0' ? undefined : scan(cursor.toString());
    const texts = names.map(String);
    if (names.length > 0) {
      // Texts are sent in one piece, Buffers in three.
      const values = await client.mgetBuffer(texts);
      for (const [index, value] of values.entries()) if (value !== null) view.set(texts[index]!, value);
    }
    if (next === undefined) break;
    [cursor, names] = await next;
  }
  client.disconnect();
  return view.size;
}

async function counted(work: () => Promise<number>, expected: number): Promise<number> {
  collectGarbage();
  const start = performance.now();
  const count = await work();
  // A wrong answer is fast.
  if (count !== expected) throw new Error(`${count} came instead of ${expected}`);
  return (expected / (performance.now() - start)) * 1_000;
}

interface Server {
  readonly port: number;
  readonly admin: Client;
}

async function snapshots({ port, admin }: Server, size: number): Promise<Figure[]> {
  await admin.flushall();
  const child = await writer(port, size, size);
  child.send('go');
  await once(child, 'exit');
  const runs = await interleaved(5, {
    ours: () => counted(() => snapshot(port), size),
    small: () => counted(() => scanned(port, 1_000), size),
    large: () => counted(() => scanned(port, 5_000), size),
  });
  const middle = (who: string): number => median(runs[who]!);
  const what = `snapshot of ${size.toLocaleString('en')} keys`;
  return [
    ['small', 'SCAN 1,000 + MGET'],
    ['large', 'SCAN 5,000 + MGET'],
  ].map(([who, peer]) => {
    const theirs = middle(who!);
    return { what, unit: perSecond, ours: middle('ours'), peer: peer!, theirs, goal: atLeast(0.9 * theirs, perSecond) };
  });
}

async function changes(server: Server, puts: number): Promise<Figure[]> {
  const runs = await interleaved(5, {
    ours: () => followed(server, puts, ours),
    get: () => followed(server, puts, getPerEvent),
    mget: () => followed(server, puts, dedupMget),
  });
  const middle = (who: string, of: (run: Run) => number): number => median(runs[who]!.map(of));
  const peers = [
    ['get', 'keyspace + GET each', 2.5],
    ['mget', 'keyspace + dedup MGET', 1],
  ] as const;
  return peers.flatMap(([who, peer, goal]): Figure[] => {
    const both = (of: (run: Run) => number) => ({ ours: middle('ours', of), peer, theirs: middle(who, of) });
    const rates = both(({ rate }) => rate);
    const what = `${puts.toLocaleString('en')} changes of ${keys.toLocaleString('en')} keys`;
    return [
      { what, unit: perSecond, ...rates, goal: atLeast(goal * rates.theirs, perSecond) },
      { what: '  CPU per change', unit: microseconds, ...both(({ cpu }) => cpu) },
      { what: '  messages', unit: thousands, ...both(({ messages }) => messages) },
      { what: '  bytes to the follower', unit: megabytes, ...both(({ bytes }) => bytes) },
    ];
  });
}

/** `fromRedis` beside what is written with `ioredis` alone, on a server of its own; the writer is another process. */
export async function redis(quick: boolean): Promise<Figure[]> {
  // Compiled, the specs would look for it next to themselves.
  process.env['DATASYNC_SERVERS'] ??= resolve('.cache/servers');
  const have = (await haveServers())['redis-7'];
  if ('missing' in have) throw new Error(`no Redis: ${have.missing}`);
  // Who reads slowly is not to be cut off.
  const args = ['--notify-keyspace-events', 'KA', '--client-output-buffer-limit', 'pubsub', '0', '0', '0'];
  const process_ = await Redis.make(have.found, { args });
  await process_.start();
  const admin = new Client({ port: process_.port, host: '127.0.0.1' });
  const server = { port: process_.port, admin };
  try {
    return [
      ...(await snapshots(server, quick ? 100_000 : 1_000_000)),
      ...(await changes(server, 100_000)),
      ...(quick ? [] : await changes(server, 300_000)),
    ];
  } finally {
    admin.disconnect();
    await process_.stop();
  }
}
