import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Found } from './find.ts';
import { foundServer } from './need.ts';
import { freePorts, saysPortTaken } from './ports.ts';
import { Redis } from './redis.ts';
import { until } from './redisSentinel.ts';
import { run } from './run.ts';

/** Starts a cluster of three masters with a replica each; resolves when every node finds all of it in order. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const found = foundServer('redis-7');
  for (let attempt = 1; ; attempt += 1) {
    const cluster = new RedisCluster(found, mkdtempSync(join(tmpdir(), 'rx-datasync-cluster-')), await freePorts(6));
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (attempt === 3 || !saysPortTaken(String(error))) throw error;
    }
  }
}

/** A node as the others see it. */
export interface ClusterNode {
  readonly id: string;
  readonly redis: Redis;
  readonly isMaster: boolean;
  /** Of a replica: whose. */
  readonly masterId: string | undefined;
  /** `0-5460` */
  readonly slots: readonly string[];
}

/** Six nodes. */
export class RedisCluster {
  readonly version: string;
  readonly nodes: Redis[];
  readonly #found: Found;
  readonly #directory: string;

  /** @internal use startRedisCluster */
  constructor(found: Found, directory: string, ports: readonly number[]) {
    this.version = found.version;
    this.#found = found;
    this.#directory = directory;
    this.nodes = ports.map((port) => this.#node(port));
  }

  /** @internal startRedisCluster does it */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.manage('create', ...this.nodes.map(addressOf), '--cluster-replicas', '1', '--cluster-yes');
    await this.settled();
    // Who replicates whom spreads last; and a replica without data is no heir.
    await until(async () => {
      const views = await Promise.all(this.nodes.map((node) => this.view(node)));
      if (!views.every((view) => view.filter(({ isMaster }) => isMaster).length === 3)) return false;
      const replicas = views[0]!.filter(({ isMaster }) => !isMaster);
      const states = await Promise.all(replicas.map(({ redis }) => redis.cli('INFO', 'replication')));
      return states.length === 3 && states.every((state) => state.includes('master_link_status:up'));
    });
  }

  /** `redis-cli --cluster …` */
  async manage(...args: readonly string[]): Promise<string> {
    return run(this.#found.programs['redis-cli']!, ['--cluster', ...args], { env: this.#found.env });
  }

  /** The nodes as one of them sees them, or the first that runs. */
  async view(from: Redis | undefined = this.nodes.find(({ running }) => running)): Promise<readonly ClusterNode[]> {
    const lines = (await from!.cli('CLUSTER', 'NODES')).split('\n');
    return lines.flatMap((line) => {
      const [id = '', address = '', flags = '', master = '', , , , , ...slots] = line.split(' ');
      const redis = this.nodes.find((node) => address.startsWith(`${addressOf(node)}@`));
      if (redis === undefined) return [];
      const masterId = master === '-' ? undefined : master;
      return [{ id, redis, isMaster: flags.split(',').includes('master'), masterId, slots }];
    });
  }

  /** The node that serves a slot. */
  async ownerOf(slot: number): Promise<ClusterNode> {
    const owner = (await this.view()).find(({ slots }) =>
      slots.some((range) => {
        const [first, last = first] = range.split('-').map(Number);
        return first! <= slot && slot <= last!;
      }),
    );
    if (owner === undefined) throw new Error(`nobody serves slot ${slot}`);
    return owner;
  }

  /** Moves slots, with their keys, from one master to another. */
  async move(from: ClusterNode, to: ClusterNode, slots: number): Promise<void> {
    const ends = ['--cluster-from', from.id, '--cluster-to', to.id];
    await this.manage('reshard', addressOf(from.redis), ...ends, '--cluster-slots', String(slots), '--cluster-yes');
  }

  /** Another master, without slots. */
  async add(): Promise<ClusterNode> {
    const [port] = await freePorts(1);
    const node = this.#node(port!);
    await node.start();
    const [first] = this.nodes;
    this.nodes.push(node);
    await this.manage('add-node', addressOf(node), addressOf(first!));
    await this.settled();
    return (await this.view()).find(({ redis }) => redis === node)!;
  }

  /** Waits until every running node says that all slots are served and that it knows all running nodes. */
  async settled(): Promise<void> {
    const running = this.nodes.filter((node) => node.running);
    await until(async () => {
      const all = await Promise.all(
        running.map(async (node) => {
          const state = await node.cli('CLUSTER', 'INFO');
          const nodes = await node.cli('CLUSTER', 'NODES');
          const known = nodes.split('\n').filter((line) => !/fail|handshake/.test(line)).length;
          return state.includes('cluster_state:ok') && known >= running.length && !nodes.includes('handshake');
        }),
      );
      return all.every(Boolean);
    });
  }

  /** Stops all nodes and removes everything. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.halt()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #node(port: number): Redis {
    return new Redis(this.#found, {
      certificates: undefined,
      directory: this.#directory,
      port,
      args: [
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
        ...['--cluster-config-file', 'nodes.conf', '--repl-diskless-sync-delay', '0'],
      ],
    });
  }
}

function addressOf({ port }: Redis): string {
  return `127.0.0.1:${port}`;
}
