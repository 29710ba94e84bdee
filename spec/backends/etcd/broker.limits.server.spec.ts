import { describe, expect, it } from 'vitest';
import { type EtcdBrokerConfig, etcdBroker } from '../../../lib/backends/etcd/index.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { encodeText as bytes } from '../../../lib/internal/bytes.ts';
import { needServer } from '../../servers/need.ts';
import { needShared, shared } from '../../servers/shared.ts';
import { etcdClient, ownEtcd, ownPrefix } from '../../support/etcd.ts';

/** On the shared server, under keys of its own. */
async function broker(config: EtcdBrokerConfig<Uint8Array> = {}) {
  const { endpoints } = await shared('etcd-3.4');
  const client = etcdClient(endpoints);
  const prefix = ownPrefix();
  return { broker: etcdBroker(client, { prefix, ...config }), client, prefix };
}

const megabyte = (count: number) => new Uint8Array(Math.floor(count * 2 ** 20)).fill(97);

describe.runIf(needShared('etcd-3.4'))('values of etcdBroker', () => {
  it('are kept byte for byte, also an empty one', async () => {
    const { broker: store } = await broker();
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.put('all', all);
    await store.put('empty', new Uint8Array());
    expect(await store.get('all')).toMatchObject({ found: true, value: all });
    expect(await store.get('empty')).toMatchObject({ found: true, value: new Uint8Array() });
    expect((await store.compareAndSwap('empty', new Uint8Array(), all)).swapped).toBe(true);
    expect((await store.compareAndSwap('missing', new Uint8Array(), all)).swapped).toBe(false);
  });

  it('of 1.49 MB are stored; larger ones are refused before anything is sent, with key and limit', async () => {
    const { broker: store, prefix } = await broker();
    await store.put('large', megabyte(1.49));
    expect((await store.get('large')) as { value: Uint8Array }).toMatchObject({ found: true });
    const key = `${prefix}larger`;
    const large = { code: 'TOO_LARGE', backend: 'etcd', key, message: expect.stringContaining('1572864') };
    await expect(store.put('larger', megabyte(1.6))).rejects.toMatchObject(large);
    await expect(store.compareAndSwap('larger', undefined, megabyte(1.6))).rejects.toMatchObject(large);
    const txn = store.txn().put('small', bytes('1')).put('larger', megabyte(1.6));
    await expect(txn.commit()).rejects.toMatchObject(large);
    expect(await store.listKeys()).toEqual(['large']);
  });

  it('that make an answer of more than 4 MB together are listed', async () => {
    const { broker: store } = await broker();
    for (let i = 0; i < 8; i += 1) await store.put(`${i}`, megabyte(1));
    const all = await store.list();
    expect(all.map(({ key, value }) => `${key}: ${value.length}`)).toHaveLength(8);
    expect(all.every(({ value }) => value.length === 2 ** 20)).toBe(true);
    await store.deletePrefix('');
  });
});

describe.runIf(needShared('etcd-3.4'))('keys of etcdBroker', () => {
  it('by the hundred thousand are listed page by page, as they were when the first page was read', async () => {
    const { broker: store, client, prefix } = await broker();
    const numbers = Array.from({ length: 100_000 }, (_, i) => String(i).padStart(6, '0'));
    for (let i = 0; i < numbers.length; i += 128) {
      const txn = store.txn();
      for (const number of numbers.slice(i, i + 128)) txn.put(number, bytes(number));
      await txn.commit();
    }
    const listing = store.list();
    await client.put(`${prefix}099999`).value('changed while it is listed');
    const listed = await listing;
    expect(listed.map(({ key }) => key)).toEqual(numbers);
    expect(new Set(listed.slice(0, -1).map(({ key, value }) => key === Buffer.from(value).toString()))).toEqual(
      new Set([true]),
    );
    expect(await store.listKeys({ start: '000010', end: '000013' })).toEqual(['000010', '000011', '000012']);
    expect((await store.deletePrefix('')).deleted).toBe(100_000);
  });

  it('that are no UTF-8 are an error in a list, and read byte by byte where that is asked for', async () => {
    const { broker: store, client, prefix } = await broker();
    await client.put(Buffer.concat([Buffer.from(prefix), Buffer.of(0xff, 0x61)])).value('1');
    await expect(store.list()).rejects.toMatchObject({
      code: 'DECODE_FAILED',
      message: expect.stringContaining('keyEncoding'),
    });
    await expect(store.listKeys()).rejects.toMatchObject({ code: 'DECODE_FAILED' });
    const latin = etcdBroker(client, { prefix, keyEncoding: 'latin1', codec: textCodec });
    expect(await latin.list()).toMatchObject([{ key: '\xffa', value: '1' }]);
    await latin.put('\xffb', '2');
    expect(await latin.listKeys()).toEqual(['\xffa', '\xffb']);
    await expect(latin.put('\u0100', '1')).rejects.toMatchObject({ code: 'INVALID_KEY' });
    expect((await latin.delete('\xffa')).existed).toBe(true);
  });

  it('that etcd does not have: the empty one, and half a character', async () => {
    const { broker: store, client } = await broker();
    const whole = etcdBroker(client);
    expect(await whole.get('')).toEqual({ found: false, key: '' });
    expect(await whole.delete('')).toEqual({ existed: false });
    await expect(whole.put('', bytes('1'))).rejects.toMatchObject({ code: 'INVALID_KEY', backend: 'etcd' });
    await expect(whole.put('', bytes('1'), { ttl: 1_000 })).rejects.toMatchObject({ code: 'INVALID_KEY' });
    await expect(store.put('\ud800', bytes('1'))).rejects.toMatchObject({ code: 'INVALID_KEY' });
    await expect(store.get('\ud800')).rejects.toMatchObject({ code: 'INVALID_KEY' });
    expect(await store.listKeys()).toEqual([]);
  });
});

describe.runIf(needShared('etcd-3.4'))('transactions of etcdBroker', () => {
  it('of 128 writes are done, of 129 refused before anything is sent', async () => {
    const { broker: store } = await broker();
    const write = (count: number) => {
      const txn = store.txn();
      for (let i = 0; i < count; i += 1) txn.put(`${i}`, bytes(`${i}`));
      return txn.commit();
    };
    await expect(write(129)).rejects.toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('128') });
    expect(await store.listKeys()).toEqual([]);
    await write(128);
    expect(await store.listKeys()).toHaveLength(128);
  });

  it('with times to live', async () => {
    const { broker: store } = await broker();
    const txn = store.txn().put('short', bytes('1'), { ttl: 1_000 }).put('long', bytes('1'), { ttl: 60_500 });
    expect(await txn.put('kept', bytes('1')).commit()).toMatchObject({ ttl: 61_000 });
    await expect.poll(() => store.listKeys(), { timeout: 10_000 }).toEqual(['kept', 'long']);
  });
});

describe.runIf(needServer('etcd-3.4'))('limits of a server that etcdBroker does not know', () => {
  it('are said by the server, with our code, and nothing is written', async () => {
    const etcd = await ownEtcd({ args: ['--max-txn-ops', '2', '--max-request-bytes', '10000'] });
    const store = etcdBroker(etcdClient(etcd.endpoints));
    const three = store.txn().put('a', bytes('1')).put('b', bytes('1')).put('c', bytes('1'));
    await expect(three.commit()).rejects.toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('3') });
    await expect(store.put('a', megabyte(0.1))).rejects.toMatchObject({ code: 'TOO_LARGE', key: 'a' });
    expect(await store.listKeys()).toEqual([]);
    const less = etcdBroker(etcdClient(etcd.endpoints), { maxTxnOps: 2, maxRequestBytes: 100 });
    await expect(less.put('a', bytes('x'.repeat(200)))).rejects.toMatchObject({
      message: expect.stringContaining('100 (max-request-bytes)'),
    });
  });

  it('a full disk: a write is refused, and reads go on', async () => {
    const etcd = await ownEtcd({ args: ['--quota-backend-bytes', String(2 ** 20)] });
    const store = etcdBroker(etcdClient(etcd.endpoints));
    const fill = async () => {
      // It looks at its size every now and then.
      for (let i = 0; i < 500; i += 1) await store.put(`${i}`, megabyte(0.2));
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('database space exceeded'),
    });
    expect(await store.get('0')).toMatchObject({ found: true });
  });

  it('permissions: what is denied is named, and a transaction with one such key does nothing', async () => {
    const etcd = await ownEtcd({ auth: 'simple' });
    const as = (username: string, password: string) =>
      etcdBroker(etcdClient(etcd.endpoints, { auth: { username, password } }), { codec: textCodec });
    const store = as('user', 'user');
    await store.put('app/a', '1');
    const denied = { code: 'ACCESS_DENIED', key: 'other/a', message: expect.stringContaining('permission denied') };
    await expect(store.put('other/a', '1')).rejects.toMatchObject(denied);
    await expect(store.get('other/a')).rejects.toMatchObject(denied);
    await expect(store.txn().put('app/b', '1').put('other/a', '1').commit()).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    expect(await store.listKeys({ prefix: 'app/' })).toEqual(['app/a']);
    await expect(as('user', 'wrong').get('app/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const nobody = etcdBroker(etcdClient(etcd.endpoints));
    await expect(nobody.put('app/a', bytes('1'))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});
