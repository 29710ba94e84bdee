import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { needServer } from '../servers/need.ts';
import { startRedis } from '../servers/redis.ts';
import { startRedisCluster } from '../servers/redisCluster.ts';
import { startReplicas } from '../servers/redisReplicas.ts';
import { read } from '../support/imports.ts';
import { Program } from '../support/program.ts';

const shown = () => /^```\n(0 contacts.*?)^```/ms.exec(read('examples/redis-simple/README.md'))![1];

/** Runs the example on one of its configurations, with the addresses of servers that are there. */
function started(file: string, ports: readonly number[], more = ''): Program {
  const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-conf-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const addresses = ports.map((port) => `127.0.0.1:${port}`).join(', ');
  const text = read(`examples/redis-simple/${file}`)
    .replace(/^endpoint: .*/m, `endpoint: ${addresses}`)
    .replace(/^endpoints: .*/m, `endpoints: [${addresses}]`);
  const path = join(directory, file);
  writeFileSync(path, `${text}${more}`);
  return new Program('redis-simple/main.ts', ['--redis-config', path], {});
}

describe.runIf(needServer('redis-7'))('examples/redis-simple', { timeout: 120_000 }, () => {
  it('prints what its page shows on a node, as often as one likes, and leaves nothing behind', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    for (let round = 0; round < 2; round++) {
      const program = started('node.conf', [redis.port]);
      expect([await program.end(), program.printed]).toEqual([0, shown()]);
    }
    expect(await redis.cli('DBSIZE')).toBe('0');
  });

  it('and the same with Sentinels', async () => {
    const replicas = await startReplicas();
    onTestFinished(() => replicas.stop());
    const program = started('sentinel.conf', replicas.sentinelPorts);
    expect([await program.end(), program.printed]).toEqual([0, shown()]);
  });

  it('and in a cluster', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const ports = cluster.endpoints.map(({ port }) => port);
    const program = started('cluster.conf', ports.slice(0, 3));
    expect([await program.end(), program.printed]).toEqual([0, shown()]);
  });

  it('says in one line that the password is wrong, or that nobody is there', async () => {
    const redis = await startRedis({ password: 'secret' });
    onTestFinished(() => redis.stop());
    const denied = started('node.conf', [redis.port], 'password: guess\n');
    expect([await denied.end(), denied.printed]).toEqual([
      1,
      expect.stringMatching(/^\[rx-datasync\/redis\] .*WRONGPASS.*\n$/),
    ]);
    const absent = new Program('redis-simple/main.ts', [], { REDIS_ENDPOINT: '127.0.0.1:1' });
    expect([await absent.end(), absent.printed]).toEqual([
      1,
      expect.stringMatching(/^\[rx-datasync\/redis\] .*ECONNREFUSED.*\n$/),
    ]);
  });
});
