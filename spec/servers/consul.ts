import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerName } from './catalogue.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { Child } from './child.ts';
import type { Found } from './find.ts';
import { lineOf } from './line.ts';
import { foundServer } from './need.ts';
import { freePorts, saysPortTaken } from './ports.ts';

/** How a Consul is started. */
export interface ConsulOptions {
  /** `dev`: one server that keeps nothing. A number: so many servers that keep their data. Default: `dev`. */
  readonly servers?: 'dev' | number;
  /** Access only with a token; what is not granted is denied. */
  readonly acl?: boolean;
  /** Only TLS, and clients must have a certificate of our authority. */
  readonly tls?: boolean;
  /** Further configuration of every agent. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The line of Consul that is tested: `consul-1.8`, or what `DATASYNC_CONSUL_LINE` names (`consul-1.22`). */
export const consulLine: ServerName = lineOf('DATASYNC_CONSUL_LINE', ['consul'], 'consul-1.8');

/** Starts a Consul of one's own, and resolves when it answers. Whoever starts it stops it. */
export async function startConsul(options: ConsulOptions = {}): Promise<Consul> {
  const found = foundServer(consulLine);
  for (let attempt = 1; ; attempt += 1) {
    const consul = await Consul.make(found, options);
    try {
      await Promise.all(consul.agents.map((agent) => agent.start()));
      return consul;
    } catch (error) {
      await consul.stop();
      if (attempt === 3 || !saysPortTaken(String(error))) throw error;
    }
  }
}

/** A running Consul: one server or several. */
export class Consul {
  readonly version: string;
  readonly agents: readonly ConsulAgent[];
  /** Only with `tls`. */
  readonly certificates: Certificates | undefined;
  /** Of the management; only with `acl`. */
  readonly token: string | undefined;
  readonly #directory: string;

  /** @internal use startConsul */
  static async make(found: Found, options: ConsulOptions): Promise<Consul> {
    const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-consul-'));
    const certificates = options.tls === true ? await makeCertificates(directory) : undefined;
    const count = options.servers === 'dev' ? 1 : (options.servers ?? 1);
    return new Consul(found, options, directory, certificates, await freePorts(count * 3));
  }

  private constructor(
    found: Found,
    options: ConsulOptions,
    directory: string,
    certificates: Certificates | undefined,
    ports: readonly number[],
  ) {
    const { servers = 'dev', acl = false, config = {} } = options;
    this.version = found.version;
    this.#directory = directory;
    this.certificates = certificates;
    this.token = acl ? randomUUID() : undefined;
    const count = ports.length / 3;
    const isOld = found.version.startsWith('1.8.');
    const tokens = { [isOld ? 'master' : 'initial_management']: this.token };
    const files = certificates && {
      ca_file: certificates.ca,
      cert_file: certificates.server.cert,
      key_file: certificates.server.key,
    };
    const others = ports.filter((_, i) => i % 3 === 1).map((port) => `127.0.0.1:${port}`);
    this.agents = Array.from({ length: count }, (_, i) => {
      const [http = 0, serf = 0, server = 0] = ports.slice(i * 3);
      return new ConsulAgent(found, {
        name: `n${i}`,
        directory,
        port: http,
        token: this.token,
        certificates,
        dev: servers === 'dev',
        config: {
          ...{ bind_addr: '127.0.0.1', client_addr: '127.0.0.1', log_level: 'warn', disable_update_check: true },
          performance: { raft_multiplier: 1 },
          connect: { enabled: false },
          ports: {
            ...{ dns: -1, grpc: -1, serf_wan: -1, serf_lan: serf, server },
            ...(!isOld && { grpc_tls: -1 }),
            ...(certificates === undefined ? { http, https: -1 } : { http: -1, https: http }),
          },
          ...(servers !== 'dev' && { server: true, bootstrap_expect: count, data_dir: join(directory, `n${i}`) }),
          ...(count > 1 && { retry_join: others, retry_interval: '1s' }),
          ...(acl && { acl: { enabled: true, default_policy: 'deny', tokens } }),
          ...(files !== undefined &&
            (isOld
              ? { ...files, verify_incoming_https: true }
              : { tls: { https: { ...files, verify_incoming: true } } })),
          ...config,
        },
      });
    });
  }

  /** Stops all agents and removes everything. */
  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.halt()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

interface AgentOptions {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly certificates: Certificates | undefined;
  readonly dev: boolean;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What an agent answered. */
export interface ConsulAnswer {
  readonly status: number;
  readonly body: string;
}

/** One agent of a Consul. */
export class ConsulAgent {
  readonly #found: Found;
  readonly #options: AgentOptions;
  #child: Child | undefined;

  /** @internal use startConsul */
  constructor(found: Found, options: AgentOptions) {
    this.#found = found;
    this.#options = options;
  }

  /** Of HTTP, or of HTTPS with `tls`. */
  get port(): number {
    return this.#options.port;
  }

  get name(): string {
    return this.#options.name;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.ended === undefined;
  }

  /** Starts it, again at the same ports with the data it has. Resolves when it serves, or at once with `wait: false`. */
  async start({ wait = true }: { readonly wait?: boolean } = {}): Promise<void> {
    if (this.running) return;
    const { name, directory, dev, config } = this.#options;
    const file = join(directory, `${name}.json`);
    writeFileSync(file, JSON.stringify(config));
    this.#child = new Child({
      label: `consul ${name}`,
      command: this.#found.programs['consul']!,
      env: this.#found.env,
      directory,
      args: ['agent', ...(dev ? ['-dev'] : []), '-config-file', file, '-node', name],
    });
    if (wait) await this.ready();
  }

  /** Waits until there is a leader and the key-value store answers; with `acl`, until the token is good. */
  async ready(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error(`consul ${this.name} was not started`);
    await child.ready(async () => {
      const leader = await this.request('GET', '/v1/status/leader');
      if (leader.status !== 200 || leader.body.length < 3) return false;
      if (this.#options.token !== undefined) {
        const done = await this.request('PUT', '/v1/kv/ready', '1');
        return done.body.trim() === 'true' && (await this.request('DELETE', '/v1/kv/ready')).status === 200;
      }
      // A server that is back answers before it has read its log: only a consistent read waits for it.
      return [200, 404].includes((await this.request('GET', '/v1/kv/ready?consistent')).status);
    });
  }

  /** Asks its HTTP API, with the token and certificate of the management. */
  request(method: string, path: string, body?: string | Uint8Array, headers = {}): Promise<ConsulAnswer> {
    const { port, token, certificates } = this.#options;
    const options = {
      ...{ host: '127.0.0.1', port, method, path, agent: false, timeout: 5_000 },
      headers: { ...(token !== undefined && { 'X-Consul-Token': token }), ...headers },
    };
    return new Promise((resolve, reject) => {
      const answered = (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.on('error', reject);
      };
      const asked =
        certificates === undefined
          ? plainRequest(options, answered)
          : tlsRequest(
              {
                ...options,
                ca: readFileSync(certificates.ca),
                cert: readFileSync(certificates.client.cert),
                key: readFileSync(certificates.client.key),
              },
              answered,
            );
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error('no answer')));
      asked.end(body);
    });
  }

  /** kill -9: a crash. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** SIGTERM, and SIGKILL after 1.5 seconds; its data stays, for `start`. */
  async halt(): Promise<void> {
    await this.#child?.stop();
  }

  /** SIGSTOP: it keeps its connections and says nothing. */
  pause(): void {
    this.#child?.signal('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  /** Kills it and removes its data: `start` makes it anew. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(join(this.#options.directory, this.name), { recursive: true, force: true });
  }
}
