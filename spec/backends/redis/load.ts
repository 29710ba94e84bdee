import type { Redis as Client, Cluster } from 'ioredis';
import { onTestFinished } from 'vitest';
import { until } from './follower.ts';

/** Random numbers that are the same in each run. */
export function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Operation = (client: Client | Cluster, key: string, other: string, n: number) => Promise<unknown>;

/** What programs do with strings. In a cluster both keys lie in one slot. */
const operations: readonly Operation[] = [
  (client, key, _, n) => client.set(key, `v${n}`),
  (client, key, _, n) => client.set(key, `v${n}`),
  (client, key) => client.set(key, 'the same'),
  (client, key) => client.del(key),
  (client, key) => client.unlink(key),
  (client, key, other, n) => client.mset(key, `m${n}`, other, `m${n}`),
  (client, key, other) => client.rename(key, other),
  (client, key, _, n) => client.set(key, `t${n}`, 'PX', 5 + (n % 40)),
  (client, key) => client.append(key, '+'),
  (client, key, other, n) => client.multi().set(key, `x${n}`).del(other).set(other, `x${n}`).exec(),
  (client, key, other, n) =>
    client.eval("redis.call('SET',KEYS[1],ARGV[1]) redis.call('DEL',KEYS[2])", 2, key, other, `e${n}`),
  (client, key) => client.getdel(key),
  (client, key) => client.persist(key),
];

/** Writes all the time until it is stopped, or the test is over. */
export class Load {
  readonly #client: Client | Cluster;
  readonly #random: () => number;
  readonly #keys: number;
  readonly #stopped: Promise<void>;
  #stop = false;
  /** Operations that were answered, or refused. */
  done = 0;

  constructor(client: Client | Cluster, { keys = 300, seed = 1, lanes = 8 } = {}) {
    this.#client = client;
    this.#random = randomBy(seed);
    this.#keys = keys;
    onTestFinished(() => {
      this.#stop = true;
    });
    this.#stopped = Promise.all(Array.from({ length: lanes }, () => this.#run())).then(() => undefined);
  }

  /** Waits for so many more. */
  async more(count: number, patience = 30_000): Promise<void> {
    const from = this.done;
    await until(() => this.done < from + count && `${this.done - from} of ${count} operations`, patience);
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.#stopped;
  }

  async #run(): Promise<void> {
    while (!this.#stop) {
      const tag = Math.floor(this.#random() * this.#keys);
      const key = `{k${tag}}a`;
      const other = `{k${tag}}${this.#random() < 0.5 ? 'b' : 'c'}`;
      const operation = operations[Math.floor(this.#random() * operations.length)]!;
      // What it was refused for (no such key, a failover) does not matter: the store says what became of it. A client that is
      // closed refuses at once, for ever: others must have their turn.
      await operation(this.#client, key, other, this.done).catch(() => new Promise((next) => setImmediate(next)));
      this.done++;
    }
  }
}

/** Everything that a server holds, of strings. */
export async function contentOf(client: Client, prefix = ''): Promise<Map<string, string>> {
  const keys: string[] = [];
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, page] = await client.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 5_000);
    keys.push(...page);
    cursor = next;
  }
  const unique = [...new Set(keys)];
  const content = new Map<string, string>();
  for (let start = 0; start < unique.length; start += 5_000) {
    const some = unique.slice(start, start + 5_000);
    for (const [index, value] of (await client.mget(some)).entries())
      if (value !== null) content.set(some[index]!, value);
  }
  return content;
}
