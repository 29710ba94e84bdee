import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { portOf } from './ports.ts';

/** Where a proxy leads. */
export interface ProxyTarget {
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
}

/** Opens a TCP proxy on a free port of loopback. */
export async function openProxy(target: ProxyTarget): Promise<TcpProxy> {
  const proxy = new TcpProxy(target);
  await proxy.accept();
  return proxy;
}

/** Bytes that one direction of a link holds back before it stops reading. */
const most = 1_000_000;

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/** A link to a server that can be broken in every way in which links break. Several faults may be set; `heal` ends all. */
export class TcpProxy {
  /** Links that were accepted since it was opened. */
  accepted = 0;
  /** Bytes that were passed to clients. */
  received = 0;
  /** Bytes that were passed to the server. */
  sent = 0;
  #target: ProxyTarget;
  readonly #links = new Set<Link>();
  /** Accepted in a black hole: they lead nowhere yet. */
  readonly #hanging = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #hole: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  #delay = 0;
  #rate = Infinity;

  constructor(target: ProxyTarget) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Links that are open now. */
  get links(): number {
    return this.#links.size;
  }

  /** New links lead to another server from now on. */
  lead(target: ProxyTarget): void {
    this.#target = target;
  }

  /** Resets every link. New ones are accepted. */
  cut(): void {
    for (const { client, server } of [...this.#links]) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /**
   * A clean partition: nothing passes in either direction, and nobody is told. Links that were open go on after `heal`, if
   * no side has given up: what was on its way arrives then, as TCP repeats it. New ones hang.
   */
  blackHole(): void {
    if (this.#hole !== undefined) return;
    let end = () => undefined as unknown;
    const over = new Promise<void>((resolve) => {
      end = resolve as () => unknown;
    });
    this.#hole = { over, end };
    for (const { client, server } of this.#links) {
      client.pause();
      server.pause();
    }
  }

  /** The server's side of each link is gone and the client is not told: what it sends is lost, and nothing comes. */
  halfOpen(): void {
    for (const { client, server } of this.#links) {
      client.removeAllListeners('data').resume();
      server.removeAllListeners().on('error', () => undefined);
      server.resetAndDestroy();
    }
  }

  /** Everything arrives this many milliseconds later, in both directions. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  /** At most this many bytes per second, in each direction of each link. */
  throttle(bytesPerSecond: number): void {
    this.#rate = bytesPerSecond;
  }

  /** Resets every link, and refuses new ones. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : new Promise((resolve) => server.close(resolve));
    this.cut();
    for (const client of this.#hanging) client.resetAndDestroy();
    await closed;
  }

  /** New links are accepted, at the port of the first time. */
  async accept(): Promise<void> {
    if (this.#server !== undefined) return;
    // A side that has ended may still hear; data is read when the link is complete.
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => void this.#connect(client));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = portOf(server);
  }

  /** Ends every fault. A link that is half open stays so until the client gives up. */
  async heal(): Promise<void> {
    this.#delay = 0;
    this.#rate = Infinity;
    this.#endHole();
    for (const { client, server } of this.#links) {
      client.resume();
      server.resume();
    }
    await this.accept();
  }

  /** Resets every link and gives up the port. */
  async close(): Promise<void> {
    await this.refuse();
    this.#endHole();
  }

  #endHole(): void {
    const hole = this.#hole;
    this.#hole = undefined;
    hole?.end();
  }

  async #connect(client: Socket): Promise<void> {
    this.accepted += 1;
    client.on('error', () => undefined);
    this.#hanging.add(client);
    while (this.#hole !== undefined) await this.#hole.over;
    this.#hanging.delete(client);
    if (client.destroyed || this.#server === undefined) return void client.destroy();
    const server = connect({ port: this.#target.port, host: this.#target.host ?? '127.0.0.1', allowHalfOpen: true });
    server.on('error', () => undefined);
    const link = { client, server };
    this.#links.add(link);
    this.#pass(client, server, (bytes) => {
      this.sent += bytes;
    });
    this.#pass(server, client, (bytes) => {
      this.received += bytes;
    });
    const gone = (other: Socket) => async () => {
      this.#links.delete(link);
      while (this.#hole !== undefined) await this.#hole.over; // a partition tells nobody
      other.resetAndDestroy();
    };
    client.on('close', gone(server));
    server.on('close', gone(client));
    client.resume();
  }

  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    from.setNoDelay(true);
    const waiting: { readonly data: Buffer | 'end'; readonly due: number }[] = [];
    let bytes = 0;
    let passing = false;
    const pass = async () => {
      passing = true;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { data, due } = next;
        const early = due - performance.now();
        if (early > 0) await sleep(early);
        while (this.#hole !== undefined) await this.#hole.over;
        if (to.destroyed) break;
        if (data === 'end') {
          to.end();
          continue;
        }
        if (this.#rate < Infinity) await sleep((data.length / this.#rate) * 1_000);
        count(data.length);
        if (!to.write(data)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => undefined);
        bytes -= data.length;
        if (bytes < most && this.#hole === undefined) from.resume();
      }
      passing = false;
    };
    const add = (data: Buffer | 'end') => {
      waiting.push({ data, due: this.#delay === 0 ? 0 : performance.now() + this.#delay });
      if (!passing) void pass();
    };
    from.on('data', (data: Buffer) => {
      bytes += data.length;
      if (bytes >= most) from.pause();
      add(data);
    });
    from.on('end', () => add('end'));
  }
}
