import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRedis, redisConfig } from '../../../lib/backends/redis/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { needServer } from '../../servers/need.ts';
import { redisLine, startRedis } from '../../servers/redis.ts';
import { startRedisCluster } from '../../servers/redisCluster.ts';
import { masterName, startReplicas } from '../../servers/redisReplicas.ts';
import { fakeSentinel } from './fakeSentinel.ts';
import { until } from './follower.ts';

/** Writes by a broker, and hears of it by a source. */
async function works(config: object): Promise<void> {
  await using redis = createRedis(await redisConfig(config));
  await redis.ready();
  const broker = redis.broker({ prefix: 'app/', codec: textCodec });
  const told: string[] = [];
  const subscription = redis.source({ prefixes: ['app/'], codec: textCodec }).subscribe((event) => {
    if (event.type === 'resync') told.push(...event.entries.items.map(({ value }) => value));
    else told.push(...event.changes.map((change) => (change.op === 'put' ? change.value : 'deleted')));
  });
  onTestFinished(() => subscription.unsubscribe());
  await broker.put('a', 'one');
  await until(() => !told.includes('one') && told);
  await broker.put('a', 'two');
  await until(() => !told.includes('two') && told);
  expect(await broker.get('a')).toMatchObject({ found: true, value: 'two' });
  subscription.unsubscribe();
}

describe.runIf(needServer(redisLine))('createRedis by a configuration of the seeds', () => {
  it('a node, with TLS, a password and a database', async () => {
    const redis = await startRedis({ tls: true, password: 'secret' });
    onTestFinished(() => redis.stop());
    const { ca, client } = redis.certificates!;
    const tls = { enabled: true, 'ca-file': ca, 'cert-file': client.cert, 'key-file': client.key };
    await works({ endpoint: `127.0.0.1:${redis.port}`, password: 'secret', db: 3, tls });
    expect(await redis.cli('-n', '3', 'GET', 'app/a')).toBe('two');
  });

  it('a node that is not there, and a password that is wrong', async () => {
    const redis = await startRedis({ password: 'secret' });
    onTestFinished(() => redis.stop());
    const endpoint = `127.0.0.1:${redis.port}`;
    const refused = createRedis({ endpoint, password: 'wrong' });
    await expect(refused.ready()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await redis.kill();
    const absent = createRedis({ endpoint, password: 'secret', dialTimeout: 300 });
    await expect(absent.ready()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await redis.start();
    await absent.ready();
    for (const each of [refused, absent]) await each.close();
    const clients = async () => (await redis.cli('CLIENT', 'LIST')).trim().split('\n').length;
    await expect.poll(clients, { timeout: 10_000 }).toBe(1);
  });

  it('Sentinels and a master with TLS', async () => {
    const redis = await startRedis({ tls: true });
    onTestFinished(() => redis.stop());
    const { ca, client, server } = redis.certificates!;
    const files = { ca: readFileSync(ca), cert: readFileSync(server.cert), key: readFileSync(server.key) };
    const { port } = await fakeSentinel(redis.port, { ...files, requestCert: true });
    const tls = { enabled: true, 'ca-file': ca, 'cert-file': client.cert, 'key-file': client.key };
    await works({ endpoints: [`127.0.0.1:${port}`], 'master-name': 'm', tls });
  });

  it('Sentinels', async () => {
    const replicas = await startReplicas();
    onTestFinished(() => replicas.stop());
    await works({ endpoints: replicas.sentinelPorts.map((port) => `127.0.0.1:${port}`), 'master-name': masterName });
  });

  it('a cluster', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    await works({ endpoints: cluster.endpoints.map(({ host, port }) => `${host}:${port}`) });
  });
});
