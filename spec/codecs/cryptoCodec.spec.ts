import { createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryBroker } from '../../lib/backends/memory/memoryBroker.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';
import { type CryptoCodecConfig, cryptoCodec } from '../../lib/codecs/cryptoCodec.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { textCodec } from '../../lib/codecs/textCodec.ts';
import { decodeText, encodeText } from '../../lib/internal/bytes.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { failureOf } from '../support/failureOf.ts';

/** A key of some bytes. */
const key = (id: string, fill: number, length = 32) => ({ id, key: new Uint8Array(length).fill(fill) });
const a = key('a', 1);
const b = key('b', 2);

const json = (config: Partial<CryptoCodecConfig> = {}) => cryptoCodec(jsonCodec(), { keys: [a], ...config });

describe('cryptoCodec', () => {
  it.each([16, 24, 32])('reads what it wrote, with a key of %d bytes', (length) => {
    for (const format of ['bytes', 'json'] as const) {
      const codec = json({ keys: [key('a', 1, length)], format });
      for (const value of [null, 0, '', { a: ['größer 😀'] }])
        expect(codec.decode(codec.encode(value, '/x'), '/x')).toEqual(value);
    }
  });

  it('takes no bytes for a value', () => {
    const codec = cryptoCodec(bytesCodec, { keys: [a] });
    expect(codec.decode(codec.encode(new Uint8Array(), '/x'), '/x')).toEqual(new Uint8Array());
  });

  it('writes and reads plain bytes, never a Buffer', () => {
    const codec = cryptoCodec(bytesCodec, { keys: [a] });
    for (const format of ['bytes', 'json'] as const) {
      const raw = cryptoCodec(bytesCodec, { keys: [a], format }).encode(Uint8Array.of(1, 2), '/x');
      expect(Object.getPrototypeOf(raw)).toBe(Uint8Array.prototype);
      expect(Object.getPrototypeOf(codec.decode(raw, '/x'))).toBe(Uint8Array.prototype);
    }
  });

  it('is AES-GCM in a layout that others can read', () => {
    const raw = cryptoCodec(textCodec, { keys: [a] }).encode('secret', '/x');
    expect([...raw.subarray(0, 4)]).toEqual([0xae, 1, 1, 0x61]);
    expect(raw).toHaveLength(4 + 12 + 6 + 16);
    const decipher = createDecipheriv('aes-256-gcm', a.key, raw.subarray(4, 16));
    decipher.setAAD(Uint8Array.of(0xae, 1, 1, 0x61, ...encodeText('/x')));
    decipher.setAuthTag(raw.subarray(-16));
    expect(`${decipher.update(raw.subarray(16, -16)).toString()}${decipher.final().toString()}`).toBe('secret');
  });

  it('hides the value, and makes another text of it each time', () => {
    const codec = cryptoCodec(textCodec, { keys: [a] });
    const [one, two] = [codec.encode('secret', '/x'), codec.encode('secret', '/x')];
    expect(one).not.toEqual(two);
    expect(Buffer.from(one).toString('latin1')).not.toContain('secret');
  });

  it('writes JSON where asked, and reads both', () => {
    const raw = json({ format: 'json' }).encode({ mtu: 1 }, '/x');
    expect(decodeText(raw)).toMatch(/^"aes-gcm:[A-Za-z0-9+/]+=*"$/);
    expect(json().decode(raw, '/x')).toEqual({ mtu: 1 });
    expect(json({ format: 'json' }).decode(json().encode({ mtu: 2 }, '/x'), '/x')).toEqual({ mtu: 2 });
  });
});

describe('keys that change', () => {
  it('the first encrypts, all decrypt', () => {
    const old = json().encode('old', '/x');
    const codec = json({ keys: [b, a] });
    expect(codec.decode(old, '/x')).toBe('old');
    const anew = codec.encode('new', '/x');
    expect(json({ keys: [b] }).decode(anew, '/x')).toBe('new');
    expect(failureOf(() => json().decode(anew, '/x'))).toMatchObject({ code: 'DECODE_FAILED', key: '/x' });
  });

  it('one that is not there is named, and so are those that are', () => {
    const raw = json().encode(1, '/x');
    expect(failureOf(() => json({ keys: [b, key('c', 3)] }).decode(raw, '/x')).message).toBe(
      '[rx-datasync] the value of "/x" is encrypted with the key "a", which is not among: b, c',
    );
  });

  it('one of the same name but other bytes does not decrypt', () => {
    const raw = json().encode(1, '/x');
    expect(failureOf(() => json({ keys: [key('a', 9)] }).decode(raw, '/x')).message).toMatch(
      /does not decrypt: .* or was written with another key named "a"$/,
    );
  });

  it('may be forgotten by the caller afterwards', () => {
    const mine = key('a', 1);
    const codec = json({ keys: [mine] });
    mine.key.fill(0);
    expect(json().decode(codec.encode(1, '/x'), '/x')).toBe(1);
  });
});

describe('what was tampered with', () => {
  it.each(['bytes', 'json'] as const)('is refused, whichever byte it is (%s)', (format) => {
    const codec = json({ format, keys: [a, b] });
    const raw = codec.encode({ mtu: 1500 }, '/x');
    const spared: number[] = [];
    for (let i = 0; i < raw.length; i++) {
      const changed = raw.slice();
      changed[i]! ^= 3;
      try {
        codec.decode(changed, '/x');
        spared.push(i);
      } catch (error) {
        expect(error).toMatchObject({ name: 'DatasyncError', code: 'DECODE_FAILED', key: '/x' });
      }
    }
    // Base64 has bits to spare at its end.
    expect(spared.filter((i) => format === 'bytes' || i < raw.length - 4)).toEqual([]);
  });

  it('is refused where it was cut short or is nothing of ours', () => {
    const raw = json().encode(1, '/x');
    for (let length = 0; length < raw.length; length++) {
      expect(failureOf(() => json().decode(raw.slice(0, length), '/x')).code).toBe('DECODE_FAILED');
    }
    for (const text of ['', '1', '"', '"aes-gcm:"', '"aes-gcm:????"', '"plain"', '{"a":1}', '"\ud800"']) {
      expect(failureOf(() => json().decode(encodeText(text), '/x')).message).toMatch(/is not encrypted by cryptoCodec/);
    }
  });

  it('is refused under another key of the store, unless told otherwise', () => {
    const raw = json().encode(1, '/x');
    expect(failureOf(() => json().decode(raw, '/y')).message).toMatch(/was moved here from another key of the store/);
    const free = json({ bindKey: false });
    expect(free.decode(free.encode(1, '/x'), '/y')).toBe(1);
    expect(() => free.decode(raw, '/x')).toThrow(/does not decrypt: it was changed or was/);
    expect(() => json().decode(free.encode(1, '/x'), '/x')).toThrow(/does not decrypt/);
  });
});

describe('errors', () => {
  it('of the inner codec do not quote what was decrypted', () => {
    const raw = cryptoCodec(textCodec, { keys: [a] }).encode('hunter2', '/x');
    const error = failureOf(() => json().decode(raw, '/x'));
    expect(error.message).toBe('[rx-datasync] the value of "/x" decrypts, but not to valid json');
    expect(error.cause).toBeUndefined();
  });

  it('of writing are those of the inner codec', () => {
    expect(failureOf(() => json().encode(undefined, '/x'))).toMatchObject({ code: 'ENCODE_FAILED', key: '/x' });
  });

  it.each<[string, unknown]>([
    ['no configuration', undefined],
    ['no keys', {}],
    ['an empty list', { keys: [] }],
    ['a key of a wrong length', { keys: [key('a', 1, 15)] }],
    ['a key that is a text', { keys: [{ id: 'a', key: 'x'.repeat(32) }] }],
    ['an empty id', { keys: [key('', 1)] }],
    ['an id that is too long', { keys: [key('é'.repeat(128), 1)] }],
    ['an id twice', { keys: [a, a] }],
    ['a hole', { keys: [null] }],
    ['an unknown option', { keys: [a], bind: true }],
    ['an unknown format', { keys: [a], format: 'hex' }],
  ])('INVALID_CONFIG: %s', (_, config) => {
    expect(failureOf(() => cryptoCodec(jsonCodec(), config as never))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it.each<[string, unknown]>([
    ['not an empty array', []],
    ['but it is of type object', { id: 'a', key: 'secret' }],
    ['but it is of type string', 'secret'],
    ['but the key of element 1 has 15 bytes', [a, key('b', 1, 15)]],
    ['but the key of element 0 is no Uint8Array', [{ id: 'a', key: 'secret' }]],
    ['but the id of element 0 has 0 bytes', [key('', 1)]],
    ['but the id of element 1 is of type undefined', [a, null]],
    ['but elements 0 and 1 have the same id', [a, a]],
  ])('says which key is wrong, and quotes none: %s', (message, keys) => {
    const { message: said } = failureOf(() => cryptoCodec(jsonCodec(), { keys } as never));
    expect(said.endsWith(`(Uint8Array), ${message}`)).toBe(true);
    expect(said).not.toContain('secret');
  });

  it('INVALID_CONFIG: no codec', () => {
    expect(failureOf(() => cryptoCodec(undefined as never, { keys: [a] })).message).toMatch(
      /option 'codec' is missing/,
    );
  });
});

it('works from the broker to the source, with prefixes, and a bad value is rejected', async () => {
  const store = memoryStore();
  const events: DatasyncEvent<unknown>[] = [];
  const subscription = fromMemory(store, { prefixes: ['/s/'], codec: json() }).subscribe((event) => events.push(event));
  await memoryBroker(store, { prefix: '/s/', codec: json() }).put('x', { password: 1 });
  store.put('/s/y', store.get('/s/x')!.value);
  subscription.unsubscribe();
  expect(events.slice(1)).toMatchObject([
    { changes: [{ key: '/s/x', value: { password: 1 } }] },
    { changes: [], rejected: [{ key: '/s/y', error: { code: 'DECODE_FAILED', backend: 'memory' } }] },
  ]);
});
