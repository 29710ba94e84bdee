import { describe, expect, it } from 'vitest';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { ConsulView, consulClient } from '../../support/consul.ts';
import { answer, type FakeAnswer, fakeConsul, listed } from '../../support/fakeConsul.ts';

const soon = { timeout: 10_000, interval: 5 };
const three = { 'a/1': ['x', 3], 'a/2': ['y', 4], 'a/3': ['z', 5] } as const;

/** A view of three keys, and then one thing after the other: what comes last stays. */
async function seeing(...then: readonly FakeAnswer[]) {
  const fake = await fakeConsul((_, count) => (count === 1 ? listed(5, three) : (then[count - 2] ?? 'hang')));
  const view = new ConsulView(consulClient(fake.port));
  await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'x', 'a/2': 'y', 'a/3': 'z' });
  return { fake, view };
}

const cut =
  (body: string, headers = {}): FakeAnswer =>
  (response) => {
    response.writeHead(200, { 'X-Consul-Index': '6', ...headers });
    response.write(body);
    // What was written is to arrive, and no more.
    setTimeout(() => response.destroy(), 10);
  };

const whole = JSON.stringify([{ Key: 'a/1', Value: null, ModifyIndex: 6 }]);

describe('an answer that is not whole, or not of Consul, is never told as fewer keys', () => {
  it.each<[string, FakeAnswer]>([
    ['500', answer(500, 'No cluster leader')],
    ['502 of a proxy', answer(502, '<html>Bad Gateway</html>')],
    ['413', answer(413, 'too large', 6)],
    ['429', answer(429, 'slow down')],
    ['404 of a proxy, without an index', answer(404, 'not here')],
    ['404 with an index that is none', answer(404, '', 'x')],
    ['200 without an index', answer(200, whole)],
    ['200 with an index beyond all numbers', answer(200, whole, '99999999999999999999')],
    ['an empty list, which Consul does not send', answer(200, '[]', 6)],
    ['no list', answer(200, 'null', 6)],
    ['an entry without a ModifyIndex', answer(200, '[{"Key":"a/1","Value":null}]', 6)],
    ['an entry that is none', answer(200, '[null]', 6)],
    ['a page of a captive portal', answer(200, '<html>Log in</html>', 6)],
    ['a moved page', (response) => response.writeHead(301, { location: '/', 'X-Consul-Index': '6' }).end()],
    ['a body that is cut off, of a known length', cut(whole, { 'Content-Length': '100000' })],
    ['a body that is cut off, in chunks', cut(whole)],
    ['a body that is cut off inside, in chunks', cut(whole.slice(0, 20))],
    ['JSON that is cut off, and closed as if it were whole', answer(200, whole.slice(0, -5), 6)],
    ['an answer that stops', (response) => response.writeHead(200, { 'X-Consul-Index': '6' }).write('[')],
    ['no answer at all', 'hang'],
  ])('%s', async (_, broken) => {
    const { view } = await seeing(broken, broken, broken, listed(7, { ...three, 'a/1': ['new', 7] }));
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'new', 'a/2': 'y', 'a/3': 'z' });
    expect(view.smallest).toBe(3);
    expect(view.told).toEqual(['initial', 'reconnected']);
    expect(view.statuses.some(({ stale }) => stale !== undefined)).toBe(true);
    expect(view.stale).toBeUndefined();
  });

  it('an answer that is larger than it may be: the status says so', async () => {
    const fake = await fakeConsul(() => listed(5, three));
    const view = new ConsulView(consulClient(fake.port), { maxAnswer: 100 });
    await expect
      .poll(() => view.statuses.some(({ cause }) => (cause as { code?: string })?.code === 'TOO_LARGE'), soon)
      .toBe(true);
    expect(view.told).toEqual([]);
  });
});

it('a prefix that Consul refuses to be asked for is not taken for a store that is away', async () => {
  const message = 'invalid key name, leading/trailing spaces are not allowed';
  const fake = await fakeConsul(() => answer(500, message));
  const view = new ConsulView(consulClient(fake.port), { prefixes: ['a '] });
  const refused = expect.objectContaining({ code: 'INVALID_KEY', message: expect.stringContaining(message) });
  await expect.poll(() => view.statuses.at(-1)?.cause, soon).toEqual(refused);
  expect(view.told).toEqual([]);
});

describe('the index', () => {
  it('is asked for as it was answered, and forgotten after an error', async () => {
    const { fake, view } = await seeing(listed(6, three), answer(500, ''), listed(8, three), 'hang');
    await expect.poll(() => fake.requests.length, soon).toBe(5);
    expect(fake.requests.map(({ query }) => query.get('index'))).toEqual([null, '5', '6', null, '8']);
    expect(view.told.at(-1)).toBe('reconnected');
  });

  it('is never 0: that would mean not to wait', async () => {
    const fake = await fakeConsul((_, count) => (count === 1 ? listed(0, three) : 'hang'));
    new ConsulView(consulClient(fake.port));
    await expect.poll(() => fake.requests.at(-1)?.query.get('index'), soon).toBe('1');
  });

  it('that goes back with other entries: everything is read again, and told as regressed', async () => {
    const older = { 'a/1': ['old', 2], 'a/2': ['y', 4] } as const;
    const { fake, view } = await seeing(listed(4, older), listed(4, older), 'hang');
    await expect.poll(() => view.told, soon).toEqual(['initial', 'regressed']);
    expect(view.values).toEqual({ 'a/1': 'old', 'a/2': 'y' });
    await expect.poll(() => fake.requests.length, soon).toBe(4);
    expect(fake.requests.map(({ query }) => query.get('index'))).toEqual([null, '5', null, '4']);
  });

  it('that goes on, of a key that goes back: the same', async () => {
    const mixed = { ...three, 'a/2': ['older', 2] } as const;
    const { view } = await seeing(listed(9, mixed), listed(9, mixed), 'hang');
    await expect.poll(() => view.told.at(-1), soon).toBe('regressed');
    expect(view.values).toMatchObject({ 'a/2': 'older' });
  });

  it('that goes back after a break is told as regressed, too', async () => {
    const { view } = await seeing(answer(500, ''), listed(2, { 'a/1': ['old', 2] }), 'hang');
    await expect.poll(() => view.told, soon).toEqual(['initial', 'regressed']);
    expect(view.values).toEqual({ 'a/1': 'old' });
  });

  it('that goes back with the same entries, when Consul forgets its tombstones: nothing is told, and it is the new one', async () => {
    const { fake, view } = await seeing(listed(4, three), 'hang');
    await expect.poll(() => fake.requests.length, soon).toBe(3);
    expect(fake.requests.at(-1)!.query.get('index')).toBe('4');
    expect(view.told).toHaveLength(1);
  });

  it('that goes on with the same entries: nothing is told', async () => {
    const { fake, view } = await seeing(listed(50, three), listed(60, three), 'hang');
    await expect.poll(() => fake.requests.length, soon).toBe(4);
    expect(view.told).toHaveLength(1);
  });
});

describe('no keys at all', () => {
  it('are listed once more when the token may read there: it may have been allowed to only after the list', async () => {
    const fake = await fakeConsul((_, count) =>
      count === 1 ? listed(5, {}) : count === 2 ? listed(5, three) : 'hang',
    );
    const view = new ConsulView(consulClient(fake.port));
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'x', 'a/2': 'y', 'a/3': 'z' });
    expect(view.told).toEqual(['initial']);
  });

  it('also for a broker', async () => {
    const fake = await fakeConsul((_, count) => listed(5, count === 1 ? {} : three));
    const broker = consulBroker(consulClient(fake.port), { codec: textCodec });
    expect(await broker.list()).toHaveLength(3);
  });
});

describe('a question that waits', () => {
  it('is over at once when nobody wants the answer any more', async () => {
    let closed = false;
    const { fake, view } = await seeing((response) => response.on('close', () => (closed = true)));
    await expect.poll(() => fake.requests.length, soon).toBe(2);
    view.subscription.unsubscribe();
    await expect.poll(() => closed, soon).toBe(true);
    expect(fake.requests).toHaveLength(2);
  });

  it('and is sent away early with what was known: a backup may have been restored, so it is asked without an index', async () => {
    const { fake, view } = await seeing(listed(5, three), listed(9, { 'a/1': ['restored', 9] }), 'hang');
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'restored' });
    await expect.poll(() => fake.requests.length, soon).toBe(4);
    expect(fake.requests.map(({ query }) => query.get('index'))).toEqual([null, '5', null, '9']);
  });
});

describe('what an answer may hold', () => {
  it('what changes without an index is told, too: a token that may see more', async () => {
    const { view } = await seeing(listed(5, { ...three, 'a/4': ['seen', 2] }), 'hang');
    await expect.poll(() => view.values, soon).toMatchObject({ 'a/4': 'seen' });
  });

  it('keys that are not UTF-8 are rejected, others with the same character are not', async () => {
    const entries = [
      `{"Key":"a/\\ufffd","Value":"MQ==","ModifyIndex":2}`,
      `{"Key":"a/\\ufffd","Value":"Mg==","ModifyIndex":3}`,
      `{"Key":"a/1","Value":"Mw==","ModifyIndex":4}`,
    ];
    const raw = answer(200, `[${entries.join(',')}]`, 5);
    const fake = await fakeConsul((_, count) => (count < 4 ? raw : listed(9, { 'a/\ufffd': ['fine', 9] })));
    const view = new ConsulView(consulClient(fake.port));
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': '3' });
    expect(view.rejected).toEqual([['a/\ufffd', 'INVALID_KEY']]);
    await expect.poll(() => view.values, soon).toEqual({ 'a/\ufffd': 'fine' });
  });

  it('keys of others than its prefix are not told', async () => {
    const fake = await fakeConsul((_, count) => (count < 3 ? listed(5, { ...three, 'b/1': ['no', 1] }) : 'hang'));
    const view = new ConsulView(consulClient(fake.port), { prefixes: ['a/1', 'a/2'] });
    await expect.poll(() => view.values, soon).toEqual({ 'a/1': 'x', 'a/2': 'y' });
    expect(
      fake.requests
        .map(({ path }) => path)
        .sort()
        .slice(0, 2),
    ).toEqual(['/v1/kv/a/1', '/v1/kv/a/2']);
  });
});
