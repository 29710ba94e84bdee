import { describe, expect, it, vi } from 'vitest';
import { brokerFrom } from '../../lib/broker/brokerFrom.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { textCodec } from '../../lib/codecs/textCodec.ts';
import { encodeText as bytes } from '../../lib/internal/bytes.ts';
import type { Broker, BrokerCapabilities, CoreBroker } from '../../lib/model/broker.ts';
import { allAbilities, fakeCore } from '../support/fakeCore.ts';

describe('brokerFrom', () => {
  it('takes a store without the methods that it declares away', async () => {
    const { get, list, listKeys, close, put, delete: del } = fakeCore().core;
    const reasons = {
      write: 'on paper',
      transactions: 'one by one',
      compareAndSwap: 'no lock',
      deletePrefix: 'no range',
    };
    const none = {
      write: false,
      ttl: false,
      lifetime: false,
      transactions: false,
      compareAndSwap: false,
      deletePrefix: false,
    };
    const reads: CoreBroker = { name: 'reads', capabilities: { ...none, reasons }, get, list, listKeys, close };
    const reader = brokerFrom(reads, { codec: textCodec });
    await expect(reader.put('k', 'v')).rejects.toThrow('[rx-datasync/reads] put: on paper');
    await expect(reader.compareAndDelete('k', 'v')).rejects.toThrow('compareAndDelete: on paper');
    const some: CoreBroker = { ...reads, capabilities: { ...none, write: true, reasons }, put: put!, delete: del! };
    const writer = brokerFrom(some, { codec: textCodec });
    await writer.put('k', 'v');
    await expect(writer.deletePrefix('k')).rejects.toThrow('deletePrefix: no range');
    await expect(writer.putIfNotExists('k', 'v')).rejects.toThrow('putIfNotExists: no lock');
    expect(() => writer.txn()).toThrow('txn: one by one');
  });

  it.each([
    ['put', 'write'],
    ['delete', 'write'],
    ['deletePrefix', 'deletePrefix'],
    ['commit', 'transactions'],
    ['compareAndSwap', 'compareAndSwap'],
    ['compareAndDelete', 'compareAndSwap'],
  ] as const)('refuses a store without %s that promises %s', (method, capability) => {
    const { [method]: _, ...core } = fakeCore().core;
    expect(() => brokerFrom(core, { codec: textCodec })).toThrow(
      `[rx-datasync/fake] brokerFrom: 'core' has no method '${method}'; capabilities.${capability} must be false then, with a reason`,
    );
  });

  it('puts the prefix before every key, and hands on bytes', async () => {
    const { core, calls } = fakeCore();
    const broker = brokerFrom(core, { prefix: 'p/', codec: textCodec });
    await broker.get('k');
    await broker.put('k', 'v', { ttl: 5 });
    await broker.delete('k');
    await broker.deletePrefix('d/');
    await broker.compareAndSwap('k', 'a', 'b');
    await broker.compareAndSwap('k', undefined, 'b');
    await broker.putIfNotExists('k', 'b', { ttl: 7 });
    await broker.compareAndDelete('k', 'b');
    expect(calls).toEqual([
      ['get', 'p/k'],
      ['put', 'p/k', bytes('v'), { ttl: 5 }],
      ['delete', 'p/k'],
      ['deletePrefix', 'p/d/'],
      ['compareAndSwap', 'p/k', bytes('a'), bytes('b'), {}],
      ['compareAndSwap', 'p/k', undefined, bytes('b'), {}],
      ['compareAndSwap', 'p/k', undefined, bytes('b'), { ttl: 7 }],
      ['compareAndDelete', 'p/k', bytes('b')],
    ]);
  });

  it('asks for ranges under its prefix: all of it by default', async () => {
    const { core, calls } = fakeCore();
    const broker = brokerFrom(core, { prefix: 'p/', codec: textCodec });
    await broker.list();
    await broker.list({ prefix: 'x' });
    await broker.listKeys({ start: 'a', end: 'c' });
    expect(calls).toEqual([
      ['list', { prefix: 'p/' }],
      ['list', { prefix: 'p/x' }],
      ['listKeys', { start: 'p/a', end: 'p/c' }],
    ]);
  });

  it('gives back keys without the prefix, from all pages', async () => {
    const { core } = fakeCore(allAbilities, {
      get: () => Promise.resolve({ key: 'p/k', value: bytes('v'), revision: 4 }),
      async *list() {
        yield [{ key: 'p/a', value: bytes('1'), revision: 1 }];
        yield [];
        yield [{ key: 'p/b', value: bytes('2'), revision: 2 }];
      },
      async *listKeys() {
        yield ['p/a', 'p/b'];
        yield ['p/c'];
      },
    });
    const broker = brokerFrom(core, { prefix: 'p/', codec: textCodec });
    expect(await broker.get('k')).toEqual({ found: true, key: 'k', value: 'v', revision: 4 });
    expect(await broker.list()).toEqual([
      { key: 'a', value: '1', revision: 1 },
      { key: 'b', value: '2', revision: 2 },
    ]);
    expect(await broker.listKeys()).toEqual(['a', 'b', 'c']);
  });

  it('sends a transaction as one list of writes, the last one of a key', async () => {
    const { core, calls } = fakeCore();
    const broker = brokerFrom(core, { prefix: 'p/', codec: textCodec });
    await broker.txn().put('a', '1').delete('b').put('b', '2', { ttl: 9 }).put('a', '3').commit({ timeout: 5 });
    expect(calls).toEqual([
      [
        'commit',
        [
          { op: 'put', key: 'p/a', value: bytes('3') },
          { op: 'put', key: 'p/b', value: bytes('2'), ttl: 9 },
        ],
        { timeout: 5 },
      ],
    ]);
  });

  it('uses a transaction once', async () => {
    const { core, calls } = fakeCore();
    const txn = brokerFrom(core, { codec: textCodec }).txn().put('a', '1');
    await txn.commit();
    await expect(txn.commit()).rejects.toMatchObject({ code: 'INVALID_CONFIG', backend: 'fake' });
    expect(() => txn.put('b', '1')).toThrow('used once');
    expect(() => txn.delete('b')).toThrow('used once');
    expect(calls).toHaveLength(1);
  });

  it('goes deeper with under, and closes the store once, by whoever made it', async () => {
    const { core, calls } = fakeCore();
    await using broker = brokerFrom(core, { prefix: 'a/', codec: textCodec });
    await using deeper = broker.under('b/').under('c/');
    await deeper.get('k');
    await deeper.close();
    expect(calls).toEqual([['get', 'a/b/c/k']]);
    await broker.close();
    await broker.close();
    expect(calls.slice(1)).toEqual([['close']]);
  });

  const name = /^\[rx-datasync\/fake\] /;

  it.each<[keyof Omit<BrokerCapabilities, 'reasons'>, string, (broker: Broker<string>) => unknown]>([
    ['write', 'put', (broker) => broker.put('k', 'v')],
    ['write', 'delete', (broker) => broker.delete('k')],
    ['write', 'deletePrefix', (broker) => broker.deletePrefix('k')],
    ['write', 'txn', (broker) => broker.txn()],
    ['write', 'compareAndSwap', (broker) => broker.compareAndSwap('k', 'v', 'w')],
    ['write', 'compareAndDelete', (broker) => broker.compareAndDelete('k', 'v')],
    ['ttl', 'put with ttl', (broker) => broker.put('k', 'v', { ttl: 5 })],
    ['ttl', 'putIfNotExists with ttl', (broker) => broker.putIfNotExists('k', 'v', { ttl: 5 })],
    ['ttl', 'txn().put with ttl', (broker) => broker.txn().put('k', 'v', { ttl: 5 })],
    ['transactions', 'txn', (broker) => broker.txn()],
    ['compareAndSwap', 'putIfNotExists', (broker) => broker.putIfNotExists('k', 'v')],
    ['compareAndSwap', 'compareAndSwap', (broker) => broker.compareAndSwap('k', 'v', 'w')],
    ['compareAndSwap', 'compareAndDelete', (broker) => broker.compareAndDelete('k', 'v')],
    ['deletePrefix', 'deletePrefix', (broker) => broker.deletePrefix('k')],
  ])('refuses what a store without %s cannot do: %s', async (capability, what, use) => {
    const { core, calls } = fakeCore({
      ...allAbilities,
      [capability]: false,
      reasons: { [capability]: 'the moon is full' },
    });
    const broker = brokerFrom(core, { codec: textCodec });
    const attempt = async (): Promise<unknown> => use(broker);
    await expect(attempt()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      backend: 'fake',
      message: `[rx-datasync/fake] ${what}: the moon is full`,
    });
    expect(calls).toEqual([]);
    expect(broker.capabilities[capability]).toBe(false);
  });

  it.each<[string, string, (broker: Broker<unknown>) => unknown]>([
    ['INVALID_KEY', 'a key that is not a text', (broker) => broker.get(5 as never)],
    ['INVALID_KEY', 'a missing key', (broker) => broker.put(undefined as never, 1)],
    ['INVALID_KEY', 'a key of a transaction', (broker) => broker.txn().delete(null as never)],
    ['INVALID_CONFIG', 'an unknown option', (broker) => broker.put('k', 1, { tll: 5 } as never)],
    ['INVALID_CONFIG', 'a negative time to live', (broker) => broker.put('k', 1, { ttl: -5 })],
    [
      'INVALID_CONFIG',
      'a time to live that is not a number',
      (broker) => broker.txn().put('k', 1, { ttl: '5' as never }),
    ],
    ['INVALID_CONFIG', 'a negative time-out', (broker) => broker.txn().commit({ timeout: -1 })],
    ['INVALID_CONFIG', 'an unknown option of commit', (broker) => broker.txn().commit({ timout: 1 } as never)],
    ['INVALID_CONFIG', 'a range of nothing', (broker) => broker.list({} as never)],
    ['INVALID_CONFIG', 'a range of two kinds', (broker) => broker.listKeys({ prefix: 'a', end: 'b' } as never)],
    [
      'INVALID_CONFIG',
      'a range with a start and a prefix',
      (broker) => broker.list({ prefix: 'a', start: 'b' } as never),
    ],
    ['INVALID_CONFIG', 'a range without an end', (broker) => broker.list({ start: 'a' } as never)],
    ['ENCODE_FAILED', 'a value the codec cannot write', (broker) => broker.put('k', () => 1)],
    ['ENCODE_FAILED', 'such a value in a transaction', (broker) => broker.txn().put('k', 1n)],
    ['ENCODE_FAILED', 'such a value to compare with', (broker) => broker.compareAndDelete('k', Symbol())],
  ])('answers %s to %s, and sends nothing', async (code, _, use) => {
    const { core, calls } = fakeCore();
    const broker = brokerFrom(core, { codec: jsonCodec() });
    const attempt = async (): Promise<unknown> => use(broker);
    await expect(attempt()).rejects.toMatchObject({ name: 'DatasyncError', code });
    expect(calls).toEqual([]);
  });

  it('says which value cannot be read or written, by its whole key', async () => {
    const value = bytes('{');
    const { core } = fakeCore(allAbilities, {
      get: (key) => Promise.resolve({ key, value, revision: 1 }),
      async *list() {
        yield [{ key: 'p/bad', value, revision: 1 }];
      },
    });
    const broker = brokerFrom(core, { prefix: 'p/', codec: jsonCodec() });
    const unreadable = { code: 'DECODE_FAILED', backend: 'fake', key: 'p/bad', message: expect.stringMatching(name) };
    await expect(broker.get('bad')).rejects.toMatchObject({ ...unreadable, cause: expect.any(SyntaxError) });
    await expect(broker.list()).rejects.toMatchObject(unreadable);
    const unwritable = { code: 'ENCODE_FAILED', backend: 'fake', key: 'p/bad' };
    await expect(broker.put('bad', undefined)).rejects.toMatchObject({
      ...unwritable,
      message: '[rx-datasync/fake] the value of "p/bad" cannot be written as JSON: undefined',
    });
    await expect(broker.put('bad', 1n)).rejects.toMatchObject({ ...unwritable, cause: expect.any(TypeError) });
  });

  it('refuses a codec that makes no bytes, or no value', async () => {
    const { core, calls } = fakeCore(allAbilities, {
      get: (key) => Promise.resolve({ key, value: bytes(''), revision: 1 }),
    });
    const codec = { name: 'odd', encode: () => 'text' as never, decode: () => undefined };
    const broker = brokerFrom<unknown>(core, { codec });
    await expect(broker.put('k', 1)).rejects.toMatchObject({ code: 'ENCODE_FAILED', key: 'k' });
    await expect(broker.get('k')).rejects.toMatchObject({ code: 'DECODE_FAILED', key: 'k' });
    expect(calls).toEqual([]);
  });

  it('hands on a lifetime, refuses one beside a ttl, and where the store has none', async () => {
    const { core, calls } = fakeCore();
    const broker = brokerFrom(core, { codec: textCodec });
    await broker.put('k', 'v', { lifetime: 'client' });
    await broker.txn().put('k', 'v', { lifetime: 'client' }).commit();
    expect(calls).toEqual([
      ['put', 'k', bytes('v'), { lifetime: 'client' }],
      ['commit', [{ op: 'put', key: 'k', value: bytes('v'), lifetime: 'client' }], {}],
    ]);
    await expect(broker.put('k', 'v', { lifetime: 'client', ttl: 1 })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    });
    const none = brokerFrom(fakeCore({ ...allAbilities, lifetime: false }).core, { codec: textCodec });
    await expect(none.put('k', 'v', { lifetime: 'client' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('passes on what the store rejects with', async () => {
    const lost = new Error('connection reset');
    const { core } = fakeCore(allAbilities, {
      put: () => Promise.reject(lost),
      commit: vi.fn(() => Promise.reject(lost)),
    });
    const broker = brokerFrom(core, { codec: textCodec });
    await expect(broker.put('k', 'v')).rejects.toBe(lost);
    await expect(broker.txn().put('k', 'v').commit()).rejects.toBe(lost);
  });

  it.each([{}, { codec: {} }, { codec: textCodec, prefix: 5 }, { codec: textCodec, prefixes: [] }])(
    'refuses the options %o',
    (config) => {
      expect(() => brokerFrom(fakeCore().core, config as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG' }),
      );
    },
  );
});
