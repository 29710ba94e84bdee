import Consul from 'consul';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { consulCapabilities, splitCapabilities } from '../../../lib/backends/consul/consulBackend.ts';
import { consulSource } from '../../../lib/backends/consul/fromConsul.ts';
import { keyFault } from '../../../lib/backends/consul/keys.ts';
import { bufferDuringResync, filterByRevision, trackPrevious } from '../../../lib/index.ts';
import { describeSource, type SourceSubject } from '../../../lib/testing/index.ts';
import { type Consul as ConsulServer, consulLine, startConsul } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { openProxy, type TcpProxy } from '../../servers/proxy.ts';
import { commit } from '../../support/consul.ts';
import { acks } from '../../support/pipelines.ts';
import { recordBackend } from '../../support/recordBackend.ts';

const found = needServer(consulLine);

let server: ConsulServer;
let stores = 0;

/** A prefix of its own in one server, reached through a proxy of its own. */
interface Store {
  readonly prefix: string;
  readonly proxy: TcpProxy;
  readonly client: Consul;
}

const agent = () => server.agents[0]!;

const quick = { wait: 500, timeout: 1_000, every: 5 };

const consul: SourceSubject<Store> = {
  name: 'consul',
  version: found?.version ?? '-',
  capabilities: consulCapabilities,
  time: 'real',
  open: async () => {
    const proxy = await openProxy({ port: agent().port });
    const client = new Consul({ host: '127.0.0.1', port: proxy.port });
    return { prefix: `c${++stores}/`, proxy, client };
  },
  prefix: ({ prefix }) => prefix,
  write: async (_, writes) => {
    await commit(agent(), writes);
    return undefined;
  },
  source: ({ client }, config, { observed }) => consulSource(client, { ...config, ...quick }, observed),
  faults: {
    disconnect: ({ proxy }) => proxy.cut(),
    partition: ({ proxy }) => {
      proxy.blackHole();
      return () => proxy.heal();
    },
    pause: () => {
      agent().pause();
      return () => agent().resume();
    },
    restart: async () => {
      await agent().kill();
      await agent().start();
    },
    wipe: async () => {
      await agent().wipe();
      await agent().start();
    },
    compact: 'Consul keeps no history',
  },
  refuses: keyFault,
  close: async ({ proxy, client }) => {
    client.destroy();
    await proxy.close();
  },
};

/** By what separates the keys of the suite, and with fewer queries than there are sub-prefixes. */
const split: SourceSubject<Store> = {
  ...consul,
  name: 'consul, split',
  capabilities: splitCapabilities,
  source: ({ client }, config, { observed }) =>
    consulSource(client, { ...config, ...quick, split: { separator: '1', queries: 2 } }, observed),
};

const four: NonNullable<SourceSubject<Store>['pipeline']> = (source, stage) =>
  source.pipe(
    stage.history.tap('source', stage.place),
    bufferDuringResync(),
    filterByRevision(),
    trackPrevious(),
    stage.history.tap('buffered'),
    acks(stage),
  );

describe.runIf(found)('fromConsul on a real server', () => {
  beforeAll(async () => {
    server = await startConsul({ servers: 1 });
  });
  afterAll(() => server.stop());

  describeSource(consul, { describe, it, report: recordBackend });
  describeSource(split, { describe, it, report: recordBackend });
  describeSource(
    { ...consul, name: 'consul, four operators', pipeline: four },
    { describe, it, report: recordBackend },
  );
});
