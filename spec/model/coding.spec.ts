import { describe, expect, it } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { encodeText as raw } from '../../lib/internal/bytes.ts';
import type { Codec } from '../../lib/model/codec.ts';
import { decode, encode } from '../../lib/model/coding.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { failureOf } from '../support/failureOf.ts';

/** What an `async` function of a user's looks like to us. */
function asynchronous<T>(work: () => PromiseLike<T>): Codec<T> {
  return { name: 'slow', decode: work as never, encode: work as never };
}

const promises: readonly [string, () => PromiseLike<unknown>][] = [
  ['a Promise', () => Promise.resolve(1)],
  // Were it left alone, the unhandled rejection would fail this run.
  ['a Promise that is rejected', () => Promise.reject(new Error('no'))],
  // biome-ignore lint/suspicious/noThenProperty: that is what is refused
  ['a thenable of any other class', () => ({ then: () => new Promise(() => undefined) }) as PromiseLike<unknown>],
];

describe('an asynchronous codec', () => {
  it.each(promises)('that returns %s is refused where it reads', (_, work) => {
    const error = failureOf(() => decode(asynchronous(work), raw('1'), '/x', 'memory'));
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'DECODE_FAILED', backend: 'memory', key: '/x' });
    expect(error.message).toBe(
      '[rx-datasync/memory] the slow codec is asynchronous, and decode must not be (it returned a Promise) for "/x"',
    );
  });

  it.each(promises)('that returns %s is refused where it writes', (_, work) => {
    const error = failureOf(() => encode(asynchronous(work), 1, '/x', 'memory'));
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'ENCODE_FAILED', backend: 'memory', key: '/x' });
    expect(error.message).toMatch(/the slow codec is asynchronous, and encode must not be .* for "\/x"$/);
  });

  it('makes its keys rejected in a source: no Promise is passed on as a value', () => {
    const store = memoryStore();
    store.put('/x', raw('1'));
    const events: DatasyncEvent<unknown>[] = [];
    const codec = asynchronous(() => Promise.resolve(1));
    fromMemory(store, { prefixes: [''], codec })
      .subscribe((event) => events.push(event))
      .unsubscribe();
    expect(events).toMatchObject([
      { entries: { items: [] }, rejected: [{ key: '/x', error: { code: 'DECODE_FAILED' } }] },
    ]);
  });
});

describe('encode', () => {
  it('refuses what is not bytes', () => {
    const codec: Codec<number> = { name: 'odd', decode: () => 1, encode: () => 'text' as never };
    expect(failureOf(() => encode(codec, 1, '/x', 'memory')).message).toBe(
      '[rx-datasync/memory] the odd codec made string, not bytes (Uint8Array), of the value of "/x"',
    );
  });
});

describe('a codec that reads and writes through another one', () => {
  const broken = (): never => {
    throw new SyntaxError('what a mess');
  };
  const inner: Codec<number> = { name: 'inner', decode: broken, encode: broken };
  const outer: Codec<number> = {
    name: 'outer',
    decode: (bytes, key) => decode(inner, bytes, key),
    encode: (value, key) => encode(inner, value, key),
  };

  it('is not blamed, and the backend is named once', () => {
    const unread = failureOf(() => decode(outer, raw('1'), '/x', 'memory'));
    expect(unread.message).toBe('[rx-datasync/memory] the value of "/x" is not valid inner: what a mess');
    expect(unread).toMatchObject({
      backend: 'memory',
      cause: { code: 'DECODE_FAILED', cause: expect.any(SyntaxError) },
    });
    const unwritten = failureOf(() => encode(outer, 1, '/x', 'memory'));
    expect(unwritten.message).toBe('[rx-datasync/memory] the value of "/x" cannot be written as inner: what a mess');
  });
});
