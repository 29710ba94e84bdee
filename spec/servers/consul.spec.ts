import { describe, expect, it, onTestFinished } from 'vitest';
import { entryOf } from './catalogue.ts';
import { type ConsulOptions, consulLine, startConsul } from './consul.ts';
import { needServer } from './need.ts';

async function consul(options?: ConsulOptions) {
  const server = await startConsul(options);
  onTestFinished(() => server.stop());
  return { server, agent: server.agents[0]! };
}

describe.runIf(needServer(consulLine))('a Consul of its own', () => {
  it('in dev mode answers, and forgets by a crash', async () => {
    const { server, agent } = await consul();
    expect(server.version).toBe(entryOf(consulLine).version);
    await agent.request('PUT', '/v1/kv/a', '1');
    expect((await agent.request('GET', '/v1/kv/a?raw')).body).toBe('1');
    await agent.kill();
    await agent.start();
    expect((await agent.request('GET', '/v1/kv/a?raw')).status).toBe(404);
  });

  it('as a server keeps its data over a crash, and loses it by a wipe', async () => {
    const { agent } = await consul({ servers: 1 });
    await agent.request('PUT', '/v1/kv/a', '1');
    await agent.kill();
    await agent.start();
    expect((await agent.request('GET', '/v1/kv/a?raw')).body).toBe('1');
    await agent.wipe();
    await agent.start();
    expect((await agent.request('GET', '/v1/kv/a?raw')).status).toBe(404);
  });

  it('of three servers agrees on what was written', async () => {
    const { server } = await consul({ servers: 3 });
    const [one, , three] = server.agents;
    await one!.request('PUT', '/v1/kv/a', '1');
    expect((await three!.request('GET', '/v1/kv/a?raw&consistent')).body).toBe('1');
  });

  it('with ACLs refuses who has no token', async () => {
    const { agent } = await consul({ acl: true });
    await agent.request('PUT', '/v1/kv/a', '1');
    expect((await agent.request('GET', '/v1/kv/a?raw')).body).toBe('1');
    expect((await agent.request('GET', '/v1/kv/a?raw', undefined, { 'X-Consul-Token': '' })).status).toBe(403);
  });

  it('with TLS wants a certificate', async () => {
    const { agent } = await consul({ tls: true });
    await agent.request('PUT', '/v1/kv/a', '1');
    expect((await agent.request('GET', '/v1/kv/a?raw')).body).toBe('1');
    await expect(fetch(`https://127.0.0.1:${agent.port}/v1/kv/a`)).rejects.toThrow();
  });
});
