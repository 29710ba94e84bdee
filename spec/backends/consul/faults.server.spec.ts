import { setTimeout as sleep } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { FromConsulConfig } from '../../../lib/backends/consul/options.ts';
import type { ConsulOptions } from '../../servers/consul.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import type { TcpProxy } from '../../servers/proxy.ts';
import { ConsulView, consulClient, ownConsul, proxied, write } from '../../support/consul.ts';

const soon = { timeout: 30_000, interval: 10 };
const three = { 'a/1': 'x', 'a/2': 'y', 'a/3': 'z' };

/** A view of three keys of a Consul of its own, through a proxy. */
async function watching(options: ConsulOptions = {}, config: Partial<FromConsulConfig<string>> = {}) {
  const { agent, agents } = await ownConsul(options);
  const proxy = await proxied(agent);
  await write(agent, three);
  const view = new ConsulView(consulClient(proxy.port), config);
  await expect.poll(() => view.values, soon).toEqual(three);
  return { agent, agents, proxy, view };
}

/** What Consul has saved of itself. */
async function backup(port: number): Promise<ArrayBuffer> {
  return (await fetch(`http://127.0.0.1:${port}/v1/snapshot`)).arrayBuffer();
}

async function restore(port: number, body: ArrayBuffer): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${port}/v1/snapshot`, { method: 'PUT', body });
  if (status !== 200) throw new Error(`the backup was not restored: ${status}`);
}

/** Until a question waits at Consul: nothing has been sent for a while. What happens between two of them is found out after `wait`. */
async function asked(proxy: TcpProxy): Promise<void> {
  for (let still = 0, before = -1; still < 50; before = proxy.sent) {
    still = proxy.sent === before ? still + 1 : 0;
    await sleep(10);
  }
}

describe.runIf(needServer(consulLine))('fromConsul, when Consul loses something', () => {
  it('everything: told as soon as it is back, however long a question may wait', async () => {
    const { agent, view } = await watching({}, { wait: 600_000 });
    await agent.kill();
    await agent.start();
    await expect.poll(() => view.values, soon).toEqual({});
    await write(agent, { 'a/1': 'again' });
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'again' });
    expect(view.told.slice(0, 2)).toEqual(['initial', 'regressed']);
  });

  it('what came after a backup, which is restored while it is watched', async () => {
    const { agent, proxy, view } = await watching({ servers: 1 }, { wait: 600_000 });
    const before = await backup(agent.port);
    await write(agent, { 'a/1': 'newer', 'a/2': undefined, 'a/4': 'new' });
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'newer', 'a/3': 'z', 'a/4': 'new' });
    await asked(proxy);
    await restore(agent.port, before);
    await expect.poll(() => view.values, soon).toEqual(three);
    expect(view.told.at(-1)).toBe('regressed');
    await write(agent, { 'a/3': 'after' });
    await expect.poll(() => view.values, soon).toEqual({ ...three, 'a/3': 'after' });
  });

  it('most of its keys at once, with onShrink: they stay until it has been so for a while', async () => {
    const { agent, view } = await watching({}, { onShrink: { confirm: 1_500 } });
    await agent.kill();
    await agent.start();
    await expect.poll(() => view.stale, soon).toBe('SHRUNK');
    expect([view.values, view.smallest]).toEqual([three, 3]);
    await expect.poll(() => view.values, soon).toEqual({});
    await expect.poll(() => view.stale, soon).toBeUndefined();
  });

  it('most of its keys, with onShrink, and they are put back in time: nothing was told', async () => {
    const { agent, view } = await watching({}, { onShrink: { confirm: 10_000 } });
    await agent.request('DELETE', '/v1/kv/a/?recurse');
    await expect.poll(() => view.stale, soon).toBe('SHRUNK');
    await write(agent, { 'a/1': 'x', 'a/2': 'new' });
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'x', 'a/2': 'new' });
    expect([view.stale, view.smallest]).toEqual([undefined, 2]);
  });

  it('most of its keys, with onShrink and no time limit: a resync that is asked for takes what is there', async () => {
    const resyncOn = new Subject<void>();
    const { agent, view } = await watching({}, { onShrink: { share: 0.4, confirm: Infinity }, resyncOn });
    await write(agent, { 'a/1': undefined, 'a/2': undefined, 'a/3': 'new' });
    await expect.poll(() => view.stale, soon).toBe('SHRUNK');
    await expect.poll(() => view.values, soon).toEqual({ ...three, 'a/3': 'new' });
    resyncOn.next();
    await expect.poll(() => view.values, soon).toEqual({ 'a/3': 'new' });
    await expect.poll(() => view.stale, soon).toBeUndefined();
  });

  it('few of its keys, with onShrink: told at once', async () => {
    const { agent, view } = await watching({}, { onShrink: { confirm: Infinity } });
    await write(agent, { 'a/1': undefined });
    await expect.poll(() => view.values, soon).toEqual({ 'a/2': 'y', 'a/3': 'z' });
    expect(view.statuses.every(({ stale }) => stale === undefined)).toBe(true);
  });
});

describe.runIf(needServer(consulLine))('fromConsul, when Consul cannot be reached', () => {
  it('at the start: it waits, and the status says why', async () => {
    const { agent } = await ownConsul();
    const proxy = await proxied(agent);
    await proxy.refuse();
    await write(agent, three);
    const view = new ConsulView(consulClient(proxy.port));
    await expect.poll(() => view.statuses.at(-1)?.cause, soon).toMatchObject({ code: 'CONNECTION_LOST' });
    await proxy.accept();
    await expect.poll(() => view.values, soon).toEqual(three);
    expect(view.told).toEqual(['initial']);
  });

  it('a link that is half open is found dead after `wait` and `timeout`', async () => {
    const { agent, proxy, view } = await watching({}, { wait: 300, timeout: 300 });
    const before = proxy.links;
    expect(before).toBeGreaterThan(0);
    proxy.halfOpen();
    await write(agent, { 'a/1': 'new', 'a/2': undefined });
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'new', 'a/3': 'z' });
    expect(view.told).toEqual(['initial', 'reconnected']);
  });

  it('an answer that takes longer than `timeout`, for ever: it comes all the same, since it never stops', async () => {
    const { agent } = await ownConsul();
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`a/${n}`, 'x'.repeat(1_000)]));
    await write(agent, many);
    const proxy = await proxied(agent);
    proxy.throttle(250_000);
    const view = new ConsulView(consulClient(proxy.port), { timeout: 900 });
    await expect.poll(() => view.values, soon).toEqual(many);
    await write(agent, { 'a/0': 'new' });
    await expect.poll(() => view.values?.['a/0'], soon).toBe('new');
    expect(view.told).toHaveLength(2);
  });

  it('a crash, and it is back with its data: what was written meanwhile is told as one resync', async () => {
    const { agent, proxy, view } = await watching({ servers: 1 });
    await proxy.refuse();
    await agent.kill();
    await expect.poll(() => view.stale, soon).toBe('CONNECTION_LOST');
    await agent.start();
    await write(agent, { 'a/1': 'new', 'a/2': undefined, 'a/4': 'more' });
    await proxy.accept();
    await expect.poll(() => view.told, soon).toEqual(['initial', 'reconnected']);
    expect([view.values, view.stale]).toEqual([{ 'a/1': 'new', 'a/3': 'z', 'a/4': 'more' }, undefined]);
  });

  it('it is stopped for longer than all time limits: that is found out, and then it goes on', async () => {
    const { agent, view } = await watching({}, { wait: 200, timeout: 300 });
    agent.pause();
    await expect.poll(() => view.stale, soon).toBe('CONNECTION_LOST');
    expect(view.statuses.map(({ cause }) => String(cause)).join()).toContain('no answer within');
    expect([view.values, view.told]).toEqual([three, ['initial']]);
    agent.resume();
    await expect.poll(() => view.told, soon).toEqual(['initial', 'reconnected']);
    await write(agent, { 'a/1': 'new' });
    await expect.poll(() => view.values, soon).toEqual({ ...three, 'a/1': 'new' });
  });

  it('an answer grows beyond what it may have: what was told stays until it is small again', async () => {
    const { agent, view } = await watching({}, { maxAnswer: 2_000 });
    await write(agent, { 'a/1': 'x'.repeat(2_000), 'a/2': undefined });
    await expect.poll(() => view.stale, soon).toBe('TOO_LARGE');
    expect([view.values, view.told]).toEqual([three, ['initial']]);
    await write(agent, { 'a/1': 'small' });
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'small', 'a/3': 'z' });
    expect([view.stale, view.told.length]).toEqual([undefined, 2]);
  });

  it('idle for many times `wait`: nothing is told, nothing is read again', async () => {
    const { proxy, view } = await watching({}, { wait: 20, timeout: 5_000 });
    const { received } = proxy;
    await expect.poll(() => proxy.received - received, soon).toBeGreaterThan(20_000);
    expect([view.told, proxy.accepted]).toEqual([['initial'], 1]);
  });
});

describe.runIf(needServer(consulLine))('fromConsul and three servers', () => {
  it('the leader is killed: a follower that is watched tells everything', async () => {
    const { agents, view } = await watching({ servers: 3 });
    const leader = JSON.parse((await agents[0]!.request('GET', '/v1/status/leader')).body) as string;
    const self = async (index: number) => {
      const { body } = await agents[index]!.request('GET', '/v1/agent/self');
      return (JSON.parse(body) as { Config: { NodeName: string }; DebugConfig: { ServerPort: number } }).DebugConfig
        .ServerPort;
    };
    const ports = await Promise.all([0, 1, 2].map(self));
    const index = ports.findIndex((port) => leader.endsWith(`:${port}`));
    // The view is one of the first server: if that is the leader, it is the one that goes.
    await agents[index]!.kill();
    const other = agents[(index + 1) % 3]!;
    const written = () =>
      write(other, { 'a/1': 'new' }).then(
        () => true,
        () => false,
      );
    await expect.poll(written, soon).toBe(true);
    if (index === 0) await agents[0]!.start();
    await expect.poll(() => view.values, soon).toEqual({ ...three, 'a/1': 'new' });
    expect(view.smallest).toBe(3);
  });

  it('two of them are gone: there is no leader, and what was told stays', async () => {
    const { agents, view } = await watching({ servers: 3 });
    await agents[1]!.kill();
    await agents[2]!.kill();
    await expect.poll(() => view.stale, soon).toBe('CONNECTION_LOST');
    expect([view.values, view.smallest]).toEqual([three, 3]);
    await agents[1]!.start({ wait: false });
    await expect.poll(() => view.stale, soon).toBeUndefined();
    const written = () =>
      write(agents[1]!, { 'a/1': 'new' }).then(
        () => true,
        () => false,
      );
    await expect.poll(written, soon).toBe(true);
    await expect.poll(() => view.values, soon).toEqual({ ...three, 'a/1': 'new' });
    expect(view.smallest).toBe(3);
  });
});
