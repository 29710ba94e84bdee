import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { type Consul, type ConsulAgent, consulLine, startConsul } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { consulClient, ownConsul } from '../../support/consul.ts';
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

const soon = { timeout: 30_000, interval: 10 };
const code = (code: string) => expect.objectContaining({ name: 'DatasyncError', code });
const nothingDone = expect.objectContaining({ code: expect.stringMatching(/^(CONNECTION_LOST|ACCESS_DENIED)$/) });
const large = 'y'.repeat(500_000);
const isRelease = ({ path, body }: Intercepted): boolean => body.includes('check-index') || path.includes('release=');

const failures: readonly Instead[] = [
  'drop',
  { status: 500, body: 'No cluster leader' },
  { status: 403, body: 'Permission denied' },
];

describe.runIf(needServer(consulLine))('what consulBroker says of a write is so', () => {
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

  it('a lock of another program is not broken, nor the key bound to another session', async () => {
    const { broker } = await own(() => undefined);
    const created = await agent.request('PUT', '/v1/session/create', '{"Behavior": "delete"}');
    const { ID } = JSON.parse(created.body) as { readonly ID: string };
    const holder = async (key: string) => JSON.parse((await agent.request('GET', `/v1/kv/${key}`)).body)[0].Session;
    for (const key of ['k', 'l']) await agent.request('PUT', `/v1/kv/${key}?acquire=${ID}`, 'theirs');
    await broker.put('k', '1');
    await broker.txn().put('k', '2').commit();
    expect(await broker.compareAndSwap('k', '2', '3')).toMatchObject({ swapped: true });
    expect(await broker.compareAndSwap('k', '3', large)).toMatchObject({ swapped: true });
    await broker.put('k', `${large}.`);
    expect([await stored('k'), await holder('k')]).toEqual([`${large}.`, ID]);
    for (const options of [{ ttl: 60_000 }, { lifetime: 'client' }] as const) {
      await expect(broker.put('l', '1', options)).rejects.toThrow('"l" is held by a session of another program');
      await expect(broker.txn().put('m', '1', options).put('l', '1', options).commit()).rejects.toEqual(
        code('REFUSED'),
      );
      await expect(broker.compareAndSwap('l', 'theirs', '1', options)).rejects.toEqual(code('REFUSED'));
    }
    expect([await stored('l'), await holder('l'), await stored('m')]).toEqual(['theirs', ID, undefined]);
  });

  it('a key is bound anew, whoever of us had bound it, as often as one likes', async () => {
    const { broker, other } = await own(() => undefined);
    const all = (['ttl', 'lifetime'] as const).map((how) =>
      how === 'ttl' ? { ttl: 60_000 } : { lifetime: 'client' as const },
    );
    for (const [n, options] of [...all, ...all, ...all].entries()) {
      await (n % 3 === 0 ? other : broker).put('k', `${n}`, options);
      expect(await stored('k')).toBe(`${n}`);
    }
    const txn = broker.txn();
    for (let n = 0; n < 32; n++) await other.put(`many${n}`, '1', { lifetime: 'client' });
    for (let n = 0; n < 32; n++) txn.put(`many${n}`, '2', { lifetime: 'client' });
    await txn.commit();
    await other.close();
    expect(await broker.listKeys({ prefix: 'many' })).toHaveLength(32);
  });

  it('what Consul does not let anybody lock for a while is refused at once, not tried without end', async () => {
    const { broker, requests } = await own(() => undefined);
    const created = await agent.request('PUT', '/v1/session/create', '{"Behavior": "delete", "LockDelay": "60s"}');
    const { ID } = JSON.parse(created.body) as { readonly ID: string };
    await agent.request('PUT', `/v1/kv/lead?acquire=${ID}`, 'theirs');
    await agent.request('PUT', `/v1/session/destroy/${ID}`);
    for (const options of [{ ttl: 60_000 }, { lifetime: 'client' }] as const) {
      await expect(broker.putIfNotExists('lead', 'me', options)).rejects.toEqual(code('REFUSED'));
      await expect(broker.put('lead', 'me', options)).rejects.toThrow(/lock.delay/);
    }
    expect(requests.length).toBeLessThan(20);
    expect(await broker.putIfNotExists('lead', 'me')).toMatchObject({ created: true });
  });

  it('compare and swap tries again as long as somebody else is faster', async () => {
    let rounds = 0;
    const { broker } = await own(async ({ body }) => {
      if (body.includes('cas') && ++rounds < 5) await agent.request('PUT', '/v1/kv/k', '1');
      return undefined;
    });
    await agent.request('PUT', '/v1/kv/k', '1');
    expect(await broker.compareAndSwap('k', '1', '2')).toMatchObject({ swapped: true });
    rounds = 0;
    expect(await broker.compareAndSwap('k', '2', '3', { ttl: 60_000 })).toEqual({ swapped: false });
    expect(await broker.compareAndDelete('k', '1')).toEqual({ deleted: true });
    expect(rounds).toBe(2);
  });

  it('a deletion that was answered stays one while a lost session is put back, also where both are under way', async () => {
    const deletions = new Map<string, () => Promise<unknown>>([
      ['alone', () => broker.delete('alone')],
      ['in a txn', () => broker.txn().delete('in a txn').commit()],
      ['with/others', () => broker.deletePrefix('with/')],
    ]);
    const deleting: Promise<unknown>[] = [];
    let isLost = false;
    const { broker } = await own(async ({ body }) => {
      if (!isLost) return undefined;
      const [key] = [...deletions.keys()].filter((key) => body.includes('"cas"') && body.includes(`"${key}"`));
      if (key !== undefined) {
        deleting.push(deletions.get(key)!());
        deletions.delete(key);
        // A deletion that is sent now is done before the key comes back.
        for (let n = 0; n < 20; n++) await broker.get('other');
      }
      if (!body.includes('"delete"') || !body.includes('"slow"')) return undefined;
      // It is done, and nobody knows of it before others have come back.
      await agent.request('DELETE', '/v1/kv/slow');
      await expect.poll(async () => [await stored('next'), await stored('last')], soon).toEqual(['1', '1']);
      return { status: 200, body: '{"Results": [], "Errors": null}' };
    });
    for (const key of ['slow', ...deletions.keys(), 'last']) await broker.put(key, '1', { lifetime: 'client' });
    isLost = true;
    deleting.push(broker.delete('slow'));
    await expect.poll(() => stored('slow'), soon).toBe(undefined);
    await endSessions();
    // By this it learns of it.
    await broker.put('next', '1', { lifetime: 'client' });
    await expect.poll(() => deleting.length, soon).toBe(4);
    await Promise.all(deleting);
    expect(await broker.listKeys()).toEqual(['last', 'next']);
  });

  it('what was perhaps written otherwise is not put back when the session is lost, but what was certainly not', async () => {
    let instead: Instead | undefined;
    const { broker } = await own(({ method, path }) =>
      method === 'PUT' && /^\/v1\/(txn|kv)/.test(path) && !path.includes('consistent') ? instead : undefined,
    );
    const ways: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
      'a delete': (key) => broker.delete(key),
      'b put': (key) => broker.put(key, 'new'),
      'c txn': (key) => broker.txn().delete(key).put('c', '1').commit(),
      'd prefix': (key) => broker.deletePrefix(key),
      'e swap': (key) => broker.compareAndSwap(key, '1', 'new'),
      'f compare': (key) => broker.compareAndDelete(key, '1'),
      'g bound': (key) => broker.put(key, 'new', { lifetime: 'client' }),
    };
    const all = Object.entries(ways);
    const rounds: readonly (readonly [string, Instead])[] = [
      ['perhaps', { status: 500, body: 'a proxy', done: true }],
      ['refused', { status: 403, body: 'Permission denied' }],
    ];
    for (const [what] of rounds)
      for (const [way] of all) await broker.put(`${what} ${way}`, '1', { lifetime: 'client' });
    await broker.put('last', '1', { lifetime: 'client' });
    for (const [what, answer] of rounds) {
      instead = answer;
      for (const [way, run] of all)
        await expect(run(`${what} ${way}`)).rejects.toEqual(
          code(what === 'perhaps' ? 'OUTCOME_UNKNOWN' : 'ACCESS_DENIED'),
        );
      instead = undefined;
    }
    await endSessions();
    await broker.put('next', '1', { lifetime: 'client' });
    await expect.poll(() => stored('last'), soon).toBe('1');
    const refused = all.map(([way]) => `refused ${way}`);
    const back = (await broker.list()).map(({ key, value }) => `${key}:${value}`);
    // That swap took the key from its session; what else was perhaps put went with it.
    expect(back).toEqual(['c:1', 'last:1', 'next:1', 'perhaps e swap:new', ...refused.map((key) => `${key}:1`)]);
  });

  it.each(['<html>', 'null', '{}', '[]', ''])(
    'a write is not known to be done, or not, where the answer is %j',
    async (body) => {
      const { broker } = await own(({ method, path }) =>
        method === 'PUT' && /^\/v1\/(txn|kv)/.test(path) ? { status: 200, body, done: true } : undefined,
      );
      for (const options of [{}, { ttl: 60_000 }, { lifetime: 'client' }] as const) {
        await expect(broker.put('k', JSON.stringify(options), options)).rejects.toEqual(code('OUTCOME_UNKNOWN'));
        expect(await stored('k')).toBe(JSON.stringify(options));
        await agent.request('DELETE', '/v1/kv/k');
      }
      await expect(broker.compareAndSwap('k', undefined, large)).rejects.toEqual(code('OUTCOME_UNKNOWN'));
      expect(await stored('k')).toBe(large);
      await expect(broker.delete('k')).rejects.toEqual(code('OUTCOME_UNKNOWN'));
      expect(await stored('k')).toBe(undefined);
    },
  );

  it('nor is a put known to be done where the token may not read the session that holds the key', async () => {
    const { agent } = await ownConsul({ acl: true });
    const rules = JSON.stringify({ Name: 'p', Rules: 'key_prefix "" { policy = "write" }' });
    await agent.request('PUT', '/v1/acl/policy', rules);
    const created = await agent.request('PUT', '/v1/acl/token', '{"Policies": [{"Name": "p"}]}');
    const { SecretID: token } = JSON.parse(created.body) as { readonly SecretID: string };
    const { body } = await agent.request('PUT', '/v1/session/create', '{"Behavior": "delete"}');
    await agent.request('PUT', `/v1/kv/k?acquire=${(JSON.parse(body) as { readonly ID: string }).ID}`, 'theirs');
    const broker = consulBroker(consulClient(agent.port, { defaults: { token } }), { codec: textCodec });
    await expect(broker.put('k', '1')).rejects.toEqual(code('OUTCOME_UNKNOWN'));
    await expect(broker.compareAndSwap('k', '1', '2')).rejects.toThrow('a session that the token may not read');
    await expect(broker.put('k', large)).rejects.toThrow('"k" is written, but may vanish');
    expect(await broker.get('k')).toMatchObject({ value: large });
    await broker.put('l', '1');
  });
});
