import { BehaviorSubject, Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromConsul } from '../../../lib/backends/consul/fromConsul.ts';
import type { FromConsulConfig } from '../../../lib/backends/consul/options.ts';
import type { ConsulAgent } from '../../servers/consul.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { ConsulView, consulClient, ownConsul, proxied, write } from '../../support/consul.ts';

const soon = { timeout: 20_000, interval: 10 };
const secret = '22222222-2222-2222-2222-222222222222';
const read = (prefix: string) => `key_prefix "${prefix}" { policy = "read" }`;
const deny = (prefix: string) => `key_prefix "${prefix}" { policy = "deny" }`;
const large = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`a/b/open/${n}`, 'x'.repeat(1_000)]));

async function done(agent: ConsulAgent, path: string, body: object): Promise<Record<string, string>> {
  const answer = await agent.request('PUT', path, JSON.stringify(body));
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as Record<string, string>;
}

/** What may be read can be changed. */
async function guarded(values: Readonly<Record<string, string>>, ...rules: string[]) {
  const { agent } = await ownConsul({ acl: true });
  await write(agent, values);
  const policy = await done(agent, '/v1/acl/policy', { Name: 'p', Rules: rules.join(' ') });
  const permit = (...changed: string[]) =>
    done(agent, `/v1/acl/policy/${policy['ID']}`, { Name: 'p', Rules: changed.join(' ') });
  await done(agent, '/v1/acl/token', { SecretID: secret, Policies: [{ Name: 'p' }] });
  const proxy = await proxied(agent);
  const view = (config: Partial<FromConsulConfig<string>> = {}) =>
    new ConsulView(consulClient(proxy.port, { defaults: { token: secret } }), { wait: 50, ...config });
  return { agent, proxy, permit, view };
}

describe.runIf(needServer(consulLine))('what a token may see, and then may not', () => {
  it('of a large tree, below its names at the top', async () => {
    const { permit, view } = await guarded({ ...large, 'a/b/s/1': 'secret' }, read('a/'), deny('a/b/s/'));
    const seen = view();
    await expect.poll(() => Object.keys(seen.values ?? {}).length, soon).toBe(120);
    await permit(read('a/'));
    await expect.poll(() => seen.values?.['a/b/s/1'], soon).toBe('secret');
    await permit(read('a/'), deny('a/b/open/'));
    await expect.poll(() => seen.stale, soon).toBe('ACCESS_DENIED');
    expect(Object.keys(seen.values!)).toHaveLength(121);
    await permit(read('a/'));
    await expect.poll(() => seen.stale, soon).toBeUndefined();
    expect(seen.smallest).toBe(120);
  });

  it('of a large tree: while some of it is hidden, only names are asked for', async () => {
    const { permit, view, proxy, agent } = await guarded({ ...large, 'a/b/s/1': 'secret' }, read('a/'));
    const seen = view();
    await expect.poll(() => Object.keys(seen.values ?? {}).length, soon).toBe(121);
    const whole = 120 * 1_400;
    await permit(read('a/'), deny('a/b/s/'));
    await expect.poll(() => seen.stale, soon).toBe('ACCESS_DENIED');
    const [sent, received] = [proxy.sent, proxy.received];
    await expect.poll(() => proxy.sent - sent, soon).toBeGreaterThan(10_000);
    const answers = (proxy.sent - sent) / 400;
    expect(proxy.received - received).toBeLessThan((answers * whole) / 10);
    // It is found out all the same that one of them is gone, and that another was written.
    await write(agent, { 'a/b/s/1': undefined, 'a/b/open/1': 'new' });
    await expect.poll(() => [seen.values?.['a/b/open/1'], seen.values?.['a/b/s/1']], soon).toEqual(['new', undefined]);
    await expect.poll(() => seen.stale, soon).toBeUndefined();
  });

  it('no key is left under one prefix, and it is denied: what lies under the others is told', async () => {
    const { permit, view, agent } = await guarded({ 'a/1': '1', 'b/1': '1' }, read(''));
    const seen = view({ prefixes: ['a/', 'b/'] });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': '1', 'b/1': '1' });
    await permit(read('a/'));
    await expect.poll(() => seen.stale, soon).toBe('ACCESS_DENIED');
    await write(agent, { 'b/1': undefined });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': '1' });
    for (const value of ['2', '3']) {
      await write(agent, { [`b/${value}`]: 'nobody may see it', 'a/1': value });
      await expect.poll(() => seen.values, soon).toEqual({ 'a/1': value });
      await expect.poll(() => seen.stale, soon).toBe('ACCESS_DENIED');
    }
    expect(seen.told.filter((text) => /^[a-z]+$/.test(text))).toEqual(['initial']);
    await permit(read(''));
    await expect
      .poll(() => seen.values, soon)
      .toEqual({ 'a/1': '3', 'b/2': 'nobody may see it', 'b/3': 'nobody may see it' });
    await expect.poll(() => seen.stale, soon).toBeUndefined();
  });

  it('and nothing is watched for a while: what is told again is stale again', async () => {
    const { permit, view } = await guarded({ 'a/1': '1', 'a/s/1': 's' }, read('a/'));
    const prefixes = new BehaviorSubject<readonly string[]>(['a/']);
    const seen = view({ prefixes });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': '1', 'a/s/1': 's' });
    await permit(read('a/'), deny('a/s/'));
    await expect.poll(() => seen.stale, soon).toBe('ACCESS_DENIED');
    prefixes.next([]);
    await expect.poll(() => seen.values, soon).toEqual({});
    prefixes.next(['a/']);
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': '1', 'a/s/1': 's' });
    await expect.poll(() => seen.stale, soon).toBe('ACCESS_DENIED');
  });

  it('keys that are deleted and made again all the time are not called hidden', async () => {
    const { agent } = await ownConsul();
    const seen = new ConsulView(consulClient(agent.port), { every: 0 });
    await write(agent, { 'a/1': '0', 'a/2': '0' });
    await expect.poll(() => seen.values?.['a/2'], soon).toBe('0');
    for (let n = 0; n < 200; n++) {
      await Promise.all(['1', '2'].map((key) => agent.request('DELETE', `/v1/kv/a/${key}`)));
      await Promise.all(['1', '2'].map((key) => agent.request('PUT', `/v1/kv/a/${key}`, String(n))));
    }
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': '199', 'a/2': '199' });
    expect(seen.statuses.filter(({ stale }) => stale !== undefined)).toEqual([]);
  });
});

describe.runIf(needServer(consulLine))('what fromConsul asks for', () => {
  it('many long keys, deleted at once: in parts that Consul takes', async () => {
    const { agent } = await ownConsul();
    const keys = Array.from({ length: 64 }, (_, n) => `a/${n}/${'k'.repeat(9_000)}`);
    for (let n = 0; n < 64; n += 8)
      await write(agent, Object.fromEntries(keys.slice(n, n + 8).map((key) => [key, 'x'])));
    const seen = new ConsulView(consulClient(agent.port));
    await expect.poll(() => Object.keys(seen.values ?? {}).length, soon).toBe(64);
    await agent.request('DELETE', '/v1/kv/a/?recurse');
    await write(agent, { 'a/new': '1' });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/new': '1' });
  });

  it.each(['a/.', '.', 'b/..'])('the prefix %s, of which nothing is there', async (prefix) => {
    const { agent } = await ownConsul();
    const seen = new ConsulView(consulClient(agent.port), { prefixes: [prefix] });
    await expect.poll(() => seen.values, soon).toEqual({});
    await write(agent, { [`${prefix}hidden`]: '1', 'a/other': '1' });
    await expect.poll(() => seen.values, soon).toEqual({ [`${prefix}hidden`]: '1' });
  });

  it('a key with U+FFFD, beside one that is not UTF-8, is not mistaken for it', async () => {
    const { agent } = await ownConsul();
    await write(agent, { 'a/\ufffd': 'genuine', 'a/\\ufffd': 'a backslash' });
    const seen = new ConsulView(consulClient(agent.port));
    await expect.poll(() => seen.values, soon).toEqual({ 'a/\ufffd': 'genuine', 'a/\\ufffd': 'a backslash' });
    await agent.request('PUT', '/v1/kv/a/x%ff', 'mangled');
    await expect.poll(() => seen.rejected, soon).toEqual([['a/x\ufffd', 'INVALID_KEY']]);
    await write(agent, { 'a/\ufffd': 'genuine 2', 'a/\\ufffd': undefined });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/\ufffd': 'genuine 2' });
    // Of two that are shown by one name, the one that it is.
    await write(agent, { 'a/x\ufffd': 'named so' });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/\ufffd': 'genuine 2', 'a/x\ufffd': 'named so' });
    await agent.request('DELETE', '/v1/kv/a/x%ff');
    await write(agent, { 'a/x\ufffd': undefined });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/\ufffd': 'genuine 2' });
    expect(seen.told.filter((text) => /^[a-z]+$/.test(text))).toEqual(['initial']);
  });

  it('a backup that is restored while the consumer has no room is noticed when it has', async () => {
    const { agent } = await ownConsul({ servers: 1 });
    await write(agent, { 'a/1': 'x' });
    const snapshot = `http://127.0.0.1:${agent.port}/v1/snapshot`;
    const backup = await (await fetch(snapshot)).arrayBuffer();
    const held: (() => void)[] = [];
    let holds = false;
    const seen = new ConsulView(consulClient(agent.port), { wait: 60_000, delivery: { inFlight: 1 } }, (event) => {
      const claim = event.claim();
      if (holds) held.push(() => claim.done());
      else claim.done();
    });
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': 'x' });
    for (let n = 0; n < 30; n++) await write(agent, { 'a/2': String(n) });
    await expect.poll(() => seen.values?.['a/2'], soon).toBe('29');
    holds = true;
    await write(agent, { 'a/3': 'new' });
    await expect.poll(() => held.length, soon).toBe(1);
    await fetch(snapshot, { method: 'PUT', body: backup });
    // Longer than Consul would be asked without waiting.
    await new Promise((resolve) => setTimeout(resolve, 400));
    holds = false;
    held[0]!();
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': 'x' });
  });

  it('the revision of a deletion lies between those of the puts around it', async () => {
    const { agent } = await ownConsul();
    const revisions: number[] = [];
    const source = fromConsul(consulClient(agent.port), { prefixes: ['a/'], every: 5 });
    let told = 0;
    const subscription = source.subscribe((event) => {
      told++;
      if (event.type === 'change') revisions.push(...event.changes.map(({ revision }) => revision));
    });
    onTestFinished(() => subscription.unsubscribe());
    await expect.poll(() => told, soon).toBe(1);
    for (const [n, value] of ['1', '2', undefined, '3'].entries()) {
      await write(agent, { 'a/1': value });
      await expect.poll(() => revisions.length, soon).toBe(n + 1);
    }
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });
});

describe.runIf(needServer(consulLine))('onShrink', () => {
  it('a store that was wiped is filled again: keys that come back one by one are changes', async () => {
    const { agent } = await ownConsul();
    const keys = Array.from({ length: 40 }, (_, n) => `a/${n}`);
    for (const value of ['x', 'y', 'z']) await write(agent, Object.fromEntries(keys.map((key) => [key, value])));
    for (let n = 0; n < 60; n++) await write(agent, { z: String(n) });
    const seen = new ConsulView(consulClient(agent.port), { onShrink: { confirm: 4_000 } });
    await expect.poll(() => Object.keys(seen.values ?? {}).length, soon).toBe(40);
    await agent.kill();
    await agent.start();
    await expect.poll(() => seen.stale, soon).toBe('SHRUNK');
    const before = seen.told.length;
    for (const key of keys.slice(0, 10)) {
      await write(agent, { [key]: 'new' });
      await expect.poll(() => seen.values?.[key], soon).toBe('new');
    }
    expect(seen.told.slice(before).filter((text) => /^[a-z]+$/.test(text))).toEqual([]);
    await expect.poll(() => Object.keys(seen.values!).length, soon).toBe(10);
    expect(seen.stale).toBeUndefined();
  });

  it('a resync that is asked for while a listing runs is believed, too', async () => {
    const resyncOn = new Subject<void>();
    const { agent } = await ownConsul();
    const proxy = await proxied(agent);
    await write(agent, { 'a/1': 'x', 'a/2': 'y', 'a/3': 'z' });
    const config = { onShrink: { confirm: Infinity }, resyncOn, timeout: 10_000 };
    const seen = new ConsulView(consulClient(proxy.port), config);
    await expect.poll(() => Object.keys(seen.values ?? {}).length, soon).toBe(3);
    await write(agent, { 'a/2': undefined, 'a/3': undefined });
    await expect.poll(() => seen.stale, soon).toBe('SHRUNK');
    proxy.delay(500);
    proxy.cut();
    // Until its first question is on the way.
    const sent = proxy.sent;
    await expect.poll(() => proxy.sent, soon).toBeGreaterThan(sent);
    resyncOn.next();
    await expect.poll(() => seen.values, soon).toEqual({ 'a/1': 'x' });
    await expect.poll(() => seen.stale, soon).toBeUndefined();
  });
});
