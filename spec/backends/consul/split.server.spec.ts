import { describe, expect, it } from 'vitest';
import type { FromConsulConfig } from '../../../lib/backends/consul/options.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import type { TcpProxy } from '../../servers/proxy.ts';
import { ConsulView, consulClient, ownConsul, proxied, write } from '../../support/consul.ts';
import { interceptedConsul } from '../../support/consulProxy.ts';

const soon = { timeout: 30_000, interval: 10 };
const tree = { 'a/one/1': 'x', 'a/one/2': 'y', 'a/two/1': 'z', 'a/two/deep/1': 'd', 'a/top': 't', 'a/': 'itself' };

/** A view of a tree with two sub-prefixes and keys beside them, through a proxy. */
async function watching(config: Partial<FromConsulConfig<string>>, values: Record<string, string> = tree) {
  const { agent } = await ownConsul();
  const proxy = await proxied(agent);
  await write(agent, values);
  const view = new ConsulView(consulClient(proxy.port), config);
  await expect.poll(() => view.values, soon).toEqual(values);
  return { agent, proxy, view };
}

/** The bytes that were received when nothing is under way any more. */
async function quiet(proxy: TcpProxy): Promise<number> {
  let before = -1;
  const isSame = (): boolean => {
    const last = before;
    before = proxy.received;
    return last === before;
  };
  await expect.poll(isSame, { timeout: 60_000, interval: 500 }).toBe(true);
  return before;
}

describe.runIf(needServer(consulLine)).each([
  ['a query for each', {}],
  ['one query, and the others are asked', { queries: 1 }],
  ['no query but for the names', { queries: 0 }],
])('fromConsul with split: %s', (_, split) => {
  it('one snapshot and one count, whatever changes: in a sub-prefix, beside it, and where one comes or goes', async () => {
    const { agent, view } = await watching({ split });
    expect(view.told).toEqual(['initial']);
    const steps: readonly (readonly [Record<string, string | undefined>, string])[] = [
      [{ 'a/one/1': 'new' }, '~a/one/1:x>new@'],
      [{ 'a/two/deep/1': undefined }, '~!a/two/deep/1:d'],
      [{ 'a/top': 'changed' }, '~a/top:t>changed@'],
      [{ 'a/': undefined }, '~!a/:itself'],
      [{ 'a/three/1': 'first' }, '~a/three/1:first@'],
      [{ 'a/three/1': 'second' }, '~a/three/1:first>second@'],
      [{ 'a/two/1': undefined }, '~!a/two/1:z'],
      [{ 'a/top': undefined }, '~!a/top:changed'],
      [{ 'a/two/2': 'again' }, '~a/two/2:again@'],
    ];
    for (const [index, [change, told]] of steps.entries()) {
      await write(agent, change);
      await expect.poll(() => view.told, soon).toHaveLength(index + 2);
      expect(view.told.at(-1)).toContain(told);
      // One count for all of them.
      expect(view.told.at(-1)).toMatch(new RegExp(`@${index + 2}$`));
    }
    await agent.request('DELETE', '/v1/kv/a/?recurse');
    await expect.poll(() => view.values, soon).toEqual({});
    await write(agent, tree);
    await expect.poll(() => view.values, soon).toEqual(tree);
    // Of a sub-prefix that goes with all above it, Consul shows an index that goes back.
    const resyncs = view.told.filter((text) => !text.startsWith('~'));
    expect(resyncs.slice(1).filter((reason) => reason !== 'regressed')).toEqual([]);
    expect(view.stale).toBeUndefined();
  });

  it('what comes and goes while the connection is broken is told by one resync', async () => {
    const { agent, proxy, view } = await watching({ split });
    await proxy.refuse();
    await expect.poll(() => view.stale, soon).toBe('CONNECTION_LOST');
    await write(agent, {
      'a/one/1': undefined,
      'a/one/2': undefined,
      'a/top': undefined,
      'a/two/1': 'new',
      'a/three/1': '3',
    });
    await proxy.accept();
    await expect.poll(() => view.told, soon).toEqual(['initial', 'reconnected']);
    expect(view.values).toEqual({ 'a/two/1': 'new', 'a/two/deep/1': 'd', 'a/': 'itself', 'a/three/1': '3' });
  });

  it('a wiped store is told at once, and then what is written to it', async () => {
    const { agent, view } = await watching({ split, wait: 600_000 });
    await agent.kill();
    await agent.start();
    await expect.poll(() => view.values, soon).toEqual({});
    expect(view.told).toEqual(['initial', 'regressed']);
    await write(agent, tree);
    await expect.poll(() => view.values, soon).toEqual(tree);
  });

  it('the loss of a sub-prefix, with onShrink: it stays until it has been so for a while', async () => {
    const { agent, view } = await watching({ split, onShrink: { confirm: 1_000 } });
    await agent.request('DELETE', '/v1/kv/a/one/?recurse');
    await expect.poll(() => view.stale, soon).toBe('SHRUNK');
    expect(view.values).toEqual(tree);
    const { 'a/one/1': _one, 'a/one/2': _two, ...rest } = tree;
    await expect.poll(() => view.values, soon).toEqual(rest);
    await expect.poll(() => view.stale, soon).toBeUndefined();
  });
});

describe.runIf(needServer(consulLine))('fromConsul with split', () => {
  it('holds no more queries open than it may, over all prefixes', async () => {
    const values = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n % 2 ? 'a' : 'b'}/${n}/x`, String(n)]));
    const { agent, proxy, view } = await watching(
      { prefixes: ['a/', 'b/'], split: { queries: 5 }, wait: 60_000, timeout: 20_000 },
      values,
    );
    // Two for the names, and four requests at once for each of them.
    expect(proxy.accepted).toBeLessThanOrEqual(5 + 2 + 8);
    for (let n = 0; n < 40; n++) await write(agent, { [`${n % 2 ? 'a' : 'b'}/${n}/x`]: 'new' });
    await expect.poll(() => new Set(Object.values(view.values!)), soon).toEqual(new Set(['new']));
    expect(proxy.links).toBeLessThanOrEqual(5 + 2 + 8);
  });

  it('one write to one of 100,000 keys in 80 sub-prefixes is not worth an answer about all', async () => {
    const names = Array.from({ length: 100_000 }, (_, n) => `a/${n % 80}/${n}`);
    const { agent } = await ownConsul();
    await write(agent, Object.fromEntries(names.map((name) => [name, `the value of ${name}`])));
    // The second one has to ask the others for their names.
    for (const [queries, share] of [
      [100, 1 / 40],
      [5, 1 / 3],
    ] as const) {
      const proxy = await proxied(agent);
      const config = { split: { queries }, wait: 60_000, timeout: 20_000 };
      const view = new ConsulView(consulClient(proxy.port), config);
      await expect.poll(() => Object.keys(view.values ?? {}).length, { timeout: 60_000 }).toBe(100_000);
      const whole = proxy.received;
      const before = await quiet(proxy);
      await write(agent, { 'a/7/7': `new ${queries}` });
      await expect.poll(() => view.values!['a/7/7'], soon).toBe(`new ${queries}`);
      const cost = (await quiet(proxy)) - before;
      expect(cost).toBeLessThan(whole * share);
      expect(cost).toBeGreaterThan(whole / 100);
      expect(view.told).toHaveLength(2);
      view.subscription.unsubscribe();
    }
  }, 180_000);

  it('what a token may see changes deep in a sub-prefix, large or not, that no query waits for', async () => {
    const { agent } = await ownConsul({ acl: true });
    const hidden = { 'a/small/s/1': 'x', 'a/large/s/t/1': 'x' };
    const shown = { 'a/small/1': 'x', 'a/large/1': 'x'.repeat(4_000), 'a/large/s/1': 'x' };
    await write(agent, { ...hidden, ...shown });
    const open = 'key_prefix "a/" { policy = "read" }';
    const shut = ['a/small/s/', 'a/large/s/t/'].map((prefix) => `key_prefix "${prefix}" { policy = "deny" }`).join(' ');
    const permit = async (id: string, Rules: string) => {
      const { body } = await agent.request('PUT', `/v1/acl/policy${id}`, JSON.stringify({ Name: 'p', Rules }));
      return (JSON.parse(body) as { readonly ID: string }).ID;
    };
    const id = await permit('', `${open} ${shut}`);
    const created = await agent.request('PUT', '/v1/acl/token', '{"Policies": [{"Name": "p"}]}');
    const { SecretID: token } = JSON.parse(created.body) as { readonly SecretID: string };
    const client = consulClient(agent.port, { defaults: { token } });
    const view = new ConsulView(client, { split: { queries: 0 }, wait: 20 });
    await expect.poll(() => view.values, soon).toEqual(shown);
    await permit(`/${id}`, open);
    await expect.poll(() => view.values, soon).toEqual({ ...hidden, ...shown });
    await permit(`/${id}`, `${open} ${shut}`);
    await expect.poll(() => view.stale, soon).toBe('ACCESS_DENIED');
    expect([view.values, view.told[0], view.smallest]).toEqual([{ ...hidden, ...shown }, 'initial', 3]);
  });

  it.each([
    ['some of them', ['a/1', 'a/3'], { 'a/2': '2', 'a/4': '4' }],
    ['all of them', ['a/1', 'a/3', 'a/2', 'a/4'], {}],
  ])(
    'of keys that go one by one, after their names were read, the others are read again: %s',
    async (_, going, rest) => {
      const { agent } = await ownConsul();
      await write(agent, { 'a/1': '1', 'a/2': '2', 'a/3': '3', 'a/4': '4' });
      const asked: string[][] = [];
      const { port } = await interceptedConsul(agent, async ({ path, body }) => {
        if (!path.startsWith('/v1/txn')) return undefined;
        asked.push((JSON.parse(body) as readonly { KV: { Key: string } }[]).map(({ KV }) => KV.Key));
        const key = going[asked.length - 1];
        if (key !== undefined) await write(agent, { [key]: undefined });
        return undefined;
      });
      const view = new ConsulView(consulClient(port), { split: {} });
      await expect.poll(() => view.values, soon).toEqual(rest);
      expect([view.told, view.stale, view.statuses.some(({ stale }) => stale !== undefined)]).toEqual([
        ['initial'],
        undefined,
        false,
      ]);
      const all = ['a/1', 'a/2', 'a/3', 'a/4'];
      const expected = going.map((_, n) => all.filter((key) => !going.slice(0, n).includes(key)));
      expect(asked.slice(0, going.length)).toEqual(expected);
    },
  );

  it('keys that cannot be asked for are rejected, and the others are told', async () => {
    const { agent } = await ownConsul();
    await write(agent, { 'a/one/1': 'x', 'a//odd': 'y', 'a/top': 't' });
    await agent.request('PUT', '/v1/kv/a/%ff/1', 'z');
    const view = new ConsulView(consulClient(agent.port), { split: {} });
    await expect.poll(() => view.values, soon).toEqual({ 'a/one/1': 'x', 'a/top': 't' });
    expect(view.rejected).toEqual([
      ['a//', 'INVALID_KEY'],
      ['a/\ufffd/', 'INVALID_KEY'],
    ]);
    await write(agent, { 'a//odd': undefined, 'a/one/1': 'new' });
    await expect.poll(() => view.values, soon).toEqual({ 'a/one/1': 'new', 'a/top': 't' });
  });
});
