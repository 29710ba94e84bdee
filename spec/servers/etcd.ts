import { mkdtempSync, rmSync } from 'node:fs';
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

/** The name of a line of etcd. */
export type EtcdLine = Extract<ServerName, `etcd-${string}`>;

/** The second line of etcd that is tested, beside 3.4: `etcd-3.5`, or what `DATASYNC_ETCD_LINE` names (`etcd-3.6`). */
export const newerLine = lineOf('DATASYNC_ETCD_LINE', ['etcd'], 'etcd-3.5') as EtcdLine;

/** How an etcd is started. */
export interface EtcdOptions {
  /** Default: `etcd-3.4`. */
  readonly server?: EtcdLine;
  /** Default: 1. */
  readonly members?: number;
  /** Clients must have a certificate of our authority. */
  readonly tls?: boolean;
  /**
   * Authentication is on, with the users `root` and `user`, each with its name as its password; `user` may read and write
   * `app/`. `jwt`: with tokens that expire, which are signed, not kept.
   */
  readonly auth?: 'simple' | 'jwt';
  /** Seconds until a JWT expires, default 3. */
  readonly tokenTtl?: number;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
}

/** Starts an etcd of one's own, and resolves when it answers. Whoever starts it stops it. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const found = foundServer(options.server ?? 'etcd-3.4');
  for (let attempt = 1; ; attempt += 1) {
    const etcd = await Etcd.make(found, options);
    try {
      await Promise.all(etcd.members.map((member) => member.start()));
      if (options.auth !== undefined) await etcd.enableAuth();
      return etcd;
    } catch (error) {
      await etcd.stop();
      // Somebody took the port between our choice and its start: all ports anew.
      if (attempt === 3 || !saysPortTaken(String(error))) throw error;
    }
  }
}

/** A running etcd: one member or a cluster. */
export class Etcd {
  readonly version: string;
  readonly members: readonly EtcdMember[];
  /** Only with `tls`. */
  readonly certificates: Certificates | undefined;
  readonly #directory: string;
  readonly #found: Found;
  #user: string | undefined;

  /** @internal use startEtcd */
  static async make(found: Found, options: EtcdOptions): Promise<Etcd> {
    const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-etcd-'));
    const certificates = options.tls === true ? await makeCertificates(directory) : undefined;
    if (options.auth === 'jwt') await makeJwtKeys(directory);
    const count = options.members ?? 1;
    const ports = await freePorts(count * 3);
    return new Etcd(found, options, directory, certificates, ports);
  }

  private constructor(
    found: Found,
    options: EtcdOptions,
    directory: string,
    certificates: Certificates | undefined,
    ports: readonly number[],
  ) {
    this.version = found.version;
    this.#found = found;
    this.certificates = certificates;
    this.#directory = directory;
    const names = ports.filter((_, i) => i % 3 === 0).map((_, i) => `n${i}`);
    const peers = names.map((name, i) => `${name}=http://127.0.0.1:${ports[i * 3 + 1]}`).join(',');
    const common = [
      ...['--logger', 'zap', '--log-level', 'warn'],
      ...['--initial-cluster', peers, '--initial-cluster-token', directory],
      // Short on one member, which elects itself; with several a busy machine must not lose its leader.
      ...(names.length === 1 ? ['--heartbeat-interval', '20', '--election-timeout', '200'] : []),
      ...(names.length > 1 ? ['--heartbeat-interval', '50', '--election-timeout', '500'] : []),
      ...(certificates === undefined
        ? []
        : [
            ...['--cert-file', certificates.server.cert, '--key-file', certificates.server.key],
            ...['--trusted-ca-file', certificates.ca, '--client-cert-auth'],
          ]),
      ...(options.auth === undefined ? [] : ['--bcrypt-cost', '4']),
      ...(options.auth === 'jwt' ? ['--auth-token', jwtOption(directory, options.tokenTtl ?? 3)] : []),
      ...(options.args ?? []),
    ];
    this.members = names.map((name, i) => {
      const [client = 0, peer = 0, health = 0] = ports.slice(i * 3);
      return new EtcdMember(found, { name, directory, client, peer, health, common, tls: certificates !== undefined });
    });
  }

  /** `http://127.0.0.1:port` of each member, or https. */
  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** Runs etcdctl, as `root` where authentication is on. @returns what it printed, without the last line break */
  ctl(...args: readonly string[]): Promise<string> {
    return this.ctlTo(this.endpoints, args);
  }

  /** Runs etcdctl against some members only, or with something for its standard input. */
  async ctlTo(endpoints: readonly string[], args: readonly string[], input?: string | Uint8Array): Promise<string> {
    const tls = this.certificates;
    const files = tls === undefined ? [] : ['--cacert', tls.ca, '--cert', tls.client.cert, '--key', tls.client.key];
    const user = this.#user === undefined ? [] : ['--user', this.#user];
    const all = ['--endpoints', endpoints.join(','), ...files, ...user, ...args];
    const printed = await run(this.#found.programs['etcdctl']!, all, input === undefined ? {} : { input });
    return printed.replace(/\n$/, '');
  }

  /** The member that leads. */
  async leader(): Promise<EtcdMember> {
    const running = this.members.filter(({ running }) => running);
    const table = JSON.parse(
      await this.ctlTo(
        running.map(({ endpoint }) => endpoint),
        ['endpoint', 'status', '-w', 'json'],
      ),
    ) as { Endpoint: string; Status: { leader: number; header: { member_id: number } } }[];
    const leading = table.find(({ Status }) => Status.leader === Status.header.member_id)?.Endpoint;
    const member = this.members.find(({ endpoint }) => endpoint === leading);
    if (member === undefined) throw new Error('no member leads');
    return member;
  }

  /** Saves a backup. @returns its path, valid until `stop` */
  async backup(name = 'backup.db'): Promise<string> {
    const path = join(this.#directory, name);
    rmSync(path, { force: true });
    await this.ctlTo([this.endpoints[0]!], ['snapshot', 'save', path]);
    return path;
  }

  /** Stops all members, puts a backup in the place of their data, and starts them. The cluster has another identity then. */
  async restore(path: string): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await Promise.all(this.members.map((member) => member.restore(path)));
    await Promise.all(this.members.map((member) => member.start()));
  }

  /** @internal startEtcd does it */
  async enableAuth(): Promise<void> {
    for (const command of [
      'user add root:root',
      'user grant-role root root',
      'role add app',
      'role grant-permission app readwrite --prefix=true app/',
      'user add user:user',
      'user grant-role user app',
      'auth enable',
    ])
      await this.ctl(...command.split(' '));
    this.#user = 'root:root';
  }

  /** Stops all members and removes everything. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

interface MemberOptions {
  readonly name: string;
  readonly directory: string;
  readonly client: number;
  readonly peer: number;
  readonly health: number;
  readonly common: readonly string[];
  readonly tls: boolean;
}

/** One member of an etcd. */
export class EtcdMember {
  readonly #found: Found;
  readonly #options: MemberOptions;
  #child: Child | undefined;

  /** @internal use startEtcd */
  constructor(found: Found, options: MemberOptions) {
    this.#found = found;
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get endpoint(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** For a proxy. */
  get port(): number {
    return this.#options.client;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.ended === undefined;
  }

  /** Its last lines, for a message. */
  get output(): string {
    return this.#child?.output ?? '';
  }

  /** Starts it, again at the same ports on the data it has. Resolves when it is healthy, or at once with `wait: false`. */
  async start({ wait = true }: { readonly wait?: boolean } = {}): Promise<void> {
    if (this.running) return;
    const { name, directory, peer, health, common } = this.#options;
    const peerUrl = `http://127.0.0.1:${peer}`;
    this.#child = new Child({
      label: `etcd ${name}`,
      command: this.#found.programs['etcd']!,
      env: this.#found.env,
      directory,
      args: [
        ...['--name', name, '--data-dir', this.#data],
        ...['--listen-client-urls', this.endpoint, '--advertise-client-urls', this.endpoint],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        // Without TLS and authentication, whatever the clients need.
        ...['--listen-metrics-urls', `http://127.0.0.1:${health}`],
        ...common,
      ],
    });
    if (wait) await this.ready();
  }

  /** Waits until it is healthy: it answers, and there is a leader. */
  async ready(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error(`etcd ${this.name} was not started`);
    await child.ready(async () => {
      const answer = await fetch(`http://127.0.0.1:${this.#options.health}/health`, {
        signal: AbortSignal.timeout(2_000),
      });
      return answer.status === 200 && ((await answer.json()) as { health: unknown }).health === 'true';
    });
  }

  /** kill -9: a crash. Its data stays. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** SIGTERM, and SIGKILL after 1.5 seconds. Its data stays until the whole etcd is stopped. */
  async stop(): Promise<void> {
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

  /** Kills it and removes its data: `start` makes a new, empty one. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** @internal use Etcd.restore */
  async restore(path: string): Promise<void> {
    rmSync(this.#data, { recursive: true, force: true });
    const { name, peer, common } = this.#options;
    const cluster = common.slice(common.indexOf('--initial-cluster'), common.indexOf('--initial-cluster') + 4);
    const own = ['--name', name, '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`];
    const { etcdctl, etcdutl = etcdctl } = this.#found.programs;
    await run(etcdutl!, ['snapshot', 'restore', path, '--data-dir', this.#data, ...own, ...cluster]);
  }

  get #data(): string {
    return join(this.#options.directory, this.name);
  }
}

async function makeJwtKeys(directory: string): Promise<void> {
  await run('openssl', ['genrsa', '-out', join(directory, 'jwt.key'), '2048']);
  await run('openssl', ['rsa', '-in', join(directory, 'jwt.key'), '-pubout', '-out', join(directory, 'jwt.pub')]);
}

function jwtOption(directory: string, ttl: number): string {
  return `jwt,pub-key=${join(directory, 'jwt.pub')},priv-key=${join(directory, 'jwt.key')},sign-method=RS256,ttl=${ttl}s`;
}
