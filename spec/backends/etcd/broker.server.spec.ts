import { Etcd3 } from 'etcd3';
import { afterAll, describe, it } from 'vitest';
import { etcdBackend, etcdBroker, fromEtcd } from '../../../lib/backends/etcd/index.ts';
import { type BrokerSubject, describeBroker } from '../../../lib/testing/index.ts';
import { entryOf, type ServerName } from '../../servers/catalogue.ts';
import { newerLine } from '../../servers/etcd.ts';
import { needShared, shared } from '../../servers/shared.ts';
import { ownPrefix } from '../../support/etcd.ts';
import { recordBackend } from '../../support/recordBackend.ts';

interface Store {
  readonly client: Etcd3;
  readonly prefix: string;
}

/** The broker on a server that specs share. */
function subject(server: ServerName): BrokerSubject<Store> {
  const clients: Etcd3[] = [];
  afterAll(() => {
    for (const client of clients) client.close();
  });
  return {
    name: 'etcd',
    version: entryOf(server).version,
    capabilities: {
      ...{ write: true, ttl: true, lifetime: true, transactions: true, compareAndSwap: true, deletePrefix: true },
    },
    shortestTtl: 1_000,
    open: async () => {
      const { endpoints } = await shared(server);
      clients[0] ??= new Etcd3({ hosts: [...endpoints] });
      return { client: clients[0], prefix: ownPrefix() };
    },
    prefix: ({ prefix }) => prefix,
    broker: ({ client }, made) => etcdBroker(client, made),
    source: {
      capabilities: etcdBackend(new Etcd3({ hosts: '127.0.0.1:1' })).capabilities,
      of: ({ client }, config) => fromEtcd(client, config),
    },
    close: async ({ client, prefix }) => {
      await client.delete().prefix(prefix);
    },
  };
}

for (const server of ['etcd-3.4', newerLine] as const) {
  describe.runIf(needShared(server))(server, () => {
    describeBroker(subject(server), { describe, it, report: recordBackend });
  });
}
