import { describe, expect, it } from 'vitest';
import { fromMemory } from '../../../lib/backends/memory/fromMemory.ts';
import { memoryBroker } from '../../../lib/backends/memory/memoryBroker.ts';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { jsonCodec } from '../../../lib/codecs/jsonCodec.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { bytes, line, shown } from './helpers.ts';

function made() {
  const store = memoryStore();
  const broker = memoryBroker(store, { codec: textCodec });
  const lines: string[] = [];
  const subscription = fromMemory(store, { prefixes: [''], codec: textCodec }).subscribe((event) =>
    lines.push(line(event)),
  );
  return { store, broker, lines, subscription };
}

describe('memoryBroker', () => {
  it('reads what it wrote', async () => {
    const { broker, store } = made();
    expect(await broker.put('x', '1')).toEqual({ revision: 1 });
    expect(await broker.get('x')).toEqual({ found: true, key: 'x', value: '1', revision: 1 });
    expect(await broker.delete('x')).toEqual({ existed: true, revision: 2 });
    expect(await broker.get('x')).toEqual({ found: false, key: 'x' });
    expect(store.size).toBe(0);
  });

  it('has written before its promise is there', () => {
    const { broker, store } = made();
    void broker.put('x', '1');
    void broker.txn().put('y', '2').delete('x').commit();
    expect(shown(store)).toBe('y:2@2');
  });

  it('tells existed, without an error or an event for a missing key (F20, F40)', async () => {
    const { broker, lines } = made();
    await broker.put('x', '1');
    expect(await broker.delete('x')).toMatchObject({ existed: true });
    expect(await broker.delete('x')).toEqual({ existed: false });
    expect(lines).toEqual(['{}@0 initial', 'x:1@1', '!x@2']);
  });

  it('lists values, each with its own and none with its neighbour’s (F21)', async () => {
    const { broker } = made();
    await broker.txn().put('b', '2').put('a', '1').put('c', '3').commit();
    await broker.put('b', '4');
    expect(await broker.list()).toEqual([
      { key: 'a', value: '1', revision: 1 },
      { key: 'b', value: '4', revision: 2 },
      { key: 'c', value: '3', revision: 1 },
    ]);
    expect(await broker.listKeys({ start: 'a', end: 'c' })).toEqual(['a', 'b']);
    expect(await broker.list({ prefix: 'none' })).toEqual([]);
    expect(await broker.listKeys({ start: 'c', end: 'a' })).toEqual([]);
  });

  it('stores and tells an empty value (F22)', async () => {
    const { broker, lines } = made();
    await broker.put('x', '');
    expect(await broker.get('x')).toMatchObject({ found: true, value: '' });
    expect(lines[1]).toBe('x:@1');
  });

  it('tells an identical put, with the previous value (F23)', async () => {
    const { broker, lines } = made();
    await broker.put('x', '1');
    await broker.put('x', '1');
    expect(lines.slice(1)).toEqual(['x:1@1', 'x:1>1@2']);
  });

  it('tells a transaction as one event, the last write of a key in it, however long it is (F25)', async () => {
    const { broker, lines } = made();
    await broker.put('gone', '0');
    await broker.txn().put('a', '1').put('b', '1').delete('gone').put('a', '2').commit();
    expect(lines.at(-1)).toBe('a:2,b:1,!gone@2');
    expect(await broker.txn().commit()).toMatchObject({ revision: 2 });
    expect(lines).toHaveLength(3);
    const long = broker.txn();
    for (let i = 0; i < 129; i++) long.put(`k${i}`, 'v');
    expect(await long.commit()).toMatchObject({ revision: 3 });
    expect(lines).toHaveLength(4);
  });

  it('compares a missing key with undefined, and an empty value with an empty value (F27)', async () => {
    const { broker } = made();
    expect(await broker.compareAndSwap('x', undefined, '')).toEqual({ swapped: true, revision: 1 });
    expect(await broker.compareAndSwap('x', undefined, 'b')).toEqual({ swapped: false });
    expect(await broker.compareAndSwap('y', '', 'b')).toEqual({ swapped: false });
    expect(await broker.compareAndSwap('x', '', 'b')).toEqual({ swapped: true, revision: 2 });
    expect(await broker.compareAndSwap('x', 'other', 'c')).toEqual({ swapped: false });
    expect(await broker.compareAndDelete('x', 'other')).toEqual({ deleted: false });
    expect(await broker.compareAndDelete('x', 'b')).toEqual({ deleted: true, revision: 3 });
    expect(await broker.compareAndDelete('x', 'b')).toEqual({ deleted: false });
  });

  it('puts a key only where there is none', async () => {
    const { broker } = made();
    expect(await broker.putIfNotExists('x', '1')).toEqual({ created: true, revision: 1 });
    expect(await broker.putIfNotExists('x', '2')).toEqual({ created: false });
    expect(await broker.get('x')).toMatchObject({ value: '1', revision: 1 });
  });

  it('deletes by raw prefix, as one event', async () => {
    const { broker, lines, store } = made();
    await broker.txn().put('component/a', '1').put('component/b', '1').put('component2/a', '1').commit();
    expect(await broker.deletePrefix('component/')).toEqual({ deleted: 2, revision: 2 });
    expect(lines.at(-1)).toBe('!component/a,!component/b@2');
    expect(await broker.deletePrefix('component/')).toEqual({ deleted: 0 });
    expect(shown(store)).toBe('component2/a:1@1');
  });

  it('sees its store through a prefix, in everything it does', async () => {
    const { store } = made();
    const all = memoryBroker(store, { codec: textCodec });
    const broker = memoryBroker(store, { prefix: 'component/', codec: textCodec });
    await all.put('component2/x', 'other');
    await broker.put('x', '1');
    await broker.txn().put('y', '2').put('sub/z', '3').commit();
    expect(await all.listKeys()).toEqual(['component/sub/z', 'component/x', 'component/y', 'component2/x']);
    expect(await broker.listKeys()).toEqual(['sub/z', 'x', 'y']);
    expect(await broker.listKeys({ start: 'x', end: 'y' })).toEqual(['x']);
    expect(await broker.get('x')).toMatchObject({ found: true, key: 'x' });
    expect(await broker.under('sub/').list()).toMatchObject([{ key: 'z', value: '3' }]);
    expect(await broker.under('sub/').txn().delete('z').commit()).toMatchObject({ revision: 4 });
    expect(await broker.deletePrefix('')).toMatchObject({ deleted: 2 });
    expect(await all.listKeys()).toEqual(['component2/x']);
  });

  it('writes typed values and raw bytes into the same store', async () => {
    const { store } = made();
    const typed = memoryBroker(store, { codec: jsonCodec<{ mtu: number }>() });
    const raw = memoryBroker(store);
    await typed.put('if', { mtu: 1500 });
    expect(await raw.get('if')).toMatchObject({ value: bytes('{"mtu":1500}') });
    await raw.put('if', bytes('{"mtu":'));
    await expect(typed.get('if')).rejects.toMatchObject({ code: 'DECODE_FAILED', backend: 'memory', key: 'if' });
    await raw.put('bytes', Uint8Array.of(0, 255, 128));
    expect(await raw.get('bytes')).toMatchObject({ value: Uint8Array.of(0, 255, 128) });
  });

  it('does not wait for subscribers in put and delete', async () => {
    const { broker, store } = made();
    fromMemory(store, { prefixes: [''] }).subscribe((event) => void event.claim()); // never says anything
    expect(await broker.put('x', '1')).toEqual({ revision: 1 });
    expect(await broker.delete('x')).toEqual({ existed: true, revision: 2 });
  });

  it('leaves the store open when it is closed', async () => {
    const { broker, store } = made();
    await broker.close();
    await broker[Symbol.asyncDispose]();
    expect(store.put('x', bytes('1'))).toBe(1);
  });

  it.each([{ codec: {} }, { prefix: 1 }, { prefixes: [''] }, null])('refuses the options %o', (config) => {
    expect(() => memoryBroker(memoryStore(), config as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });
});
