import { describe, expect, it } from 'vitest';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { ConsulView, consulClient, ownConsul, proxied, write } from '../../support/consul.ts';

const soon = { timeout: 60_000, interval: 20 };

describe.runIf(needServer(consulLine))('the traffic of fromConsul', () => {
  it('2,000 writes on 100,000 keys: the view ends equal, and few of them are worth a whole answer', async () => {
    const { agent } = await ownConsul();
    const names = Array.from({ length: 100_000 }, (_, n) => `a/${n % 100}/${n}`);
    const expected = Object.fromEntries(names.map((name) => [name, `the value of ${name}`]));
    await write(agent, expected);
    const proxy = await proxied(agent);
    const view = new ConsulView(consulClient(proxy.port), { wait: 50, timeout: 20_000, every: 10 });
    await expect.poll(() => Object.keys(view.values ?? {}).length, soon).toBe(100_000);
    const whole = proxy.received;

    // While nothing happens, only the names at the top are answered: here a hundred.
    const idle = proxy.sent;
    await expect.poll(() => proxy.sent - idle, soon).toBeGreaterThan(5_000);
    const answers = (proxy.sent - idle) / 300;
    expect(proxy.received - whole).toBeLessThan((answers * whole) / 100);

    for (let n = 0; n < 2_000; n += 20) {
      const some = names
        .slice(n * 7, n * 7 + 20)
        .map((name, i) => [name, i % 5 === 0 ? undefined : `new ${n}`] as const);
      await Promise.all(some.map(([name, value]) => write(agent, { [name]: value })));
      for (const [name, value] of some) {
        if (value === undefined) delete expected[name];
        else expected[name] = value;
      }
    }
    await write(agent, { 'a/last': 'write' });
    expected['a/last'] = 'write';
    await expect.poll(() => view.values?.['a/last'], soon).toBe('write');
    expect(view.values).toEqual(expected);
    // Consul is left alone after each answer for as long as that took: half of the time at most goes into answers.
    const reads = (proxy.received - whole) / whole;
    expect(reads).toBeLessThan(200);
    expect(view.told.length - 1).toBeLessThanOrEqual(Math.ceil(reads));
    expect(view.told.slice(1).every((text) => text.startsWith('~'))).toBe(true);
  }, 120_000);

  it('a consumer without room: nothing is asked for it', async () => {
    const { agent } = await ownConsul();
    const proxy = await proxied(agent);
    await write(agent, { 'a/1': 'x' });
    const claims: (() => void)[] = [];
    const view = new ConsulView(
      consulClient(proxy.port),
      { wait: 20, delivery: { inFlight: 1, queue: 1 } },
      (event) => {
        const claim = event.claim();
        claims.push(() => claim.done());
      },
    );
    await expect.poll(() => view.told, soon).toEqual(['initial']);
    claims[0]!();
    for (let n = 0; n < 20; n++) {
      await write(agent, { 'a/1': String(n), [`a/new${n}`]: 'x' });
      await expect.poll(() => view.told.length, soon).toBeGreaterThan(1);
    }
    // It is stuck: questions come to an end.
    let sent = -1;
    await expect
      .poll(
        () => {
          const before = sent;
          sent = proxy.sent;
          return before === sent;
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBe(true);
    expect(claims).toHaveLength(2);
    for (let n = 1; n < claims.length || view.values?.['a/new19'] === undefined; n++) {
      await expect.poll(() => claims.length, soon).toBeGreaterThan(n);
      claims[n]!();
    }
    expect(view.values).toMatchObject({ 'a/1': '19', 'a/new19': 'x' });
  });
});
