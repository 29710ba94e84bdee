import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerName } from './catalogue.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { Child } from './child.ts';
import type { Found } from './find.ts';
import { lineOf } from './line.ts';
import { foundServer } from './need.ts';
import { freePorts, saysPortTaken } from './ports.ts';
import { run } from './run.ts';

/** How a Redis is started. */
export interface RedisOptions {
  /** Only TLS, and clients must have a certificate of our authority. */
  readonly tls?: boolean;
  /** Of the user `default`. */
  readonly password?: string;
  /** Every write is with the system before it is answered, so that a crash of the process loses nothing. Default: nothing is kept. */
  readonly persist?: boolean;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
}

/** The line of servers that speak Redis which is tested: `redis-7`, or what `DATASYNC_REDIS_LINE` names (`valkey-8`). */
export const redisLine: ServerName = lineOf('DATASYNC_REDIS_LINE', ['redis', 'valkey'], 'redis-7');

/** The server, and its client. */
export function redisPrograms({ programs }: Found): { readonly server: string; readonly cli: string } {
  const [server, cli] = Object.values(programs);
  return { server: server!, cli: cli! };
}

/** Starts a Redis of one's own, and resolves when it answers. Whoever starts it stops it. */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const found = foundServer(redisLine);
  for (let attempt = 1; ; attempt += 1) {
    const redis = await Redis.make(found, options);
    try {
      await redis.start();
      return redis;
    } catch (error) {
      await redis.stop();
      if (attempt === 3 || !saysPortTaken(String(error))) throw error;
    }
  }
}

/** @internal */
export interface RedisPlace extends Omit<RedisOptions, 'tls'> {
  readonly certificates: Certificates | undefined;
  /** Removed by `stop`; the data is in a folder of it. */
  readonly directory: string;
  readonly port: number;
}

/** A Redis process. */
export class Redis {
  readonly version: string;
  readonly port: number;
  /** Only with `tls`. */
  readonly certificates: Certificates | undefined;
  readonly #found: Found;
  readonly #place: RedisPlace;
  #child: Child | undefined;

  /** @internal use startRedis */
  static async make(found: Found, options: RedisOptions): Promise<Redis> {
    const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-redis-'));
    const certificates = options.tls === true ? await makeCertificates(directory) : undefined;
    const [port] = await freePorts(1);
    return new Redis(found, { ...options, certificates, directory, port: port! });
  }

  /** @internal use startRedis */
  constructor(found: Found, place: RedisPlace) {
    this.version = found.version;
    this.port = place.port;
    this.certificates = place.certificates;
    this.#found = found;
    this.#place = place;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.ended === undefined;
  }

  /** What it said last. */
  get output(): string {
    return this.#child?.output ?? '';
  }

  /** Starts it, again at the same port, with the data that was kept. */
  async start(): Promise<void> {
    if (this.running) return;
    const { directory, persist = false, password, certificates, args = [] } = this.#place;
    mkdirSync(this.#data, { recursive: true });
    const listen =
      certificates === undefined ? ['--port', String(this.port)] : ['--port', '0', '--tls-port', String(this.port)];
    this.#child = new Child({
      label: `redis ${this.port}`,
      command: redisPrograms(this.#found).server,
      env: this.#found.env,
      directory,
      args: [
        ...listen,
        ...['--bind', '127.0.0.1', '--dir', this.#data, '--save', ''],
        // Not `always`: it stands still for as long as a busy disk takes, and others hold it for dead.
        ...(persist ? ['--appendonly', 'yes', '--appendfsync', 'no'] : ['--appendonly', 'no']),
        ...(certificates === undefined
          ? []
          : [
              ...['--tls-cert-file', certificates.server.cert, '--tls-key-file', certificates.server.key],
              ...['--tls-ca-cert-file', certificates.ca, '--tls-auth-clients', 'yes'],
            ]),
        ...(password === undefined ? [] : ['--requirepass', password]),
        ...args,
      ],
    });
    const own = `process_id:${this.#child.pid}\r`;
    // A port is free while its server is down: whoever else answers there is not the one we wait for.
    await this.#child.ready(async () => (await this.cli('INFO', 'server')).split('\n').includes(own));
    await this.#child.ready(async () => (await this.cli('PING')) === 'PONG');
  }

  /** Runs redis-cli. @returns what it printed, without the last line break */
  async cli(...args: readonly string[]): Promise<string> {
    const { password, certificates } = this.#place;
    const tls =
      certificates === undefined
        ? []
        : ['--tls', '--cacert', certificates.ca, '--cert', certificates.client.cert, '--key', certificates.client.key];
    const all = ['-h', '127.0.0.1', '-p', String(this.port), ...tls, ...args];
    const env = { ...this.#found.env, ...(password !== undefined && { REDISCLI_AUTH: password }) };
    return (await run(redisPrograms(this.#found).cli, all, { env, timeout: 10_000 })).replace(/\n$/, '');
  }

  /** kill -9: a crash. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** SIGSTOP: it keeps its connections and says nothing. */
  pause(): void {
    this.#child?.signal('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  /** Kills it and removes what it kept: `start` makes it anew. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** SIGTERM, and SIGKILL after 1.5 seconds; what it kept stays, for `start`. */
  async halt(): Promise<void> {
    await this.#child?.stop();
  }

  /** Stops it and removes everything. */
  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.#place.directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#place.directory, `data-${this.port}`);
  }
}
