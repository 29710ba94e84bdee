import { describe, expect, it, onTestFinished } from 'vitest';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { type ConsulAgent, consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { consulClient, ownConsul } from '../../support/consul.ts';
import { type Instead, type Intercepted, interceptedConsul } from '../../support/consulProxy.ts';

const long = { timeout: 30_000, interval: 20 };
const client = { lifetime: 'client' } as const;

async function between(before: (request: Intercepted, agent: ConsulAgent) => ReturnType<Before>) {
  const { agent } = await ownConsul();
  const { port, requests } = await interceptedConsul(agent, (request) => before(request, agent));
  const broker = consulBroker(consulClient(port), { codec: textCodec });
  onTestFinished(() => broker.close());
  const paths = (part: string) => requests.map(({ path }) => path).filter((path) => path.includes(part));
  return { agent, broker, paths };
}
type Before = (request: Intercepted) => Promise<Instead | undefined> | Instead | undefined;

const idsOf = async (agent: ConsulAgent) =>
  (JSON.parse((await agent.request('GET', '/v1/session/list')).body) as { readonly ID: string }[]).map(({ ID }) => ID);

describe.runIf(needServer(consulLine))("the session of lifetime 'client'", () => {
  it.each([
    ['of somebody in between', () => '404 page not found'],
    ['of a leader that does not know it yet', (id: string) => `Session id '${id}' not found`],
  ])('is not given up for a 404 %s: its keys would end with it', { timeout: 60_000 }, async (_whose, wordsOf) => {
    let strange = 0;
    const { agent, broker, paths } = await between(({ path }) => {
      const [, id] = /renew\/([^?]*)/.exec(path) ?? [];
      if (id === undefined || strange > 0) return undefined;
      strange++;
      return { status: 404, body: wordsOf(id) };
    });
    await broker.put('a', '1', client);
    const ids = await idsOf(agent);
    await expect.poll(() => paths('renew').length, long).toBe(2);
    expect([strange, new Set(paths('renew')).size, await idsOf(agent)]).toEqual([1, 1, ids]);
  });

  it('puts a key back whose put was answered after the session had been lost', { timeout: 60_000 }, async () => {
    const { agent, broker, paths } = await between(async ({ path, body }, consul) => {
      if (!path.includes('/txn') || !body.includes('"late"') || paths('create').length > 1) return undefined;
      const answer = await consul.request('PUT', path, body);
      for (const id of await idsOf(consul)) await consul.request('PUT', `/v1/session/destroy/${id}`);
      await expect.poll(() => consul.request('GET', '/v1/kv/early'), long).toMatchObject({ status: 200 });
      return answer;
    });
    await broker.put('early', '1', client);
    await broker.put('late', '1', client);
    expect(paths('create')).toHaveLength(2);
    await expect.poll(() => broker.listKeys(), long).toEqual(['early', 'late']);
    expect(await idsOf(agent)).toHaveLength(1);
  });
});
