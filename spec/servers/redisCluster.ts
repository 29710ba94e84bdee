import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Found } from './find.ts';
import { foundServer } from './need.ts';
import { freePorts } from './ports.ts';
import { Redis, redisLine, redisPrograms } from './redis.ts';
import { eventually } from './redisReplicas.ts';
import { run } from './run.ts';

/** A node of a cluster, as `CLUSTER NODES` shows it. */
export interface ClusterMember {
  readonly id: string;
  readonly port: number;
  readonly isMaster: boolean;
  /** Of a replica, the id of its master; else `-`. */
  readonly follows: string;
  /** `0-5460` … */
  readonly slots: readonly string[];
}

/** A cluster of six nodes, three of them masters. */
export async function startRedisCluster(): Promise<RedisClusterServers> {
  const found = foundServer(redisLine);
  for (let attempt = 1; ; attempt++) {
    const cluster = new RedisClusterServers(found, mkdtempSync(join(tmpdir(), 'rx-datasync-cluster-')));
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (attempt === 3) throw error;
    }
  }
}

/** Six processes, and those that are added. */
export class RedisClusterServers {
  readonly nodes: Redis[] = [];
  readonly #found: Found;
  readonly #directory: string;

  /** @internal use startRedisCluster */
  constructor(found: Found, directory: string) {
    this.#found = found;
    this.#directory = directory;
  }

  get endpoints(): readonly { readonly host: string; readonly port: number }[] {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** @internal */
  async start(): Promise<void> {
    const ports = await freePorts(6);
    for (const port of ports) await this.#startNode(port);
    await this.manage(
      'create',
      ...ports.map((port) => `127.0.0.1:${port}`),
      '--cluster-replicas',
      '1',
      '--cluster-yes',
    );
    await this.settled();
  }

  /** `redis-cli --cluster` and what follows. */
  manage(...args: readonly string[]): Promise<string> {
    return run(redisPrograms(this.#found).cli, ['--cluster', ...args], { env: this.#found.env, timeout: 60_000 });
  }

  /** Waits until every running node has the same picture, without a fault in it. @throws Error with all of them */
  async settled(): Promise<void> {
    const isSettled = async (): Promise<boolean> => {
      const pictures = await Promise.all(
        this.nodes
          .filter(({ running }) => running)
          .map(async (node) => {
            if (!(await node.cli('CLUSTER', 'INFO')).includes('cluster_state:ok')) return 'not ok';
            return pictureOf(parseNodes(await node.cli('CLUSTER', 'NODES')));
          }),
      );
      return new Set(pictures).size === 1 && pictures[0] !== 'not ok';
    };
    try {
      await eventually('the cluster', isSettled);
    } catch (error) {
      throw new Error(`${(error as Error).message}:\n${await this.#shown()}`);
    }
  }

  /** What each node sees, and what it said last. */
  async #shown(): Promise<string> {
    const shown = this.nodes.map(async (node) => {
      const asked = node.running ? await node.cli('CLUSTER', 'NODES').catch(String) : 'it does not run';
      return `node ${node.port}:\n${asked}\n${node.output.split('\n').slice(-12).join('\n')}`;
    });
    return (await Promise.all(shown)).join('\n\n');
  }

  /** As one running node sees them, without those that have failed. */
  async members(): Promise<readonly ClusterMember[]> {
    return parseNodes(await this.nodes.find(({ running }) => running)!.cli('CLUSTER', 'NODES'));
  }

  async masters(): Promise<readonly ClusterMember[]> {
    return (await this.members()).filter(({ isMaster, slots }) => isMaster && slots.length > 0);
  }

  nodeAt(port: number): Redis {
    return this.nodes.find((node) => node.port === port)!;
  }

  /** An empty master more. */
  async add(): Promise<Redis> {
    const [port] = await freePorts(1);
    const node = await this.#startNode(port!);
    await this.manage('add-node', `127.0.0.1:${node.port}`, `127.0.0.1:${this.nodes[0]!.port}`);
    await this.settled();
    return node;
  }

  /** Moves slots with all they hold from one master to another, under whatever load there is. */
  async reshard(from: number, to: number, slots: number): Promise<void> {
    const members = await this.members();
    const id = (port: number) => members.find((member) => member.port === port)!.id;
    const moved = [
      '--cluster-from',
      id(from),
      '--cluster-to',
      id(to),
      '--cluster-slots',
      String(slots),
      '--cluster-yes',
    ];
    await this.manage('reshard', `127.0.0.1:${from}`, ...moved);
    await this.settled();
  }

  /** Takes a master out that has no slots left. */
  async remove(node: Redis): Promise<void> {
    const { id } = (await this.members()).find(({ port }) => port === node.port)!;
    const other = this.nodes.find((each) => each !== node && each.running)!;
    await this.manage('del-node', `127.0.0.1:${other.port}`, id);
    await node.halt();
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await this.settled();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.halt()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #startNode(port: number): Promise<Redis> {
    const args = [
      ...['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`, '--cluster-node-timeout', '2000'],
      ...['--repl-diskless-sync-delay', '0'],
    ];
    const node = new Redis(this.#found, {
      args,
      certificates: undefined,
      directory: this.#directory,
      port,
      persist: true,
    });
    this.nodes.push(node);
    await node.start();
    return node;
  }
}

function parseNodes(text: string): readonly ClusterMember[] {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , flags]) => flags !== undefined && !/fail|noaddr|handshake/.test(flags))
    .map(([id, address, flags, follows, , , , , ...slots]) => ({
      id: id!,
      port: Number(/:(\d+)@/.exec(address!)?.[1]),
      isMaster: flags!.includes('master'),
      follows: follows!,
      slots: slots.filter((slot) => !slot.startsWith('[')),
    }));
}

function pictureOf(members: readonly ClusterMember[]): string {
  return members
    .map(({ id, isMaster, slots }) => `${id} ${isMaster} ${slots.join()}`)
    .sort()
    .join('\n');
}
