import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { redisBackend } from '../../../lib/backends/redis/index.ts';
import { fromBackend } from '../../../lib/source/fromBackend.ts';
import { describeSource } from '../../../lib/testing/index.ts';
import ioredis from '../../../node_modules/ioredis/package.json' with { type: 'json' };
import { needServer } from '../../servers/need.ts';
import { openProxy, type TcpProxy } from '../../servers/proxy.ts';
import { redisLine } from '../../servers/redis.ts';
import { masterName, type RedisReplicas, startReplicas } from '../../servers/redisReplicas.ts';
import { recordBackend } from '../../support/recordBackend.ts';
import { until } from './follower.ts';
import { write } from './subject.ts';

const found = needServer(redisLine);
const version = `${found?.version}, ioredis ${ioredis.version}`;

let replicas: RedisReplicas;
let proxies: readonly TcpProxy[];
let writer: Client;
let places = 0;

const sentinels = () => replicas.sentinelPorts.map((port) => ({ host: '127.0.0.1', port }));

/** Goes through a proxy to whatever node the Sentinels name. */
function clientOf(): Client {
  const through = replicas.nodes.map(({ port }, index) => [
    `127.0.0.1:${port}`,
    { host: '127.0.0.1', port: proxies[index]!.port },
  ]);
  const natMap = Object.fromEntries(through) as Record<string, { host: string; port: number }>;
  return new Client({ sentinels: sentinels(), name: masterName, natMap, lazyConnect: true });
}

describe.runIf(found)('a Redis that Sentinels name', () => {
  beforeAll(async () => {
    // What is acknowledged must stay, however busy this machine is: no failover but the one that is part of the script.
    replicas = await startReplicas(5_000);
    proxies = await Promise.all(replicas.nodes.map(({ port }) => openProxy({ port })));
    writer = new Client({
      sentinels: sentinels(),
      name: masterName,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
      sentinelRetryStrategy: () => 20,
    });
    writer.on('error', () => undefined);
  }, 60_000);

  afterAll(async () => {
    writer.disconnect();
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await replicas.stop();
  });

  describeSource(
    {
      name: 'redis, Sentinels',
      version,
      capabilities: redisBackend(new Client({ lazyConnect: true })).capabilities,
      time: 'real',
      open: () => ++places,
      prefix: (place) => `source${place}/`,
      write: (_, writes) => write(writer, writes),
      source: (_, config, { observed }) =>
        fromBackend(observed(redisBackend(clientOf(), { probeInterval: 200, timeout: 300 })), config),
      faults: {
        disconnect: () => {
          for (const proxy of proxies) proxy.cut();
        },
        partition: () => {
          for (const proxy of proxies) proxy.blackHole();
          return async () => {
            for (const proxy of proxies) await proxy.heal();
          };
        },
        // The data is kept by whoever takes its place.
        restart: async () => {
          await writer.wait(2, 10_000);
          const old = await replicas.master();
          await old.kill();
          const master = await replicas.replaced(old);
          await old.start();
          // Else it believes for ten seconds that it is the master.
          await old.cli('REPLICAOF', '127.0.0.1', String(master.port));
          await until(async () => {
            const online = (await master.cli('INFO', 'replication')).match(/state=online/g)?.length ?? 0;
            return online < 2 && `${online} replicas`;
          });
        },
        pause: 'whoever stands still is replaced, and what it had been told is lost: sentinel.server.spec.ts',
        wipe: 'proven with a node; a replica set is wiped node by node',
        compact: 'Redis has no history',
      },
    },
    { describe, it, report: recordBackend },
  );
});
