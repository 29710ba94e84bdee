import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { type Consul, type ConsulAgent, startConsul } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { consulClient } from '../../support/consul.ts';
import { type Instead, type Intercepted, interceptedConsul } from '../../support/consulProxy.ts';

let server: Consul;
let agent: ConsulAgent;

/** A broker whose requests a test may hold up or answer otherwise. */
async function own(before: (request: Intercepted) => Promise<Instead | undefined> | Instead | undefined) {
  const { port, requests } = await interceptedConsul(agent, before);
  const brokerAt = (port: number) => {
    const broker = consulBroker(consulClient(port), { codec: textCodec });
    onTestFinished(() => broker.close());
    return broker;
  };
  return { requests, broker: brokerAt(port), other: brokerAt(agent.port) };
}

async function stored(key: string): Promise<string | undefined> {
  const { status, body } = await agent.request('GET', `/v1/kv/${key}?raw`);
  return status === 200 ? body : undefined;
}

async function endSessions(): Promise<void> {
  const sessions = JSON.parse((await agent.request('GET', '/v1/session/list')).body) as readonly { ID: string }[];
  for (const { ID } of sessions) await agent.request('PUT', `/v1/session/destroy/${ID}`);
}

const code = (code: string) => expect.objectContaining({ name: 'DatasyncError', code });
const nothingDone = expect.objectContaining({ code: expect.stringMatching(/^(CONNECTION_LOST|ACCESS_DENIED)$/) });
const large = 'y'.repeat(500_000);
const isRelease = ({ path, body }: Intercepted): boolean => body.includes('check-index') || path.includes('release=');

const failures: readonly Instead[] = [
  'drop',
  { status: 500, body: 'No cluster leader' },
  { status: 403, body: 'Permission denied' },
];

describe.runIf(needServer('consul-1.8'))('what consulBroker says of a write is so', () => {
  beforeAll(async () => {
    server = await startConsul();
    agent = server.agents[0]!;
  });
  beforeEach(() => agent.request('DELETE', '/v1/kv/?recurse'));
  afterAll(() => server.stop());

  it.each(failures)(
    'a large value is not in the store where nothing was done: %o to all but the write',
    async (how) => {
      const { broker } = await own(({ path }) => (path.startsWith('/v1/txn') ? how : undefined));
      await agent.request('PUT', '/v1/kv/big', 'old');
      await expect(broker.put('big', large)).rejects.toEqual(nothingDone);
      expect(await stored('big')).toBe('old');
      expect(await broker.compareAndSwap('big', 'old', large)).toEqual({ swapped: true });
    },
  );

  it.each(failures)(
    'a put that may still vanish with a session is not known to be done: %o to its release',
    async (how) => {
      const { broker, other } = await own((request) => (isRelease(request) ? how : undefined));
      await other.put('k', '1', { ttl: 60_000 });
      await expect(broker.put('k', '2')).rejects.toEqual(code('OUTCOME_UNKNOWN'));
      expect(await stored('k')).toBe('2');
      await other.put('l', '1', { ttl: 60_000 });
      await expect(broker.txn().put('l', '2').put('m', '2').commit()).rejects.toThrow('is written');
      expect(await stored('m')).toBe('2');
    },
  );

  it.each<[string, string]>([
    ['a small value', '2'],
    ['a large one', large],
  ])('%s stays also where the session that held its key ends meanwhile', async (_, value) => {
    const ending: string[] = [];
    const { broker, other } = await own(async (request) => {
      if (!isRelease(request)) return undefined;
      ending.push(request.path);
      await endSessions();
      return undefined;
    });
    await other.put('k', '1', { ttl: 60_000 });
    await broker.put('k', value);
    expect(await stored('k')).toBe(value);
    expect(ending).not.toEqual([]);
  });

  it('what somebody else wrote or deleted before the key was released stays so', async () => {
    const then: [string, string, string?][] = [];
    const { broker, other } = await own(async (request) => {
      if (isRelease(request)) for (const some of then.splice(0)) await agent.request(...some);
      return undefined;
    });
    const keys = ['k', 'l', 'm', 'n'] as const;
    for (const key of keys) await other.put(key, '1', { ttl: 60_000 });
    then.push(['PUT', '/v1/kv/k', 'newer']);
    await broker.put('k', '2');
    expect(await stored('k')).toBe('newer');
    then.push(['DELETE', '/v1/kv/l']);
    await broker.put('l', '2');
    expect(await stored('l')).toBe(undefined);
    then.push(['PUT', '/v1/kv/m', 'newer']);
    expect(await broker.compareAndSwap('m', '1', large)).toEqual({ swapped: false });
    expect(await stored('m')).toBe('newer');
    then.push(['DELETE', '/v1/kv/n']);
    expect(await broker.compareAndSwap('n', '1', large)).toEqual({ swapped: false });
    expect(then).toEqual([]);
  });

  it('a large value is written in one step over one that a session holds', async () => {
    const { broker, other, requests } = await own(() => undefined);
    await other.put('k', '1', { ttl: 60_000 });
    await broker.put('k', large);
    await endSessions();
    expect(await stored('k')).toBe(large);
    expect(requests.filter(({ method, path }) => method === 'PUT' && path.startsWith('/v1/kv/'))).toHaveLength(1);
  });
});
