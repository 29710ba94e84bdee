import { asyncScheduler, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it, vi } from 'vitest';
import { fromMemory } from '../../../lib/backends/memory/fromMemory.ts';
import { type MemoryStore, memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { textCodec } from '../../../lib/codecs/textCodec.ts';
import { bytes, del, line, put, shown } from './helpers.ts';

/** Runs in virtual time until nothing is due, and collects what a subscriber is told, with its time. */
function told(script: (store: MemoryStore) => void): string[] {
  const lines: string[] = [];
  new TestScheduler(() => undefined).run(() => {
    const store = memoryStore();
    const start = asyncScheduler.now();
    fromMemory(store, { prefixes: [''], codec: textCodec }).subscribe((event) => {
      lines.push(`${asyncScheduler.now() - start} ${line(event)}`);
    });
    script(store);
  });
  return lines.slice(1);
}

const at = (ms: number, action: () => void): void => void timer(ms).subscribe(action);

describe('a time to live', () => {
  it('ends in a delete with a revision of its own (F26)', () => {
    const lines = told((store) => {
      store.put('x', bytes('1'), { ttl: 500 });
      store.put('y', bytes('2'));
    });
    expect(lines).toEqual(['0 x:1@1', '0 y:2@2', '500 !x@3']);
  });

  it('ends each key alone, in the order they are due, whatever the order they were put in', () => {
    const lines = told((store) => {
      store.apply([put('c', '1', 30), put('a', '1', 20), put('b', '1', 20), put('d', '1', 10)]);
    });
    expect(lines.slice(1)).toEqual(['10 !d@2', '20 !a@3', '20 !b@4', '30 !c@5']);
  });

  it('starts anew with each put, and ends with one that has none, or with a delete', () => {
    const lines = told((store) => {
      store.apply([put('renewed', '1', 10), put('kept', '1', 10), put('deleted', '1', 10)]);
      at(5, () => store.apply([put('renewed', '2', 10), put('kept', '2'), del('deleted')]));
    });
    expect(lines).toEqual(['0 renewed:1,kept:1,deleted:1@1', '5 renewed:1>2,kept:1>2,!deleted@2', '15 !renewed@3']);
  });

  it('is rounded up to whole milliseconds', () => {
    const lines = told((store) => store.put('x', bytes('1'), { ttl: 0.1 }));
    expect(lines).toEqual(['0 x:1@1', '1 !x@2']);
  });

  it('may be longer than a timer can wait', () => {
    const month = 31 * 24 * 3_600_000;
    const lines = told((store) => store.put('x', bytes('1'), { ttl: month }));
    expect(lines).toEqual(['0 x:1@1', `${month} !x@2`]);
  });

  it('is over when the store is wiped', () => {
    const lines: string[] = [];
    new TestScheduler(() => undefined).run(() => {
      const store = memoryStore();
      store.put('x', bytes('1'), { ttl: 10 });
      store.wipe();
      store.put('x', bytes('2'));
      at(20, () => lines.push(shown(store)));
    });
    expect(lines).toEqual(['x:2@1']);
  });

  it('goes on where a subscriber puts the key again inside the delete', () => {
    let rounds = 0;
    const lines: string[] = [];
    new TestScheduler(() => undefined).run(() => {
      const store = memoryStore();
      const start = asyncScheduler.now();
      fromMemory(store, { prefixes: [''], codec: textCodec }).subscribe((event) => {
        lines.push(`${asyncScheduler.now() - start} ${line(event)}`);
        if (event.type === 'change' && event.changes[0]?.op === 'delete' && rounds++ < 2)
          store.put('x', bytes('1'), { ttl: 10 });
      });
      store.put('x', bytes('1'), { ttl: 10 });
    });
    expect(lines).toEqual(['0 {}@0 initial', '0 x:1@1', '10 !x@2', '10 x:1@3', '20 !x@4', '20 x:1@5', '30 !x@6']);
  });

  it('needs one timer for any number of keys, and none without keys', () => {
    vi.useFakeTimers();
    try {
      const store = memoryStore();
      store.put('never', bytes('1'));
      expect(vi.getTimerCount()).toBe(0);
      for (let i = 0; i < 100; i++) store.put(`k${i}`, bytes('1'), { ttl: 1_000 - i });
      expect(vi.getTimerCount()).toBe(1);
      for (let i = 0; i < 100; i++) store.delete(`k${i}`);
      expect(vi.getTimerCount()).toBe(0);
      store.put('x', bytes('1'), { ttl: 5 });
      store.wipe();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('has no lifetime of a client: asked for, it is refused, and nothing is written', () => {
    const store = memoryStore();
    expect(() => store.put('x', bytes('1'), { lifetime: 'client' })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', key: 'x' }),
    );
    expect(store.revision).toBe(0);
  });
});
