import type { Etcd3, IOptions } from 'etcd3';
import { asyncScheduler } from 'rxjs';
import { FatalError } from '../../source/frames.ts';
import { isStaleToken } from './failures.ts';
import type { CallOptions, ChannelCredentials, ChannelOptions, DuplexCall, GrpcClient, Metadata } from './grpc.ts';
import { loadGrpc } from './peer.ts';
import { Sockets } from './sockets.ts';
import { encodeMessage, textField } from './wire.ts';

/** What etcd3 keeps of each host. */
interface Host {
  readonly host: string;
  readonly channelCredentials: ChannelCredentials;
  readonly channelOptions?: ChannelOptions;
  readonly closed: boolean;
}

/** As much of an etcd3 client as is used: its hosts with their credentials, and its options. */
interface Internals {
  readonly prefix: Uint8Array;
  readonly pool: { readonly hosts: readonly Host[] };
  readonly options: Pick<IOptions, 'auth' | 'defaultCallOptions'>;
}

/** A dead peer is found, an answer may be of any size, and a server that is back is found soon. The client's own options go first. */
const channelDefaults = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // A connection of one's own, which ends with the link; who has lost trust in it opens another.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};
// Not the client's choice: beyond 4 MB, the default, grpc fails for ever at the same place.
const unlimited = { 'grpc.max_receive_message_length': -1 };

/** Whether this is a client of npm etcd3, whole and not a namespace of it. */
export function isEtcdClient(client: unknown): client is Etcd3 {
  const { prefix, pool, options } = (client ?? {}) as Partial<Internals>;
  const hosts = pool?.hosts;
  const isWhole = prefix?.length === 0 && Array.isArray(hosts) && hosts.length > 0 && options !== undefined;
  return isWhole && hosts.every(({ host, channelCredentials }: Host) => typeof host === 'string' && channelCredentials);
}

/**
 * The servers and credentials of an etcd3 client, without its calls: those retry, share streams and stop behind a circuit
 * breaker, and a source has to see each failure.
 */
export class Access {
  readonly #client: Internals;
  #next = Math.floor(Math.random() * 1_000);
  /** Good for all servers. */
  #token: Promise<string> | undefined;

  constructor(client: Etcd3) {
    this.#client = client as unknown as Internals;
  }

  /** How many servers there are. */
  get size(): number {
    return this.#client.pool.hosts.length;
  }

  get isClosed(): boolean {
    return this.#client.pool.hosts.some(({ closed }) => closed);
  }

  /** To the next of the servers. @throws FatalError where the client was closed */
  connect(timeout: number): Link {
    if (this.isClosed) throw clientClosed();
    const { hosts } = this.#client.pool;
    const { host, channelCredentials, channelOptions } = hosts[this.#next++ % hosts.length]!;
    const { Client } = loadGrpc();
    const options = { ...channelDefaults, ...channelOptions, ...unlimited };
    const sockets = new Sockets();
    return new Link(this, new Client(host, sockets.of(channelCredentials), options), sockets, timeout);
  }

  /** What every call carries. */
  async metadata(link: Link): Promise<Metadata> {
    const metadata = new (loadGrpc().Metadata)();
    // A member without a leader refuses at once instead of standing still.
    metadata.set('hasleader', 'true');
    const { auth } = this.#client.options;
    if (auth === undefined) return metadata;
    const asked = this.#token ?? link.authenticate(auth.username, auth.password);
    this.#token = asked;
    // Who asks next asks anew.
    asked.catch(() => this.forget(asked));
    metadata.set('token', await asked);
    return metadata;
  }

  /** @param token only this one; another may have come meanwhile */
  forget(token: Promise<string> | undefined = this.#token): void {
    if (this.#token === token) this.#token = undefined;
  }

  /** Whatever the client adds to its calls, but for deadlines: a source has its own. */
  callOptions(service: string, method: string, isStream: boolean): CallOptions {
    const { defaultCallOptions: given } = this.#client.options;
    const context = { service, method, isStream } as Parameters<Extract<typeof given, (...args: never) => unknown>>[0];
    const { deadline: _, ...options } = (typeof given === 'function' ? given(context) : given) ?? {};
    return options;
  }
}

function clientClosed(): FatalError {
  return new FatalError('the etcd3 client was closed; unsubscribe from its sources first');
}

/** How long a call may take. */
interface CallLimits {
  /** Milliseconds; default: the one of the link. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Services of other packages come with its name. */
function pathOf(service: string, method: string): string {
  return `/${service.includes('.') ? service : `etcdserverpb.${service}`}/${method}`;
}

const same = (bytes: Buffer): Buffer => bytes;

/** A stream of messages both ways, still encoded. */
export type WatchStream = DuplexCall;

/** One connection to one server. */
export class Link {
  readonly #access: Access;
  readonly #client: GrpcClient;
  readonly #sockets: Sockets;
  readonly #timeout: number;

  constructor(access: Access, client: GrpcClient, sockets: Sockets, timeout: number) {
    this.#access = access;
    this.#client = client;
    this.#sockets = sockets;
    this.#timeout = timeout;
  }

  close(): void {
    this.#client.close();
    setImmediate(() => {
      // Again: closed within the tick in which it finds its address, grpc-js begins to connect after all, and never ends.
      this.#client.close();
      this.#sockets.close();
    });
  }

  /** One call, with a new token where the one before was refused: then nothing has been done. */
  async call(service: string, method: string, request: Uint8Array, limits: CallLimits = {}): Promise<Buffer> {
    if (this.#access.isClosed) throw clientClosed();
    try {
      return await this.#send(service, method, request, await this.#access.metadata(this), limits);
    } catch (error) {
      if (!isStaleToken(error)) throw error;
      this.#access.forget();
      return this.#send(service, method, request, await this.#access.metadata(this), limits);
    }
  }

  /** A stream for watches; errors come on the stream. */
  async watch(): Promise<WatchStream> {
    const metadata = await this.#access.metadata(this);
    const options = this.#access.callOptions('Watch', 'watch', true);
    return this.#client.makeBidiStreamRequest(pathOf('Watch', 'Watch'), same, same, metadata, options);
  }

  /** One message over a stream, and the first answer: for calls that exist as streams only. */
  async exchange(service: string, method: string, request: Uint8Array, timeout: number): Promise<Buffer> {
    const metadata = await this.#access.metadata(this);
    const options = { ...this.#access.callOptions(service, method, true), deadline: asyncScheduler.now() + timeout };
    const stream = this.#client.makeBidiStreamRequest(pathOf(service, method), same, same, metadata, options);
    return new Promise((resolve, reject) => {
      stream.on('data', resolve);
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('the stream ended without an answer')));
      stream.end(Buffer.from(request));
    });
  }

  /** @internal */
  async authenticate(name: string, password: string): Promise<string> {
    const { Metadata } = loadGrpc();
    const request = encodeMessage({ 1: name, 2: password });
    return textField(await this.#send('Auth', 'Authenticate', request, new Metadata(), {}), 2);
  }

  #send(
    service: string,
    method: string,
    request: Uint8Array,
    metadata: Metadata,
    { timeout = this.#timeout, signal }: CallLimits,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const options: CallOptions = {
        ...this.#access.callOptions(service, method, false),
        deadline: asyncScheduler.now() + timeout,
      };
      const path = pathOf(service, method);
      const answered = (error: Error | null, answer?: Buffer): void => {
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve(answer!);
        else reject(error);
      };
      const call = this.#client.makeUnaryRequest(path, same, same, Buffer.from(request), metadata, options, answered);
      const abort = (): void => call.cancel();
      signal?.addEventListener('abort', abort);
    });
  }
}
