import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { FromConsulConfig } from '../../../lib/backends/consul/options.ts';
import type { ConsulAgent } from '../../servers/consul.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { ConsulView, consulClient, ownConsul, proxied, write } from '../../support/consul.ts';

const soon = { timeout: 20_000, interval: 10 };
const secret = '22222222-2222-2222-2222-222222222222';

async function done(agent: ConsulAgent, method: string, path: string, body?: object): Promise<Record<string, string>> {
  const answer = await agent.request(method, path, body && JSON.stringify(body));
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as Record<string, string>;
}

/** A Consul with ACLs, three keys, and a token whose policy can be changed. */
async function world(rules: string, config: Partial<FromConsulConfig<string>> = {}) {
  const { agent, token: root } = await ownConsul({ acl: true });
  await write(agent, { 'a/1': 'x', 'a/s/1': 'y', 'a/s/2': 'z' });
  const policy = await done(agent, 'PUT', '/v1/acl/policy', { Name: 'p', Rules: rules });
  const permit = (changed: string) =>
    done(agent, 'PUT', `/v1/acl/policy/${policy['ID']}`, { Name: 'p', Rules: changed });
  const issue = () => done(agent, 'PUT', '/v1/acl/token', { SecretID: secret, Policies: [{ Name: 'p' }] });
  const token = await issue();
  const revoke = () => done(agent, 'DELETE', `/v1/acl/token/${token['AccessorID']}`);
  const proxy = await proxied(agent);
  const view = new ConsulView(consulClient(proxy.port, { defaults: { token: secret } }), { wait: 100, ...config });
  return { agent, root, proxy, permit, issue, revoke, view };
}

const everything = 'key_prefix "a/" { policy = "read" }';
const partly = `${everything} key_prefix "a/s/" { policy = "deny" }`;
const nothing = 'key_prefix "b/" { policy = "read" }';
const all = { 'a/1': 'x', 'a/s/1': 'y', 'a/s/2': 'z' };

describe.runIf(needServer(consulLine)).each<[string, Partial<FromConsulConfig<string>>]>([
  ['as a whole', {}],
  ['split', { split: {} }],
  ['split, with no queries but for the names', { split: { queries: 0 } }],
])('what a token may not see, watched %s', (_, more) => {
  const guarded = (rules: string, config = {}) => world(rules, { ...more, ...config });

  it('a policy that is narrowed while watching: its keys stay, and the others flow', async () => {
    const { agent, permit, view } = await guarded(everything);
    await expect.poll(() => view.values, soon).toEqual(all);
    await permit(partly);
    await write(agent, { 'a/1': 'new', 'a/2': 'more' });
    await expect.poll(() => view.values, soon).toEqual({ ...all, 'a/1': 'new', 'a/2': 'more' });
    await expect.poll(() => view.stale, soon).toBe('ACCESS_DENIED');
    await write(agent, { 'a/2': undefined, 'a/s/1': undefined, 'a/s/2': 'hidden' });
    // What does not exist any more is gone, whoever may read it.
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'new', 'a/s/2': 'z' });
    await permit(everything);
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'new', 'a/s/2': 'hidden' });
    await expect.poll(() => view.stale, soon).toBeUndefined();
    expect(view.told.filter((text) => text === 'reconnected')).toEqual([]);
  });

  it('a backup that is restored, of a time when the token saw less: its keys stay, and the others go back', async () => {
    const { agent, root, permit, view } = await guarded(partly);
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'x' });
    const snapshot = { url: `http://127.0.0.1:${agent.port}/v1/snapshot`, headers: { 'X-Consul-Token': root } };
    const backup = await (await fetch(snapshot.url, snapshot)).arrayBuffer();
    await permit(everything);
    await write(agent, { 'a/1': 'new', 'a/2': 'more' });
    await expect.poll(() => view.values, soon).toEqual({ ...all, 'a/1': 'new', 'a/2': 'more' });
    expect((await fetch(snapshot.url, { ...snapshot, method: 'PUT', body: backup })).status).toBe(200);
    await expect.poll(() => view.values, soon).toEqual(all);
    await expect.poll(() => view.stale, soon).toBe('ACCESS_DENIED');
    await write(agent, { 'a/1': 'after' });
    await expect.poll(() => view.values, soon).toEqual({ ...all, 'a/1': 'after' });
    expect([view.told.includes('regressed'), view.error]).toEqual([true, undefined]);
  });

  it('a policy that is narrowed without any write is found out, too', async () => {
    const { permit, view } = await guarded(everything);
    await expect.poll(() => view.values, soon).toEqual(all);
    await permit(nothing);
    await expect.poll(() => view.stale, soon).toBe('ACCESS_DENIED');
    // Where it is split, another part may have found it out before.
    const cause = () => String(view.statuses.at(-1)?.stale?.cause);
    await expect.poll(cause, soon).toContain('"a/1" for one');
    await permit(everything);
    await expect.poll(() => view.stale, soon).toBeUndefined();
    expect([view.values, view.smallest, view.told]).toEqual([all, 3, ['initial']]);
  });

  it('narrowed while the connection is broken, and a resync asked for after that: what is hidden stays', async () => {
    const resyncOn = new Subject<void>();
    const { proxy, agent, permit, view } = await guarded(everything, { resyncOn });
    await expect.poll(() => view.values, soon).toEqual(all);
    await proxy.refuse();
    await expect.poll(() => view.stale, soon).toBe('CONNECTION_LOST');
    await permit(partly);
    await write(agent, { 'a/1': 'new' });
    await proxy.accept();
    await expect.poll(() => view.told, soon).toEqual(['initial', 'reconnected']);
    expect([view.values, view.stale]).toEqual([{ ...all, 'a/1': 'new' }, 'ACCESS_DENIED']);
    resyncOn.next();
    await expect.poll(() => view.told, soon).toEqual(['initial', 'reconnected', 'requested']);
    expect([view.values, view.smallest, view.stale]).toEqual([{ ...all, 'a/1': 'new' }, 3, 'ACCESS_DENIED']);
  });

  it('a token that is deleted: what was told stays, until it is there again', async () => {
    const { issue, revoke, view } = await guarded(everything);
    await expect.poll(() => view.values, soon).toEqual(all);
    await revoke();
    await expect.poll(() => view.stale, soon).toBe('ACCESS_DENIED');
    expect(String(view.statuses.at(-1)?.stale?.cause)).toMatch(
      /status 403, ACL not found: Consul does not know this token$/,
    );
    expect([view.values, view.told]).toEqual([all, ['initial']]);
    await issue();
    await expect.poll(() => view.told, soon).toEqual(['initial', 'reconnected']);
    expect([view.values, view.smallest, view.stale]).toEqual([all, 3, undefined]);
  });

  it("with onDenied: 'fail' a token that is deleted ends the subscription", async () => {
    const { revoke, view } = await guarded(everything, { onDenied: 'fail' });
    await expect.poll(() => view.values, soon).toEqual(all);
    await revoke();
    await expect.poll(() => view.error, soon).toMatchObject({ name: 'DatasyncError', code: 'ACCESS_DENIED' });
    expect(view.told).toEqual(['initial']);
  });

  it('nothing from the start: that is not told as empty', async () => {
    const { permit, view } = await guarded(nothing);
    await expect.poll(() => view.statuses.at(-1)?.cause, soon).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(view.told).toEqual([]);
    await permit(everything);
    await expect.poll(() => view.values, soon).toEqual(all);
    expect(view.told).toEqual(['initial']);
  });

  it('everything, and there is nothing: that is told as empty', async () => {
    const { agent, view } = await guarded('key_prefix "" { policy = "read" }', { prefixes: ['none/', ''] });
    await expect.poll(() => view.values, soon).toMatchObject(all);
    const other = new ConsulView(consulClient(agent.port, { defaults: { token: secret } }), {
      ...more,
      prefixes: ['none/'],
    });
    await expect.poll(() => other.values, soon).toEqual({});
  });

  it('a whole store of which only a part may be read is not told as a whole that is empty', async () => {
    const { view } = await guarded(nothing, { prefixes: [''] });
    await expect.poll(() => view.statuses.at(-1)?.cause, soon).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(view.told).toEqual([]);
  });

  it('no token at all: the same', async () => {
    const { agent } = await guarded(everything);
    const view = new ConsulView(consulClient(agent.port), more);
    await expect.poll(() => view.statuses.at(-1)?.cause, soon).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(view.told).toEqual([]);
  });

  it('the deletion of many keys is told, when each of them is looked for', async () => {
    const { agent, view } = await guarded(everything);
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`a/many/${n}`, 'x']));
    await write(agent, many);
    await expect.poll(() => Object.keys(view.values ?? {}).length, soon).toBe(303);
    await agent.request('DELETE', '/v1/kv/a/many/?recurse');
    await expect.poll(() => view.values, soon).toEqual(all);
    expect(view.stale).toBeUndefined();
  });
});
