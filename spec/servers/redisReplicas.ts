import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import type { Found } from './find.ts';
import { foundServer } from './need.ts';
import { freePorts } from './ports.ts';
import { Redis, redisLine, redisPrograms } from './redis.ts';
import { run } from './run.ts';

/** The name under which Sentinels know the master. */
export const masterName = 'mymaster';

/**
 * One master, two replicas and three Sentinels that watch them.
 *
 * @param downAfter milliseconds without an answer after which a Sentinel gives the master up: a machine that is busy is silent
 * for a second now and then, and a failover loses what the master had acknowledged and the replicas had not. Default: 1,000
 */
export async function startReplicas(downAfter: number = 1_000): Promise<RedisReplicas> {
  const found = foundServer(redisLine);
  const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-replicas-'));
  const ports = await freePorts(6);
  const [masterPort] = ports;
  const nodes = ports.slice(0, 3).map((port) => {
    const replica = port === masterPort ? [] : ['--replicaof', '127.0.0.1', String(masterPort)];
    const args = ['--repl-diskless-sync-delay', '0', '--min-replicas-max-lag', '1', ...replica];
    return new Redis(found, { args, certificates: undefined, directory, port, persist: true });
  });
  const replicas = new RedisReplicas(found, { directory, nodes, sentinelPorts: ports.slice(3), downAfter });
  try {
    await replicas.start();
    return replicas;
  } catch (error) {
    await replicas.stop();
    throw error;
  }
}

/** @internal */
interface ReplicasPlace {
  readonly directory: string;
  readonly nodes: readonly Redis[];
  readonly sentinelPorts: readonly number[];
  readonly downAfter: number;
}

/** A replica set with Sentinels. */
export class RedisReplicas {
  readonly nodes: readonly Redis[];
  readonly sentinelPorts: readonly number[];
  readonly #found: Found;
  readonly #directory: string;
  readonly #downAfter: number;
  readonly #sentinels: Child[] = [];

  /** @internal use startReplicas */
  constructor(found: Found, { directory, nodes, sentinelPorts, downAfter }: ReplicasPlace) {
    this.#found = found;
    this.#directory = directory;
    this.#downAfter = downAfter;
    this.nodes = nodes;
    this.sentinelPorts = sentinelPorts;
  }

  /** @internal */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    // Sentinels that are started earlier learn of the replicas only ten seconds later.
    await this.#until(
      async () => (await this.nodes[0]!.cli('INFO', 'replication')).match(/state=online/g)?.length === 2,
    );
    await this.startSentinels();
  }

  /** Starts the Sentinels, again with what they have learnt, and waits until each knows all. */
  async startSentinels(): Promise<void> {
    for (const port of this.sentinelPorts) this.#startSentinel(port);
    for (const port of this.sentinelPorts) {
      await this.#until(async () => {
        const state = (await this.sentinel(port, 'MASTER', masterName)).split('\n');
        const of = (name: string) => state[state.indexOf(name) + 1];
        return of('num-slaves') === '2' && of('num-other-sentinels') === '2';
      });
    }
  }

  /** Stops the Sentinels; the nodes go on. */
  async stopSentinels(): Promise<void> {
    await Promise.all(this.#sentinels.splice(0).map((sentinel) => sentinel.stop()));
  }

  /** `SENTINEL` and what follows, to one Sentinel. */
  sentinel(port: number, ...args: readonly string[]): Promise<string> {
    const all = ['-h', '127.0.0.1', '-p', String(port), 'SENTINEL', ...args];
    return run(redisPrograms(this.#found).cli, all, { env: this.#found.env, timeout: 10_000 });
  }

  /** Whom the Sentinels hold for the master. */
  async master(): Promise<Redis> {
    const [, port] = (await this.sentinel(this.sentinelPorts[0]!, 'GET-MASTER-ADDR-BY-NAME', masterName)).split('\n');
    return this.nodes.find((node) => String(node.port) === port)!;
  }

  /** Waits until the Sentinels have chosen another master, which knows it. */
  async replaced(old: Redis): Promise<Redis> {
    await this.#until(async () => {
      const master = await this.master();
      return master !== old && (await master.cli('ROLE')).startsWith('master');
    });
    return this.master();
  }

  /** A failover that is asked for, nothing being wrong. */
  async failover(): Promise<Redis> {
    const old = await this.master();
    await this.#until(async () => (await this.sentinel(this.sentinelPorts[0]!, 'FAILOVER', masterName)).includes('OK'));
    return this.replaced(old);
  }

  async stop(): Promise<void> {
    await this.stopSentinels();
    await Promise.all(this.nodes.map((node) => node.halt()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #startSentinel(port: number): void {
    const directory = join(this.#directory, `sentinel-${port}`);
    mkdirSync(directory, { recursive: true });
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel monitor ${masterName} 127.0.0.1 ${this.nodes[0]!.port} 2`,
      `sentinel down-after-milliseconds ${masterName} ${this.#downAfter}`,
      `sentinel failover-timeout ${masterName} 5000`,
    ];
    // Sentinels write what they learn into it.
    const file = join(directory, 'sentinel.conf');
    if (!existsSync(file)) writeFileSync(file, `${lines.join('\n')}\n`);
    this.#sentinels.push(
      new Child({
        label: `sentinel ${port}`,
        command: redisPrograms(this.#found).server,
        args: [file, '--sentinel'],
        env: this.#found.env,
        directory,
      }),
    );
  }

  async #until(check: () => Promise<boolean>): Promise<void> {
    await eventually('the replica set', check);
  }
}

/** Waits for something that servers settle among themselves. @throws Error after a minute */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await check().catch(() => false))) {
    if (performance.now() > end) throw new Error(`${what} was not as it should be after a minute`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
