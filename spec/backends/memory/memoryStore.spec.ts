import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { bytes, del, put, shown, text } from './helpers.ts';

describe('memoryStore', () => {
  it('starts empty, at revision 0', () => {
    const store = memoryStore();
    expect([store.revision, store.size, store.entries()]).toEqual([0, 0, []]);
    expect(store.get('x')).toBeUndefined();
  });

  it('counts one revision per transaction, and gives it to every key of it', () => {
    const store = memoryStore();
    expect(store.put('x', bytes('1'))).toBe(1);
    expect(store.apply([put('y', '2'), put('z', '3'), del('x')])).toBe(2);
    expect(shown(store)).toBe('y:2@2 z:3@2');
  });

  it('lets the last write of a key win inside a transaction', () => {
    const store = memoryStore();
    store.apply([put('x', '1'), put('x', '2'), put('y', '1'), del('y'), del('z'), put('z', '1')]);
    expect(shown(store)).toBe('x:2@1 z:1@1');
  });

  it('counts an identical put: it is a write like any other', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    expect(store.put('x', bytes('1'))).toBe(2);
    expect(shown(store)).toBe('x:1@2');
  });

  it.each([
    ['an empty transaction', []],
    ['a delete of a missing key', [del('nothing')]],
    ['a put and a delete of a new key', [put('new', '1'), del('new')]],
  ])('makes no revision of %s', (_, writes) => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    expect(store.apply(writes)).toBe(1);
    expect(store.revision).toBe(1);
  });

  it('says whether a deleted key existed', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    expect([store.delete('x'), store.delete('x')]).toEqual([true, false]);
  });

  it('keeps an empty value, an empty key and a key beyond ASCII apart from nothing', () => {
    const store = memoryStore();
    store.put('', bytes('empty key'));
    store.put('ключ/😀', new Uint8Array());
    expect(store.get('')).toEqual({ key: '', value: bytes('empty key'), revision: 1 });
    expect(store.get('ключ/😀')?.value).toEqual(new Uint8Array());
    expect(store.size).toBe(2);
  });

  it('keeps every byte', () => {
    const store = memoryStore();
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    store.put('x', all);
    expect(store.get('x')?.value).toEqual(all);
  });

  it('copies what is put, and hands out plain bytes', () => {
    const store = memoryStore();
    const mine = Buffer.from('before');
    store.put('x', mine);
    mine.write('AFTER!');
    const { value } = store.get('x')!;
    expect(text(value)).toBe('before');
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
  });

  it('lists by raw prefix, sorted by key', () => {
    const store = memoryStore();
    store.apply([put('component2/a', '4'), put('component/b', '2'), put('component', '1'), put('component/a', '1')]);
    expect(shown(store, 'component/')).toBe('component/a:1@1 component/b:2@1');
    expect(shown(store, 'component')).toBe('component:1@1 component/a:1@1 component/b:2@1 component2/a:4@1');
    expect(shown(store, 'nothing')).toBe('');
  });

  it.each([
    ['a key that is not a text', 'INVALID_KEY', { op: 'put', key: 5, value: bytes('1') }],
    ['a value that is not bytes', 'ENCODE_FAILED', { op: 'put', key: 'x', value: 'text' }],
    ['a negative time to live', 'INVALID_CONFIG', { op: 'put', key: 'x', value: bytes('1'), ttl: -1 }],
    ['no time to live at all', 'INVALID_CONFIG', { op: 'put', key: 'x', value: bytes('1'), ttl: 0 }],
  ])('refuses %s, and writes nothing of that transaction', (_, code, write) => {
    const store = memoryStore();
    expect(() => store.apply([put('good', '1'), write as never])).toThrow(expect.objectContaining({ code }));
    expect([store.revision, store.size]).toEqual([0, 0]);
  });

  it.each([{ history: 0 }, { history: '5' }, { histori: 5 }, null])('refuses the options %o', (options) => {
    expect(() => memoryStore(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });
});

describe('the past of a memoryStore', () => {
  it('can be listed as far as the log goes', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    store.apply([put('x', '2'), put('y', '2')]);
    store.delete('x');
    const past = [0, 1, 2, 3].map((at) => shown(store, '', at));
    expect(past).toEqual(['', 'x:1@1', 'x:2@2 y:2@2', 'y:2@2']);
  });

  it('goes with a compaction, up to the revision that is kept', () => {
    const store = memoryStore();
    for (const value of ['1', '2', '3', '4']) store.put('x', bytes(value));
    store.compact(2);
    expect(store.compacted).toBe(2);
    expect(shown(store, '', 2)).toBe('x:2@2');
    expect(() => store.entries('', 1)).toThrow(expect.objectContaining({ reason: 'compacted' }));
    store.compact(1); // never back
    expect(store.compacted).toBe(2);
    store.compact();
    expect([store.compacted, shown(store)]).toEqual([4, 'x:4@4']);
    expect(store.put('x', bytes('5'))).toBe(5);
    expect(shown(store, '', 4)).toBe('x:4@4');
  });

  it.each([-1, 1.5, Number.NaN, '1'])('cannot be compacted up to %s', (revision) => {
    expect(() => memoryStore().compact(revision as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  it('is bounded by `history`', () => {
    const store = memoryStore({ history: 3 });
    for (let i = 1; i <= 10; i++) store.put('x', bytes(`${i}`));
    expect(store.compacted).toBe(7);
    expect(shown(store, '', 7)).toBe('x:7@7');
    expect(() => store.entries('', 6)).toThrow(expect.objectContaining({ reason: 'compacted' }));
  });

  it('has no future', () => {
    expect(() => memoryStore().entries('', 1)).toThrow(expect.objectContaining({ reason: 'regressed' }));
  });

  it('is gone after a wipe, like everything else', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    store.put('x', bytes('2'));
    store.wipe();
    expect([store.revision, store.size, store.compacted]).toEqual([0, 0, 0]);
    expect(store.put('y', bytes('1'))).toBe(1);
    expect(shown(store, '', 0)).toBe('');
  });
});
