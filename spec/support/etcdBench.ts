import type { Etcd3, IOptions } from 'etcd3';
import { expect, onTestFinished } from 'vitest';
import { fromEtcd } from '../../lib/backends/etcd/fromEtcd.ts';
import type { FromEtcdConfig } from '../../lib/backends/etcd/sourceOptions.ts';
import { textCodec } from '../../lib/codecs/textCodec.ts';
import { type Etcd, type EtcdMember, type EtcdOptions, startEtcd } from '../servers/etcd.ts';
import { openProxy, type TcpProxy } from '../servers/proxy.ts';
import { plainClient, quickly } from './etcdSubject.ts';
import { Follower, until } from './follower.ts';

/** A server of its own, a link to it that can be broken, and a client that goes straight to it. */
export class EtcdBench {
  readonly etcd: Etcd;
  readonly proxy: TcpProxy;
  readonly client: Etcd3;

  static async start(options: EtcdOptions = {}, clientOptions: Partial<IOptions> = {}): Promise<EtcdBench> {
    const etcd = await startEtcd(options);
    onTestFinished(() => etcd.stop());
    const proxy = await openProxy({ port: etcd.members[0]!.port });
    onTestFinished(() => proxy.close());
    return new EtcdBench(etcd, proxy, clientOptions);
  }

  private constructor(etcd: Etcd, proxy: TcpProxy, clientOptions: Partial<IOptions>) {
    this.etcd = etcd;
    this.proxy = proxy;
    this.client = this.connect([...etcd.endpoints], clientOptions);
  }

  get member(): EtcdMember {
    return this.etcd.members[0]!;
  }

  /** A client that is closed with the test. */
  connect(hosts: string | string[], options: Partial<IOptions> = {}): Etcd3 {
    const client = plainClient(hosts, options);
    onTestFinished(() => client.close());
    return client;
  }

  /** Puts, and with `undefined` deletes. @returns the revision */
  async put(key: string, value: string | undefined): Promise<number> {
    const { client } = this;
    const done =
      value === undefined ? await client.delete().key(key).exec() : await client.put(key).value(value).exec();
    return Number(done.header.revision);
  }

  async putAll(values: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(values)) await this.put(key, value);
  }

  compact(revision: number): Promise<unknown> {
    return this.client.kv.compact({ revision: String(revision), physical: true });
  }

  /** Follows the keys under `a/` over the link, or as `client` connects. */
  follow(config: Partial<FromEtcdConfig<string>> = {}, client?: Etcd3): Follower<string> {
    const source = client ?? this.connect(this.proxy.address);
    return Follower.of((statusObserver) =>
      fromEtcd(source, {
        ...quickly,
        prefixes: ['a/'],
        retry: { delay: 20, maxDelay: 100 },
        statusObserver,
        ...config,
        codec: textCodec,
      }),
    );
  }

  /** Cuts the link off; the follower has found out when this resolves. */
  async away(follower: Follower<string>): Promise<void> {
    await this.proxy.refuse();
    await until(() => expect(follower.status?.state).toBe('backoff'));
  }
}

/** Two keys, for a start. */
export const two: Readonly<Record<string, string>> = { 'a/1': 'one', 'a/2': 'two' };

/** With two keys that a follower holds. */
export async function following(
  options: EtcdOptions = {},
  config: Partial<FromEtcdConfig<string>> = {},
): Promise<EtcdBench & { readonly follower: Follower<string> }> {
  const bench = await EtcdBench.start(options);
  await bench.putAll(two);
  const follower = bench.follow(config);
  await follower.holds(two);
  return Object.assign(bench, { follower });
}
