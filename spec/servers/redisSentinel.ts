import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import type { Found } from './find.ts';
import { foundServer } from './need.ts';
import { freePorts, saysPortTaken } from './ports.ts';
import { Redis } from './redis.ts';
import { run } from './run.ts';

/** Starts one master with two replicas and three Sentinels; resolves when they all know each other. */
export async function startRedisSentinel(): Promise<RedisSentinel> {
  const found = foundServer('redis-7');
  for (let attempt = 1; ; attempt += 1) {
    const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-sentinel-'));
    const set = new RedisSentinel(found, directory, await freePorts(6));
    try {
      await set.start();
      return set;
    } catch (error) {
      await set.stop();
      if (attempt === 3 || !saysPortTaken(String(error))) throw error;
    }
  }
}

const noFiles = { certificates: undefined };

/** One master, two replicas and three Sentinels. */
export class RedisSentinel {
  readonly version: string;
  /** The name that Sentinels know the master by. */
  readonly masterName = 'mymaster';
  /** The first is the master at the start. */
  readonly nodes: readonly Redis[];
  readonly sentinelPorts: readonly number[];
  readonly #found: Found;
  readonly #directory: string;
  #sentinels: readonly Child[] = [];

  /** @internal use startRedisSentinel */
  constructor(found: Found, directory: string, ports: readonly number[]) {
    this.version = found.version;
    this.#found = found;
    this.#directory = directory;
    this.sentinelPorts = ports.slice(3);
    this.nodes = ports.slice(0, 3).map((port, i) => {
      const follow = i === 0 ? [] : ['--replicaof', '127.0.0.1', String(ports[0])];
      const args = [...follow, '--repl-diskless-sync-delay', '0'];
      return new Redis(found, { ...noFiles, directory, port, args });
    });
  }

  /** @internal startRedisSentinel does it */
  async start(): Promise<void> {
    const master = this.nodes[0]!;
    await master.start();
    await Promise.all(this.nodes.slice(1).map((node) => node.start()));
    await until(async () => (await master.cli('INFO', 'replication')).match(/state=online/g)?.length === 2);
    // Only now: Sentinels that do not find the replicas at once look again after 10 seconds.
    this.#sentinels = this.sentinelPorts.map((port) => this.#startSentinel(port, master.port));
    await Promise.all(
      this.#sentinels.map((child, i) =>
        child.ready(async () => {
          const lines = (await this.sentinel(i, 'SENTINEL', 'MASTER', this.masterName)).split('\n');
          const field = (name: string) => lines[lines.indexOf(name) + 1];
          return field('num-slaves') === '2' && field('num-other-sentinels') === '2';
        }),
      ),
    );
  }

  /** Runs redis-cli against a Sentinel. */
  async sentinel(index: number, ...args: readonly string[]): Promise<string> {
    const port = String(this.sentinelPorts[index]);
    const printed = await run(this.#found.programs['redis-cli']!, ['-p', port, ...args], { env: this.#found.env });
    return printed.replace(/\n$/, '');
  }

  /** The node that the Sentinels take for the master. */
  async master(): Promise<Redis> {
    const [, port] = (await this.sentinel(0, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.masterName)).split('\n');
    const node = this.nodes.find((each) => String(each.port) === port);
    if (node === undefined) throw new Error(`no node of ours listens at ${port}, the master's port`);
    return node;
  }

  /** A planned failover; resolves when there is another master. */
  async failover(): Promise<Redis> {
    const before = await this.master();
    // Refused while no replica is good enough, or the last failover is young; given up when the one it chose is not.
    await until(async () => {
      if ((await this.master()) !== before) return true;
      await this.sentinel(0, 'SENTINEL', 'FAILOVER', this.masterName);
      return false;
    });
    return this.masterAfter(before);
  }

  /** Waits until a node other than the one before is the master, and says so itself. */
  async masterAfter(before: Redis): Promise<Redis> {
    let master = before;
    await until(async () => {
      master = await this.master();
      return master !== before && (await master.cli('ROLE')).startsWith('master');
    });
    return master;
  }

  /** Stops everything and removes it. */
  async stop(): Promise<void> {
    await Promise.all([...this.#sentinels.map((child) => child.stop()), ...this.nodes.map((node) => node.halt())]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #startSentinel(port: number, masterPort: number): Child {
    const file = join(this.#directory, `sentinel-${port}.conf`); // it writes into it
    const lines = [
      ...[`port ${port}`, 'bind 127.0.0.1', `dir ${this.#directory}`],
      `sentinel monitor ${this.masterName} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${this.masterName} 1000`,
      `sentinel failover-timeout ${this.masterName} 5000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return new Child({
      label: `sentinel ${port}`,
      command: this.#found.programs['redis-server']!,
      args: [file, '--sentinel'],
      env: this.#found.env,
      directory: this.#directory,
    });
  }
}

/** Waits for a condition of several servers; 30 seconds at most. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await check().catch(() => false))) {
    if (performance.now() > end) throw new Error(`waited 30 s for ${check.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
