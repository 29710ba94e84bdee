import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { merge } from 'rxjs';
import { etcdBackend } from '../../lib/backends/etcd/etcdBackend.ts';
import { listEtcd, watchEtcd } from '../../lib/backends/etcd/halves.ts';
import type { EtcdOptions } from '../../lib/backends/etcd/sourceOptions.ts';
import type { RawWrite } from '../../lib/model/broker.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import type { SourceSubject } from '../../lib/testing/index.ts';
import type { Etcd } from '../servers/etcd.ts';
import { openProxy, type TcpProxy } from '../servers/proxy.ts';
import { byHand } from './pipelines.ts';

/** Looks often, so that nothing has to be waited for. */
export const quickly: EtcdOptions = { probeInterval: 200, timeout: 1_500 };

/** A client without retries and circuit breakers, which finds a server that is back at once. */
export function plainClient(hosts: string | string[], more: Partial<IOptions> = {}): Etcd3 {
  return new Etcd3({
    hosts,
    faultHandling: { host: () => noop, global: noop },
    grpcOptions: { 'grpc.initial_reconnect_backoff_ms': 20, 'grpc.max_reconnect_backoff_ms': 100 },
    ...more,
  });
}

/** Writes everything in one transaction. @returns its revision */
export async function transact(client: Etcd3, writes: readonly RawWrite[]): Promise<number> {
  const success = writes.map((write) => {
    const key = Buffer.from(write.key);
    return write.op === 'put'
      ? { request_put: { key, value: Buffer.from(write.value) } }
      : { request_delete_range: { key } };
  });
  const { header } = await client.kv.txn({ compare: [], success, failure: [] });
  return Number(header.revision);
}

/** Resolves when the server answers again. */
export async function answers(client: Etcd3): Promise<void> {
  for (;;) {
    const isThere = await client.get('is it there').then(
      () => true,
      () => false,
    );
    if (isThere) return;
  }
}

/** One scenario's part of a server: a prefix of its own, reached through a proxy of its own. */
export interface EtcdStore {
  readonly prefix: string;
  readonly proxy: TcpProxy;
  /** Through the proxy: the source's. */
  readonly client: Etcd3;
}

/** The four operators over the halves: all that only a loop can do is not theirs. */
export function handMadeEtcd(server: () => Promise<Etcd>): SourceSubject<EtcdStore> {
  return {
    ...etcdSubject('etcd, list and watch by hand', server),
    ...byHand,
    source: ({ client }, { prefixes, codec }) => {
      const config = { prefixes: prefixes as readonly string[], codec };
      return merge(watchEtcd(client, config), listEtcd(client, config));
    },
  };
}

let stores = 0;

/** A real server under the conformance suite; it may be killed, stopped and wiped between and within scenarios. */
export function etcdSubject(name: string, server: () => Promise<Etcd>): SourceSubject<EtcdStore> {
  let writer: Etcd3 | undefined;
  // One after the other: what the script writes at once must come to the server in that order.
  let writing: Promise<unknown> = Promise.resolve();
  const member = async () => (await server()).members[0]!;
  const direct = async (): Promise<Etcd3> => {
    writer ??= plainClient((await member()).endpoint);
    return writer;
  };
  return {
    name,
    capabilities: etcdBackend(plainClient('127.0.0.1:1')).capabilities,
    time: 'real',
    open: async () => {
      const proxy = await openProxy({ port: (await member()).port });
      stores += 1;
      return { prefix: `conformance-${stores}/`, proxy, client: plainClient(proxy.address) };
    },
    prefix: ({ prefix }) => prefix,
    write: (_, writes) => {
      const written = writing.then(async () => transact(await direct(), writes));
      writing = written.catch(() => undefined);
      return written;
    },
    source: ({ client }, config, { observed }) => fromBackend(observed(etcdBackend(client, quickly)), config),
    close: async ({ client, proxy }) => {
      client.close();
      await proxy.close();
    },
    faults: {
      disconnect: ({ proxy }) => proxy.cut(),
      partition: ({ proxy }) => {
        proxy.blackHole();
        return () => proxy.heal();
      },
      pause: async () => {
        const paused = await member();
        paused.pause();
        return () => paused.resume();
      },
      restart: async () => {
        const killed = await member();
        await killed.kill();
        await killed.start();
        await answers(await direct());
      },
      wipe: async () => {
        const wiped = await member();
        await wiped.wipe();
        await wiped.start();
        await answers(await direct());
      },
      backup: async () => {
        const etcd = await server();
        const path = await etcd.backup();
        return async () => {
          await etcd.restore(path);
          await answers(await direct());
        };
      },
      compact: async () => {
        const client = await direct();
        const { header } = await client.kv.range({ key: Buffer.from('now') });
        await client.kv.compact({ revision: header.revision });
      },
    },
  };
}
