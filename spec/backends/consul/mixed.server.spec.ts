import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fromConsul } from '../../../lib/backends/consul/fromConsul.ts';
import type { SplitConfig } from '../../../lib/backends/consul/options.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import type { ConsulAgent } from '../../servers/consul.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import type { TcpProxy } from '../../servers/proxy.ts';
import { consulClient, ownConsul, proxied } from '../../support/consul.ts';
import { Follower } from '../../support/follower.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';
import { ConsulLoad } from './load.ts';

const soak = Number(process.env['DATASYNC_SOAK'] ?? 0);
const seeds = soak > 0 ? [Date.now() % 1_000_000] : [20_261_121];
const rounds = soak > 0 ? soak * 12 : 8;

type World = { readonly agent: ConsulAgent; readonly proxy: TcpProxy; readonly random: (n: number) => number };

/** What is broken, and mended again; the load goes on meanwhile. */
const faults: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  cut: async ({ proxy }) => proxy.cut(),
  'half open': async ({ proxy }) => proxy.halfOpen(),
  refused: async ({ proxy, random }) => {
    await proxy.refuse();
    await sleep(random(300));
    await proxy.accept();
  },
  'black hole': async ({ proxy, random }) => {
    proxy.blackHole();
    await sleep(random(1_500));
    await proxy.heal();
  },
  'kill -9': async ({ agent }) => {
    await agent.kill();
    await agent.start();
  },
  SIGSTOP: async ({ agent, random }) => {
    agent.pause();
    await sleep(500 + random(1_000));
    agent.resume();
  },
  restored: async ({ agent, random }) => {
    const url = `http://127.0.0.1:${agent.port}/v1/snapshot`;
    const body = await (await fetch(url)).arrayBuffer();
    await sleep(random(500));
    expect((await fetch(url, { method: 'PUT', body })).status).toBe(200);
  },
};

/** What Consul itself says there is. */
async function truth(agent: ConsulAgent): Promise<Record<string, string>> {
  const { status, body } = await agent.request('GET', '/v1/kv/a/?recurse&consistent');
  if (status === 404) return {};
  const entries = JSON.parse(body) as readonly { readonly Key: string; readonly Value: string | null }[];
  return Object.fromEntries(entries.map(({ Key, Value }) => [Key, Buffer.from(Value ?? '', 'base64').toString()]));
}

const timeout = soak > 0 ? 900_000 : 180_000;

describe.runIf(needServer(consulLine)).each(seeds)('mixed operations and faults, seed %i', { timeout }, (seed) => {
  it.each<[string, SplitConfig | undefined]>([
    ['as a whole', undefined],
    // Some sub-prefixes have a query of their own, and some have not.
    ['split', { queries: 3 }],
  ])(
    `${rounds} faults, watched %s: the view is right at each quiet point, and so is every previous value`,
    async (_, split) => {
      const { agent } = await ownConsul({ servers: 1 });
      const proxy = await proxied(agent);
      const random = randomNumbers(seed);
      const client = consulClient(proxy.port);
      const follower = Follower.of(
        (statusObserver) =>
          fromConsul(client, {
            ...{ prefixes: ['a/'], codec: textCodec, statusObserver, wait: 700, timeout: 700, every: 5 },
            ...{ retry: { delay: 20, maxDelay: 200 }, ...(split && { split }) },
          }),
        { mayCoalesce: true },
      );
      const names = Object.keys(faults);
      for (let round = 0; round < rounds; round++) {
        const load = new ConsulLoad(agent, { seed: seed + round, lanes: 3 });
        await load.more(20 + random(60));
        const name = round < names.length ? names[(round + seed) % names.length]! : names[random(names.length)]!;
        await faults[name]!({ agent, proxy, random });
        await load.more(20 + random(60));
        await load.stop();
        const expected = await truth(agent);
        expect(Object.keys(expected).length).toBeGreaterThan(5);
        await follower.holds(expected);
      }
      expect(follower.events.length).toBeGreaterThan(rounds * 5);
      // Idle: nothing is told that did not happen.
      const told = follower.events.length;
      const { received } = proxy;
      await expect.poll(() => proxy.received - received, { timeout: 20_000 }).toBeGreaterThan(2_000);
      expect(follower.events).toHaveLength(told);
    },
  );
});
