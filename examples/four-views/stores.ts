import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, jsonCodec, type Source, type SourceStatus } from 'rx-datasync';
import { findConfig } from 'rx-datasync/config';
import { consulConfig, createConsul } from 'rx-datasync/consul';
import { createEtcd, etcdConfig } from 'rx-datasync/etcd';
import { createFiles } from 'rx-datasync/files';
import { createRedis, redisConfig } from 'rx-datasync/redis';
import type { Observer } from 'rxjs';
import type { Changes, Tree } from './steps.ts';

/** Before all keys: what else is in the stores is left alone. */
export const prefix = 'rx-datasync/four-views/';

const codec = jsonCodec<string>();

/** One of the four: whichever it is, its tree is watched and written alike. Disposing of it takes the tree out of it. */
export interface Store extends AsyncDisposable {
  readonly name: string;
  watch(statusObserver: Partial<Observer<SourceStatus>>): Source<string>;
  /** @param tree what there is then, for who cannot write less */
  write(changes: Changes, tree: Tree): Promise<unknown>;
}

type Watching = { prefixes: string[]; codec: typeof codec; statusObserver: Partial<Observer<SourceStatus>> };
type Made = AsyncDisposable & {
  source(config: Watching): Source<string>;
  broker(config: { prefix: string; codec: typeof codec }): Broker<string>;
};

/** Each by its configuration file (`etcd.conf`, `ETCD_CONFIG` …), by its environment variable, or at its usual port. */
export async function makeStores(): Promise<readonly Store[]> {
  const [etcd, redis, consul] = ['etcd', 'redis', 'consul'].map((name) => findConfig(name));
  const endpoint = process.env['REDIS_ENDPOINT'] ?? '127.0.0.1:6379';
  return [
    served('etcd', createEtcd(etcd === undefined ? {} : await etcdConfig(etcd))),
    served('Redis', createRedis(await redisConfig(redis ?? { endpoint }))),
    served('Consul', createConsul(consul === undefined ? {} : await consulConfig(consul))),
    await inFiles(),
  ];
}

function served(name: string, store: Made): Store {
  const broker = store.broker({ prefix, codec });
  return {
    name,
    watch: (statusObserver) => store.source({ prefixes: [prefix], codec, statusObserver }),
    write: (changes) => {
      const txn = broker.txn();
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined) txn.delete(key);
        else txn.put(key, value);
      }
      return txn.commit();
    },
    [Symbol.asyncDispose]: async () => {
      // One that is away keeps what it has, until the next run.
      await broker.deletePrefix('').catch(() => undefined);
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Files are written by whoever likes to: here by us, one file, replaced in one step. */
async function inFiles(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'four-views-'));
  const files = createFiles({ paths: [directory] });
  return {
    name: 'files',
    watch: (statusObserver) => files.source<string>({ prefixes: [prefix], codec, statusObserver }),
    write: async (_, tree) => {
      const data = Object.entries(tree).map(([key, value]) => ({ key: prefix + key, value }));
      await writeFile(join(directory, 'tree.tmp'), JSON.stringify({ data }));
      await rename(join(directory, 'tree.tmp'), join(directory, 'tree.json'));
    },
    [Symbol.asyncDispose]: async () => {
      await files.close();
      await rm(directory, { recursive: true });
    },
  };
}
