import Consul from 'consul';
import { onTestFinished } from 'vitest';
import type { RawWrite } from '../../lib/model/broker.ts';
import { type ConsulAgent, type ConsulOptions, startConsul } from '../servers/consul.ts';
import { openProxy, type TcpProxy } from '../servers/proxy.ts';

type ClientOptions = ConstructorParameters<typeof Consul>[0];

/** A client of npm `consul` that is destroyed with the test. */
export function consulClient(port: number, more: ClientOptions = {}): Consul {
  const client = new Consul({ host: '127.0.0.1', port, ...more });
  onTestFinished(() => client.destroy());
  return client;
}

/** A Consul of its own, stopped with the test. */
export async function ownConsul(options: ConsulOptions = {}) {
  const server = await startConsul(options);
  onTestFinished(() => server.stop());
  return { server, agent: server.agents[0]!, agents: server.agents, token: server.token! };
}

/** The same, behind a proxy. */
export async function proxied(agent: ConsulAgent): Promise<TcpProxy> {
  const proxy = await openProxy({ port: agent.port });
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Writes all of it in one transaction, or nothing. */
export async function commit(agent: ConsulAgent, writes: readonly RawWrite[]): Promise<void> {
  if (writes.length === 0) return;
  const operations = writes.map((write) => ({
    KV:
      write.op === 'delete'
        ? { Verb: 'delete', Key: write.key }
        : { Verb: 'set', Key: write.key, Value: Buffer.from(write.value).toString('base64') },
  }));
  const { status, body } = await agent.request('PUT', '/v1/txn', JSON.stringify(operations));
  if (status !== 200) throw new Error(`the writes were refused: ${status} ${body}`);
}

/** Puts texts, and with `undefined` deletes, in transactions of 64. */
export async function write(agent: ConsulAgent, values: Readonly<Record<string, string | undefined>>): Promise<void> {
  const all = Object.entries(values).map(([key, value]): RawWrite => {
    return value === undefined ? { op: 'delete', key } : { op: 'put', key, value: Buffer.from(value) };
  });
  for (let start = 0; start < all.length; start += 64) await commit(agent, all.slice(start, start + 64));
}
