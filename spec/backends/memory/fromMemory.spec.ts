import { defer, merge, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromMemory, listMemory, watchMemory } from '../../../lib/backends/memory/fromMemory.ts';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { jsonCodec } from '../../../lib/codecs/jsonCodec.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { ChangeEvent, type DatasyncEvent, ResyncEvent } from '../../../lib/model/events.ts';
import type { SourceStatus } from '../../../lib/model/status.ts';
import { bytes, del, line, put } from './helpers.ts';

function collected<T>(source: Observable<T>) {
  const seen: unknown[] = [];
  const subscription = source.subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  });
  return { seen: seen as DatasyncEvent<string>[], subscription };
}

describe('fromMemory', () => {
  it('is cold: each subscription has its own resync', () => {
    const store = memoryStore();
    const source = fromMemory(store, { prefixes: [''], codec: textCodec });
    store.put('x', bytes('1'));
    const first = collected(source);
    store.put('x', bytes('2'));
    const second = collected(source);
    first.subscription.unsubscribe();
    store.delete('x');
    expect(first.seen.map(line)).toEqual(['{x:1}@1 initial', 'x:1>2@2']);
    expect(second.seen.map(line)).toEqual(['{x:2}@2 initial', '!x@3']);
    expect(second.seen[1]).toMatchObject({ changes: [{ op: 'delete', key: 'x', prevValue: '2', revision: 3 }] });
  });

  it('gives each key the revision of its last write', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    store.put('y', bytes('2'));
    const { seen, subscription } = collected(fromMemory(store, { prefixes: [''], codec: textCodec }));
    expect((seen[0] as ResyncEvent<string>).entries.sorted()).toEqual([
      { key: 'x', value: '1', revision: 1 },
      { key: 'y', value: '2', revision: 2 },
    ]);
    subscription.unsubscribe();
  });

  it('rejects what the codec does, keeps the last good value, and hands out bytes without a codec', () => {
    const store = memoryStore();
    store.put('x', bytes('1'));
    const json = collected(fromMemory(store, { prefixes: [''], codec: jsonCodec<number>() }));
    const raw = collected(fromMemory(store, { prefixes: [''] }));
    store.put('x', bytes('{'));
    const rejected = [{ key: 'x', raw: bytes('{'), lastGood: 1, error: { code: 'DECODE_FAILED', backend: 'memory' } }];
    expect(json.seen[1]).toMatchObject({ type: 'change', revision: 2, changes: [], rejected });
    expect(raw.seen[1]).toMatchObject({ changes: [{ key: 'x', value: bytes('{'), prevValue: bytes('1') }] });
    for (const { subscription } of [json, raw]) subscription.unsubscribe();
  });

  it('counts its subscriptions for the status observer', () => {
    const store = memoryStore();
    const seen: string[] = [];
    const next = ({ subscription, state }: SourceStatus): void => void seen.push(`${subscription} ${state}`);
    const source = fromMemory(store, { prefixes: [''], statusObserver: { next } });
    source.subscribe().unsubscribe();
    source.subscribe().unsubscribe();
    expect(seen.filter((told) => /live|closed/.test(told))).toEqual(['1 live', '1 closed', '2 live', '2 closed']);
  });

  it.each([
    {},
    { prefixes: 'a/' },
    { prefixes: [] },
    { prefixes: [''], codec: {} },
    { prefixes: [''], handOver: 'pinned' },
  ])('refuses the options %o', (config) => {
    expect(() => fromMemory(memoryStore(), config as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });
});

describe('listMemory', () => {
  it('tells one resync by hand and completes; again with each subscription', () => {
    const store = memoryStore();
    store.apply([put('a/x', '1'), put('b/x', '1')]);
    const list = listMemory(store, { prefixes: ['a/', 'a/x'], codec: textCodec });
    const resync = ResyncEvent.of({ 'a/x': '1' }, 1, { prefixes: ['a/', 'a/x'] });
    expect(collected(list).seen).toEqual([resync, 'complete']);
    store.delete('a/x');
    expect(collected(list).seen).toEqual([ResyncEvent.of({}, 2, { prefixes: ['a/', 'a/x'] }), 'complete']);
  });

  it('rejects what the codec does', () => {
    const store = memoryStore();
    store.apply([put('x', '1'), put('y', '{')]);
    const [event] = collected(listMemory(store, { prefixes: [''], codec: jsonCodec<number>() })).seen;
    expect(event).toMatchObject({
      entries: { items: [{ key: 'x', value: 1, revision: 1 }] },
      rejected: [{ key: 'y', raw: bytes('{'), error: { code: 'DECODE_FAILED', backend: 'memory', key: 'y' } }],
    });
  });
});

describe('watchMemory', () => {
  it('tells what comes, with the revisions of the store and without previous values', () => {
    const store = memoryStore();
    store.put('a/x', bytes('1'));
    const { seen, subscription } = collected(watchMemory(store, { prefixes: ['a/', 'a/x'], codec: textCodec }));
    store.put('a/x', bytes('2'));
    store.put('b/x', bytes('2'));
    store.apply([del('a/x'), put('a/y', '3'), put('b/y', '3')]);
    subscription.unsubscribe();
    store.put('a/x', bytes('4'));
    expect(seen).toEqual([
      ChangeEvent.put('a/x', '2', 2),
      ChangeEvent.of<string>(
        [
          { op: 'delete', key: 'a/x', prevValue: undefined, revision: 4 },
          { op: 'put', key: 'a/y', value: '3', prevValue: undefined, revision: 4 },
        ],
        4,
      ),
    ]);
  });

  it('rejects what the codec does', () => {
    const store = memoryStore();
    const { seen, subscription } = collected(watchMemory(store, { prefixes: [''], codec: jsonCodec<number>() }));
    store.apply([put('x', '1'), put('y', '{')]);
    expect(seen).toMatchObject([
      { changes: [{ key: 'x', value: 1 }], rejected: [{ key: 'y', raw: bytes('{') }], coalesced: false },
    ]);
    subscription.unsubscribe();
  });

  it('is not joined with listMemory: a change comes before, after and inside its resync', () => {
    const store = memoryStore();
    const config = { prefixes: [''], codec: textCodec };
    const lines: string[] = [];
    const written = defer(() => {
      store.put('x', bytes('1'));
      return listMemory(store, config);
    });
    const subscription = merge(watchMemory(store, config), written).subscribe((event) => lines.push(line(event)));
    store.put('x', bytes('2'));
    subscription.unsubscribe();
    expect(lines).toEqual(['x:1@1', '{x:1}@1 initial', 'x:2@2']);
  });

  it('fails when the store is wiped', () => {
    const store = memoryStore();
    const { seen } = collected(watchMemory(store, { prefixes: [''] }));
    store.wipe();
    expect(seen).toMatchObject([{ name: 'ContinuityLost', reason: 'regressed' }]);
  });

  it.each([{}, { prefixes: 'a/' }, { prefixes: [''], name: 'x' }, { prefixes: [''], codec: { decode: () => 1 } }])(
    'refuses the options %o',
    (config) => {
      expect(() => watchMemory(memoryStore(), config as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG' }),
      );
      expect(() => listMemory(memoryStore(), config as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG' }),
      );
    },
  );
});
