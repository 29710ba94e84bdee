import { setTimeout } from 'node:timers/promises';
import Consul from 'consul';
import { fromConsul } from '../../lib/backends/consul/index.ts';
import { textCodec } from '../../lib/codecs/textCodec.ts';
import { type ConsulAgent, Consul as ConsulServer } from '../servers/consul.ts';
import { haveServers } from '../servers/have.ts';
import type {} from '../servers/setup.ts';
import { type Contestants, interleaved, median } from './measure.ts';
import { type Figure, units } from './table.ts';

const { milliseconds } = units;
const peer = 'consul.watch into a Map';
const wait = 10_000;

/** What somebody holds of a tree, and when it knows of a write. */
interface Follower {
  readonly ready: Promise<void>;
  knows(key: string, value: string): Promise<void>;
  close(): void;
}

/** Resolves when a pair is told. */
class Waiting {
  #wanted: { readonly key: string; readonly value: string; readonly done: () => void } | undefined;

  for(key: string, value: string): Promise<void> {
    return new Promise((done) => {
      this.#wanted = { key, value, done };
    });
  }

  tell(key: string, value: string): void {
    if (this.#wanted?.key === key && this.#wanted.value === value) this.#wanted.done();
  }
}

function ours(client: Consul): Follower {
  const waiting = new Waiting();
  let first = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    first = resolve;
  });
  const subscription = fromConsul(client, { prefixes: ['a/'], codec: textCodec, wait }).subscribe((event) => {
    if (event.type === 'change') {
      for (const change of event.changes) if (change.op === 'put') waiting.tell(change.key, change.value);
      return;
    }
    first();
    for (const { key, value } of event.entries) waiting.tell(key, value);
  });
  return { ready, knows: (key, value) => waiting.for(key, value), close: () => subscription.unsubscribe() };
}

/** What is quickly written with npm `consul` alone: each answer is compared with the one before. */
function theirs(client: Consul): Follower {
  const waiting = new Waiting();
  const values = new Map<string, string>();
  const options = { key: 'a/', recurse: true, wait: `${wait}ms` };
  const watch = client.watch({ method: client.kv.get as never, options: options as never });
  let first = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    first = resolve;
  });
  watch.on('change', (entries: readonly { Key: string; Value: string }[] | undefined) => {
    first();
    const there = new Set<string>();
    for (const { Key, Value } of entries ?? []) {
      there.add(Key);
      if (values.get(Key) === Value) continue;
      values.set(Key, Value);
      waiting.tell(Key, Value);
    }
    for (const key of values.keys()) if (!there.has(key)) values.delete(key);
  });
  watch.on('error', () => undefined);
  return { ready, knows: (key, value) => waiting.for(key, value), close: () => watch.end() };
}

const put = (agent: ConsulAgent, key: string, value: string) => agent.request('PUT', `/v1/kv/${key}`, value);

async function fill(agent: ConsulAgent, count: number): Promise<void> {
  for (let start = 0; start < count; start += 64) {
    const size = Math.min(64, count - start);
    const operations = Array.from({ length: size }, (_, n) => {
      const Value = Buffer.from('x'.repeat(100)).toString('base64');
      return { KV: { Verb: 'set', Key: `a/${(start + n) % 100}/${start + n}`, Value } };
    });
    await agent.request('PUT', '/v1/txn', JSON.stringify(operations));
  }
}

/** Reading, waking up and CPU, one contestant after the other on the same tree. */
async function watching(agent: ConsulAgent, client: Consul, keys: number, quick: boolean): Promise<Figure[]> {
  await fill(agent, keys);
  let value = 0;
  const run = (follow: (client: Consul) => Follower) => async () => {
    const start = performance.now();
    const follower = follow(client);
    await follower.ready;
    const first = performance.now() - start;
    const wakes: number[] = [];
    for (let n = 0; n < 3; n++) {
      // Whoever pauses after an answer has paused.
      await setTimeout(keys > 1_000 ? 1_000 : 150);
      const text = `value ${++value}`;
      const seen = follower.knows('a/0/0', text);
      const wrote = performance.now();
      await put(agent, 'a/0/0', text);
      await seen;
      wakes.push(performance.now() - wrote);
    }
    const before = process.cpuUsage();
    const count = quick ? 100 : 200;
    for (let n = 0; n < count; n++) await put(agent, 'a/0/0', `burst ${++value}`);
    const last = follower.knows('a/0/0', 'the last');
    await put(agent, 'a/0/0', 'the last');
    await last;
    const { user, system } = process.cpuUsage(before);
    follower.close();
    return { first, wake: median(wakes), cpu: (user + system) / 1_000 / count };
  };
  const contestants: Contestants<Record<'first' | 'wake' | 'cpu', number>> = { ours: run(ours), theirs: run(theirs) };
  const results = await interleaved(quick ? 1 : 5, contestants);
  const figure = (what: string, name: 'first' | 'wake' | 'cpu'): Figure => {
    const [mine, other] = ['ours', 'theirs'].map((who) => median(results[who]!.map((result) => result[name])));
    return { what: `${what}, ${keys} keys`, unit: milliseconds, ours: mine!, peer, theirs: other! };
  };
  return [
    figure('everything is read', 'first'),
    figure('a write is told', 'wake'),
    figure('CPU per write of a burst, with writing it', 'cpu'),
  ];
}

/** Until the first write after a wipe is told, however high the index was before. */
async function wiped(agent: ConsulAgent, client: Consul): Promise<Figure> {
  const run = (follow: (client: Consul) => Follower) => async () => {
    await fill(agent, 1_000);
    const follower = follow(client);
    await follower.ready;
    await agent.kill();
    await agent.start();
    const seen = follower.knows('a/new', 'after');
    const wrote = performance.now();
    await put(agent, 'a/new', 'after');
    await Promise.race([seen, setTimeout(60_000)]);
    follower.close();
    return performance.now() - wrote;
  };
  const [mine, other] = [await run(ours)(), await run(theirs)()];
  const what = `silent after a wipe (a minute at most), \`wait\` ${wait / 1_000} s`;
  return { what, unit: milliseconds, ours: mine, peer, theirs: other };
}

/** `fromConsul` beside the watch of npm `consul`, on a development agent of its own. */
export async function consul(quick: boolean): Promise<Figure[]> {
  const have = (await haveServers())['consul-1.8'];
  if ('missing' in have) throw new Error(`no Consul: ${have.missing}`);
  const server = await ConsulServer.make(have.found, {});
  const agent = server.agents[0]!;
  const client = new Consul({ host: '127.0.0.1', port: agent.port });
  try {
    await agent.start();
    return [
      ...(await watching(agent, client, 100, quick)),
      ...(await watching(agent, client, quick ? 10_000 : 100_000, quick)),
      await wiped(agent, client),
    ];
  } finally {
    client.destroy();
    await server.stop();
  }
}
