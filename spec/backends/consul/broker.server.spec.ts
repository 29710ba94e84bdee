import Consul from 'consul';
import { afterAll, describe, it } from 'vitest';
import { consulCapabilities } from '../../../lib/backends/consul/consulBackend.ts';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { fromConsul } from '../../../lib/backends/consul/fromConsul.ts';
import { keyFault } from '../../../lib/backends/consul/keys.ts';
import { type BrokerSubject, describeBroker } from '../../../lib/testing/index.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { shared } from '../../servers/shared.ts';
import { recordBackend } from '../../support/recordBackend.ts';

interface Store {
  readonly client: Consul;
  readonly prefix: string;
}

const found = needServer(consulLine);
const clients: Consul[] = [];
let stores = 0;

const consul: BrokerSubject<Store> = {
  name: 'consul',
  version: found?.version ?? '-',
  capabilities: {
    write: true,
    ttl: true,
    lifetime: true,
    transactions: true,
    compareAndSwap: true,
    deletePrefix: true,
  },
  // A delete has none.
  revisions: false,
  shortestTtl: 10_000,
  open: async () => {
    const { endpoints } = await shared(consulLine);
    const { hostname, port } = new URL(endpoints[0]!);
    clients[0] ??= new Consul({ host: hostname, port: Number(port) });
    return { client: clients[0], prefix: `broker${++stores}/` };
  },
  prefix: ({ prefix }) => prefix,
  broker: ({ client }, made) => consulBroker(client, made),
  source: { capabilities: consulCapabilities, of: ({ client }, config) => fromConsul(client, { ...config, every: 5 }) },
  refuses: keyFault,
};

describe.runIf(found)('consulBroker on a real server', () => {
  afterAll(() => clients[0]?.destroy());

  describeBroker(consul, { describe, it, report: recordBackend });
});
