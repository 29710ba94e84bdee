import Consul from 'consul';
import type { Subscription } from 'rxjs';
import { onTestFinished } from 'vitest';
import { fromConsul } from '../../lib/backends/consul/fromConsul.ts';
import type { FromConsulConfig } from '../../lib/backends/consul/options.ts';
import { textCodec } from '../../lib/codecs/textCodec.ts';
import type { RawWrite } from '../../lib/model/broker.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceStatus } from '../../lib/model/status.ts';
import { notation } from '../../lib/testing/index.ts';
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

/** What a subscription saw: the reason of each resync, and each change in the notation; its view, and how small that ever was. */
export class ConsulView {
  readonly told: string[] = [];
  readonly statuses: SourceStatus[] = [];
  values: Readonly<Record<string, string>> | undefined;
  smallest = Infinity;
  /** Of the last event: keys, and the codes of their errors. */
  rejected: readonly (readonly [key: string, code: string])[] = [];
  error: unknown;
  readonly subscription: Subscription;

  /** @param consumer what is done with each event */
  constructor(
    client: Consul,
    config: Partial<FromConsulConfig<string>> = {},
    consumer: (event: DatasyncEvent<string>) => void = () => undefined,
  ) {
    const source = fromConsul(client, {
      prefixes: ['a/'],
      codec: textCodec,
      wait: 500,
      timeout: 1_000,
      every: 5,
      retry: { delay: 20, maxDelay: 100 },
      statusObserver: { next: (status) => this.statuses.push(status) },
      ...config,
    });
    this.subscription = source.subscribe({
      next: (event) => {
        this.#take(event);
        consumer(event);
      },
      error: (error) => (this.error = error),
    });
    onTestFinished(() => this.subscription.unsubscribe());
  }

  /** What the status says is amiss now: the code of the error. */
  get stale(): unknown {
    return (this.statuses.at(-1)?.stale?.cause as { code?: unknown } | undefined)?.code;
  }

  #take(event: DatasyncEvent<string>): void {
    this.told.push(event.type === 'resync' ? event.reason : notation.format(event));
    this.rejected = event.rejected.map(({ key, error }) => [key, error.code]);
    const values = new Map(event.type === 'resync' ? [] : Object.entries(this.values!));
    if (event.type === 'resync') for (const { key, value } of event.entries.items) values.set(key, value);
    else
      for (const change of event.changes)
        change.op === 'put' ? values.set(change.key, change.value) : values.delete(change.key);
    this.values = Object.fromEntries(values);
    this.smallest = Math.min(this.smallest, values.size);
  }
}
