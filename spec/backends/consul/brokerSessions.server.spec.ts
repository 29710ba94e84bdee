import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConsulCalls } from '../../../lib/backends/consul/calls.ts';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { ClientSession } from '../../../lib/backends/consul/sessions.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { ConsulAgent } from '../../servers/consul.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { consulClient, ownConsul } from '../../support/consul.ts';
import { interceptedConsul } from '../../support/consulProxy.ts';
import { listening } from '../../support/listening.ts';

const long = { timeout: 30_000, interval: 20 };

async function own(servers: 'dev' | number = 'dev') {
  const { agent } = await ownConsul({ servers });
  const make = () => {
    const broker = consulBroker(consulClient(agent.port), { codec: textCodec });
    onTestFinished(() => broker.close());
    return broker;
  };
  return { agent, broker: make(), other: make() };
}

async function sessions(agent: ConsulAgent): Promise<readonly { readonly ID: string; readonly TTL: string }[]> {
  const { body } = await agent.request('GET', '/v1/session/list');
  return JSON.parse(body) as readonly { ID: string; TTL: string }[];
}

const destroy = (agent: ConsulAgent, id: string) => agent.request('PUT', `/v1/session/destroy/${id}`);

describe.runIf(needServer(consulLine))('ttl and lifetime of consulBroker', () => {
  it('a ttl is made 20 seconds at least, which the result says, and 48 hours at most', async () => {
    const { agent, broker } = await own();
    expect(await broker.put('a', '1', { ttl: 1 })).toMatchObject({ ttl: 20_000 });
    expect(await broker.put('b', '1', { ttl: 60_000 })).toEqual({ revision: expect.any(Number) });
    expect(await broker.putIfNotExists('c', '1', { ttl: 100 })).toMatchObject({ created: true, ttl: 20_000 });
    expect((await sessions(agent)).map(({ TTL }) => TTL).sort()).toEqual(['10000ms', '10000ms', '30000ms']);
    const txn = broker.txn().put('e', '1', { ttl: 30_000 }).put('f', '1').put('g', '1', { ttl: 30_000.5 }).delete('h');
    expect(await txn.put('i', '1', { ttl: 5 }).commit()).toMatchObject({ ttl: 30_001 });
    await expect(broker.put('d', '1', { ttl: 200_000_000 })).rejects.toMatchObject({ code: 'UNSUPPORTED', key: 'd' });
  });

  it('a write that was not done leaves no session behind', async () => {
    const { agent, broker } = await own();
    await broker.put('a', '1');
    expect(await broker.putIfNotExists('a', '2', { ttl: 60_000 })).toEqual({ created: false });
    expect(await broker.compareAndSwap('a', '0', '2', { ttl: 60_000 })).toEqual({ swapped: false });
    await expect(broker.txn().put('a', '2', { ttl: 60_000 }).put('b', '2', { ttl: 2e8 }).commit()).rejects.toThrow();
    expect(await sessions(agent)).toEqual([]);
  });

  it('a session that a ttl made ends when its key is written anew or deleted', async () => {
    const { agent, broker } = await own();
    const ttl = { ttl: 3_600_000 };
    const left = async () => (await sessions(agent)).length;
    for (let n = 0; n < 10; n++) await broker.put('beat', `${n}`, ttl);
    await broker.txn().put('beat', 'txn', ttl).commit();
    expect(await broker.compareAndSwap('beat', 'txn', 'swapped', ttl)).toMatchObject({ swapped: true });
    await expect.poll(left, long).toBe(1);
    expect(await broker.get('beat')).toMatchObject({ value: 'swapped' });
    const ways: readonly (() => Promise<unknown>)[] = [
      () => broker.put('beat', 'plain'),
      () => broker.put('beat', 'x'.repeat(500_000)),
      () => broker.compareAndSwap('beat', 'a', 'b'),
      () => broker.txn().put('beat', 'txn').commit(),
    ];
    for (const way of ways) {
      await broker.put('beat', 'a', ttl);
      await way();
      await expect.poll(left, long).toBe(0);
      expect(await broker.get('beat')).toMatchObject({ found: true });
    }
    const deletions: readonly (() => Promise<unknown>)[] = [
      () => broker.delete('beat'),
      () => broker.deletePrefix('b'),
      () => broker.deletePrefix(''),
      () => broker.compareAndDelete('beat', 'a'),
      () => broker.txn().delete('beat').commit(),
    ];
    for (const way of deletions) {
      await broker.put('beat', 'a', ttl);
      await way();
      await expect.poll(left, long).toBe(0);
    }
  });

  it('puts of one key at once leave one session, that of the last of them', async () => {
    const { agent, broker } = await own();
    const left = async () => (await sessions(agent)).map(({ ID }) => ID);
    await Promise.all(Array.from({ length: 20 }, (_, n) => broker.put('k', `${n}`, { ttl: 60_000 })));
    await expect.poll(left, long).toHaveLength(1);
    const [{ Session }] = JSON.parse((await agent.request('GET', '/v1/kv/k')).body) as [{ readonly Session: string }];
    expect(await left()).toEqual([Session]);
    await broker.delete('k');
    await expect.poll(left, long).toEqual([]);
  });

  it('and not where somebody else has written the key meanwhile', async () => {
    const { agent, broker, other } = await own();
    await broker.put('a', '1', { ttl: 60_000 });
    await agent.request('DELETE', '/v1/kv/a');
    await other.put('a', 'of another broker', { ttl: 60_000 });
    await broker.put('b', '1', { ttl: 60_000 });
    await agent.request('PUT', '/v1/kv/b', 'of somebody else');
    await broker.put('a', '2', { ttl: 60_000 });
    await other.put('b', '2', { ttl: 60_000 });
    await broker.delete('c');
    await expect.poll(() => broker.list(), long).toMatchObject([{ value: '2' }, { value: '2' }]);
  });

  it('a put without a ttl keeps the key, also one that another program holds, and one that is large', async () => {
    const { agent, broker, other } = await own();
    for (const key of ['a', 'b', 'c', 'd']) await broker.put(key, '1', { ttl: 60_000 });
    await other.put('a', '2');
    await other.txn().put('b', '2').commit();
    await other.compareAndSwap('c', '1', '2');
    await other.put('d', 'x'.repeat(500_000));
    for (const { ID } of await sessions(agent)) await destroy(agent, ID);
    expect(await other.listKeys()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keys with a ttl go when the agent that was asked leaves, though others serve on', async () => {
    const { agents } = await ownConsul({ servers: 3 });
    const [leaving, staying] = [agents[2]!, agents[0]!];
    const broker = consulBroker(consulClient(leaving.port), { codec: textCodec });
    await broker.put('plain', '1');
    await broker.put('bound', '1', { ttl: 3_600_000 });
    // It answers when it has left, which takes a while.
    const left = leaving.request('PUT', '/v1/agent/leave').catch(() => undefined);
    const stored = async () => {
      const { status, body } = await staying.request('GET', '/v1/kv/?keys&consistent');
      return status === 200 ? JSON.parse(body) : undefined;
    };
    await expect.poll(stored, long).toEqual(['plain']);
    await left;
  });

  it('keys of one lifetime hang on one session, and end at once with the broker', async () => {
    const { agent, broker, other } = await own();
    await broker.put('a', '1', { lifetime: 'client' });
    await broker.txn().put('b', '1', { lifetime: 'client' }).put('c', '1').commit();
    await broker.putIfNotExists('d', '1', { lifetime: 'client' });
    expect(await sessions(agent)).toHaveLength(1);
    await broker.close();
    expect(await sessions(agent)).toEqual([]);
    expect(await other.listKeys()).toEqual(['c']);
  });

  it('come back when their session was lost, unless somebody wrote the key since', async () => {
    const { agent, broker, other } = await own();
    for (const key of ['a', 'b', 'plain', 'gone']) await broker.put(key, '1', { lifetime: 'client' });
    await broker.put('plain', '2');
    await broker.delete('gone');
    await destroy(agent, (await sessions(agent))[0]!.ID);
    await other.put('b', 'of somebody else');
    const held = async () => (await other.list()).map(({ key, value }) => `${key}:${value}`);
    await expect.poll(held, long).toEqual(['a:1', 'b:of somebody else', 'plain:2']);
  });

  it('are written with another session when Consul does not know the first', async () => {
    const { agent, broker, other } = await own();
    await broker.put('a', '1', { lifetime: 'client' });
    await destroy(agent, (await sessions(agent))[0]!.ID);
    await broker.put('b', '1', { lifetime: 'client' });
    await expect.poll(() => other.listKeys(), long).toEqual(['a', 'b']);
    await broker.close();
    expect(await other.listKeys()).toEqual([]);
  });

  it('come back when Consul was killed and lost everything', async () => {
    const { agent, broker, other } = await own();
    await broker.put('a', '1', { lifetime: 'client' });
    await agent.kill();
    await agent.start();
    await expect.poll(() => other.listKeys(), long).toEqual(['a']);
  });

  it('are refused when the broker is closed, also where that is in the middle of a put', async () => {
    const { agent } = await ownConsul();
    let closing: (() => Promise<void>) | undefined;
    const { port } = await interceptedConsul(agent, async ({ body }) => {
      if (body.includes('lock')) await closing?.();
      return undefined;
    });
    const broker = consulBroker(consulClient(port), { codec: textCodec });
    closing = () => broker.close();
    for (const key of ['during', 'after']) {
      const put = broker.put(key, '1', { lifetime: 'client' });
      await expect(put).rejects.toMatchObject({
        code: 'FATAL',
        message: expect.stringContaining('the broker is closed'),
      });
    }
    expect(await broker.listKeys()).toEqual([]);
    expect(await sessions(agent)).toEqual([]);
  });

  it('come back each for itself: one that is refused is tried again, and holds up no other', async () => {
    const { agent } = await ownConsul({ acl: true });
    const all = 'key_prefix "" { policy = "write" } session_prefix "" { policy = "write" }';
    const permit = (id: string, Rules: string) =>
      agent.request('PUT', `/v1/acl/policy${id}`, JSON.stringify({ Name: 'p', Rules }));
    const { ID } = JSON.parse((await permit('', all)).body) as { readonly ID: string };
    const created = await agent.request('PUT', '/v1/acl/token', '{"Policies": [{"Name": "p"}]}');
    const { SecretID: token } = JSON.parse(created.body) as { readonly SecretID: string };
    const broker = consulBroker(consulClient(agent.port, { defaults: { token } }), { codec: textCodec });
    onTestFinished(() => broker.close());
    for (const key of ['denied', 'locked', 'other']) await broker.put(key, '1', { lifetime: 'client' });
    await permit(`/${ID}`, `${all} key "denied" { policy = "read" }`);
    await destroy(agent, (await sessions(agent))[0]!.ID);
    const lock = await agent.request('PUT', '/v1/session/create', '{"Behavior": "delete", "LockDelay": "2s"}');
    const { ID: locking } = JSON.parse(lock.body) as { readonly ID: string };
    await agent.request('PUT', `/v1/kv/locked?acquire=${locking}`, 'of somebody else');
    await destroy(agent, locking);
    // By this it learns of it.
    await broker.put('next', '1', { lifetime: 'client' });
    const stored = async () => JSON.parse((await agent.request('GET', '/v1/kv/?keys')).body || '[]') as unknown;
    await expect.poll(stored, long).toEqual(['locked', 'next', 'other']);
    await permit(`/${ID}`, all);
    await expect.poll(stored, long).toEqual(['denied', 'locked', 'next', 'other']);
  });

  it('are kept alive over a link on which one renewal hangs, however long answers may take', async () => {
    let renewals = 0;
    const server = createServer((request, response) => {
      if (!request.url!.includes('renew')) response.end('{"ID": "s"}');
      else if (++renewals > 1) response.end('[{"ID": "s"}]');
    });
    const calls = new ConsulCalls(consulClient(await listening(server)), { begin: 60_000, pause: 60_000, size: 1_000 });
    const session = new ClientSession(calls, 600, () => Promise.resolve());
    onTestFinished(() => session.close());
    expect(await session.id()).toBe('s');
    await expect.poll(() => renewals, long).toBeGreaterThan(2);
  });
});
