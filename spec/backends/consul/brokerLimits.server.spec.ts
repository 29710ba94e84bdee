import { describe, expect, it, onTestFinished } from 'vitest';
import { consulBroker } from '../../../lib/backends/consul/consulBroker.ts';
import { bytesCodec } from '../../../lib/codecs/bytesCodec.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { consulLine } from '../../servers/consul.ts';
import { needServer } from '../../servers/need.ts';
import { consulClient, ownConsul, proxied } from '../../support/consul.ts';

/** A broker behind a proxy, which counts what reaches Consul. */
async function own(more: { readonly acl?: boolean; readonly maxRequest?: number; readonly timeout?: number } = {}) {
  const { acl = false, ...config } = more;
  const { agent, server } = await ownConsul({ acl });
  const proxy = await proxied(agent);
  const broker = consulBroker(consulClient(proxy.port), { codec: textCodec, ...config });
  onTestFinished(() => broker.close());
  return { agent, server, proxy, broker };
}

const code = (code: string) => expect.objectContaining({ name: 'DatasyncError', code });
const text = (length: number) => 'x'.repeat(length);

describe.runIf(needServer(consulLine))('what consulBroker refuses', () => {
  it('keys that Consul would take for others, before anything is sent', async () => {
    const { broker, proxy } = await own();
    const bad = ['', '/a', 'a//b', '..', 'a/../b', './a', 'a/.', '\ud800', 'a\u0000', 'a\nb', 'a\u00a0b', 'a\u200bb'];
    for (const key of bad) {
      const attempts = [
        () => broker.get(key),
        () => broker.put(key, ''),
        () => broker.delete(key),
        () => broker.putIfNotExists(key, ''),
        () => broker.compareAndSwap(key, '', ''),
        () => broker.compareAndDelete(key, ''),
        () => broker.txn().put('good', '').put(key, '').commit(),
      ];
      for (const attempt of attempts) await expect(attempt(), JSON.stringify(key)).rejects.toEqual(code('INVALID_KEY'));
    }
    await expect(broker.list({ prefix: '/a' })).rejects.toThrow('no key starts with "/a"');
    expect(proxy.accepted).toBe(0);
  });

  it('and Consul would: each of these keys is another one there, or none', async () => {
    const { agent } = await own();
    const bad = ['/a', 'a//b', 'a/../b', './a', 'a\nb', 'a\u00a0b'];
    for (const key of bad) {
      const { status } = await agent.request('PUT', `/v1/kv/${encodeURI(key)}`, '1');
      expect([key, [301, 307, 400].includes(status)]).toEqual([key, true]);
      await agent.request('PUT', `/v1/kv/${encodeURIComponent(key)}`, '1');
    }
    const { body } = await agent.request('GET', '/v1/kv/?keys');
    // A slash at the start, which most clients cannot ask for, Consul 1.22 keeps where it is escaped.
    for (const key of bad.slice(1)) expect(body).not.toContain(JSON.stringify(key));
  });

  it('keys that Consul 1.22 keeps, and does not show by their names: an error that does not go away', async () => {
    const { broker } = await own();
    const keys = ['a ', 'a%20b', 'a%2e%2e'];
    const codeOf = ({ code }: { readonly code: string }) => code;
    for (const key of keys) {
      await broker.put(key, 'small');
      const { value } = (await broker.get(key).catch((error) => ({ value: codeOf(error) }))) as {
        readonly value: string;
      };
      expect(['small', 'INVALID_KEY']).toContain(value);
      expect([{}, 'INVALID_KEY']).toContainEqual(await broker.put(key, text(500_000)).catch(codeOf));
    }
    expect(await broker.listKeys()).toEqual(keys);
    for (const key of keys) await broker.delete(key);
    expect(await broker.listKeys()).toEqual([]);
  });

  it('keys with anything else are kept as they are', async () => {
    const { broker } = await own();
    const keys = [
      'a/',
      'a',
      '.hidden',
      'a..b',
      '...',
      'a/.../b',
      '%2F',
      '?x=1#y',
      '{key}',
      '\u{1f600}',
      'a b',
      'ü/日本',
    ];
    for (const key of keys) await broker.put(key, key);
    expect((await broker.list()).map(({ key, value }) => [key, value])).toEqual(
      [...keys].sort().map((key) => [key, key]),
    );
    for (const key of keys) expect(await broker.get(key)).toMatchObject({ found: true, value: key });
    expect(await broker.listKeys({ prefix: 'a/.' })).toEqual(['a/.../b']);
  });

  it('more than 64 operations at once, before anything is sent; 64 are one transaction', async () => {
    const { broker, proxy } = await own();
    const txnOf = (count: number) => {
      const txn = broker.txn();
      for (let n = 0; n < count; n++) txn.put(`k${n}`, 'x');
      return txn;
    };
    await expect(txnOf(65).commit()).rejects.toEqual(code('TOO_LARGE'));
    await expect(txnOf(63).put('t', 'x', { ttl: 30_000 }).commit()).rejects.toThrow('65 operations');
    expect(proxy.accepted).toBe(0);
    const { revision } = await txnOf(64).commit();
    const listed = await broker.list();
    expect(listed).toHaveLength(64);
    expect(new Set(listed.map((entry) => entry.revision))).toEqual(new Set([revision]));
  });

  it('values beyond 512 KB, before anything is sent; those of 512 KB come back whole', async () => {
    const { broker, proxy } = await own();
    await expect(broker.put('a', text(524_289))).rejects.toEqual(code('TOO_LARGE'));
    await expect(broker.txn().put('a', text(300_000)).put('b', text(300_000)).commit()).rejects.toEqual(
      code('TOO_LARGE'),
    );
    await expect(broker.put('a', text(400_000), { ttl: 30_000 })).rejects.toEqual(code('TOO_LARGE'));
    expect(proxy.accepted).toBe(0);
    for (const length of [380_000, 400_000, 524_288]) {
      await broker.put('a', text(length));
      expect(await broker.get('a')).toMatchObject({ value: text(length) });
    }
    expect(await broker.compareAndSwap('a', text(1), text(524_287))).toEqual({ swapped: false });
    expect(await broker.compareAndSwap('a', text(524_288), text(524_287))).toEqual({ swapped: true });
    expect(await broker.putIfNotExists('a', text(500_000))).toEqual({ created: false });
    expect(await broker.putIfNotExists('b', text(500_000))).toEqual({ created: true });
  });

  it('what the server refuses though we were told it would not: nothing was done', async () => {
    const { broker } = await own({ maxRequest: 10_000_000 });
    await broker.put('a', 'before');
    await expect(broker.txn().put('a', text(600_000)).commit()).rejects.toEqual(code('TOO_LARGE'));
    expect(await broker.get('a')).toMatchObject({ value: 'before' });
  });

  it('values that are no text are kept byte for byte, and an empty one is a value', async () => {
    const { broker, proxy } = await own();
    const bytes = consulBroker(consulClient(proxy.port), { codec: bytesCodec });
    const all = Uint8Array.from({ length: 256 }, (_, n) => n);
    await bytes.put('all', all);
    await bytes.txn().put('both', all).put('empty', new Uint8Array()).commit();
    expect(await bytes.get('all')).toMatchObject({ value: all });
    expect(await bytes.get('both')).toMatchObject({ value: all });
    expect(await broker.get('empty')).toMatchObject({ found: true, value: '' });
    expect(await broker.compareAndDelete('empty', '')).toEqual({ deleted: true });
  });

  it('everything but writing, where the token may not: what cannot be seen is not taken for nothing', async () => {
    const { broker, agent } = await own({ acl: true });
    await agent.request('PUT', '/v1/kv/a', '1');
    for (const attempt of [
      () => broker.get('a'),
      () => broker.list(),
      () => broker.listKeys({ prefix: 'a' }),
      () => broker.put('a', ''),
      () => broker.delete('a'),
      () => broker.deletePrefix('a'),
      () => broker.putIfNotExists('b', ''),
    ])
      await expect(attempt()).rejects.toEqual(code('ACCESS_DENIED'));
    expect((await agent.request('GET', '/v1/kv/a?raw')).body).toBe('1');
  });
});

describe.runIf(needServer(consulLine))('writes of consulBroker over a link that breaks', () => {
  it('nothing was done where nobody listens', async () => {
    const { broker, proxy } = await own();
    await proxy.refuse();
    await expect(broker.put('a', '1')).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: `[rx-datasync/consul] PUT http://${proxy.address}/v1/txn: connect ECONNREFUSED ${proxy.address}`,
    });
    await expect(broker.get('a')).rejects.toEqual(code('CONNECTION_LOST'));
    await proxy.accept();
    await broker.put('a', '1');
  });

  it('are unknown where the answer is missing, and are not repeated', async () => {
    const { broker, proxy, agent } = await own({ timeout: 500 });
    await broker.put('n', '0');
    const unknown = async (attempt: () => Promise<unknown>) =>
      expect(attempt()).rejects.toEqual(code('OUTCOME_UNKNOWN'));
    proxy.blackHole();
    await expect(broker.put('n', '1')).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: `[rx-datasync/consul] putting "n": PUT http://${proxy.address}/v1/txn: no answer within 500 ms; it may have been done, or not`,
    });
    await unknown(() => broker.delete('n'));
    await unknown(() => broker.txn().put('n', '2').commit());
    await expect(broker.get('n')).rejects.toEqual(code('CONNECTION_LOST'));
    await proxy.heal();
    agent.pause();
    // It may be faster than the signal.
    await broker.put('once', '1').catch((error: unknown) => expect(error).toEqual(code('OUTCOME_UNKNOWN')));
    agent.resume();
    const found = async () => (await broker.get('once').catch(() => undefined)) ?? { found: false };
    await expect.poll(found, { timeout: 20_000 }).toMatchObject({ found: true });
    const before = await found();
    await broker.put('n', '3');
    expect(await found()).toEqual(before);
  });
});
