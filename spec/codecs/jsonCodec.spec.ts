import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import { schemaCodec } from '../../lib/codecs/schemaCodec.ts';
import { encodeText } from '../../lib/internal/bytes.ts';

const codec = jsonCodec();

describe('jsonCodec', () => {
  it.each([null, true, 0, -1.5e300, '', 'ключ 😀', [], [1, [2]], {}, { a: { b: null } }])(
    'reads what it wrote: %j',
    (value) => {
      expect(codec.decode(codec.encode(value, 'k'), 'k')).toEqual(value);
    },
  );

  it('writes UTF-8', () => {
    expect(codec.encode({ ü: 1 }, 'k')).toEqual(encodeText('{"ü":1}'));
  });

  it.each(['', '{', '{"a":1} x', "{'a':1}", 'undefined', 'NaN', '[1,]'])('refuses %j', (text) => {
    expect(() => codec.decode(encodeText(text), 'k')).toThrow(SyntaxError);
  });

  it('refuses bytes that are not UTF-8 inside a text, instead of replacing them', () => {
    expect(() => codec.decode(Uint8Array.of(0x22, 0xff, 0x22), 'k')).toThrow(TypeError);
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol()],
  ])('cannot write %s, and names the key', (_, value) => {
    expect(() => codec.encode(value, 'the/key')).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', key: 'the/key' }),
    );
  });

  it('inside of a value it writes what JSON.stringify writes, and a schema on top does not let that pass', () => {
    const value = { a: undefined, b: () => 1, c: [undefined], d: Number.NaN, e: new Map([[1, 2]]) };
    expect(codec.encode(value, 'k')).toEqual(encodeText('{"c":[null],"d":null,"e":{}}'));
    const checked = schemaCodec(z.object({ d: z.number() }), codec);
    expect(() => checked.encode({ d: Number.NaN }, 'k')).toThrow('does not fit its schema');
  });

  it('cannot write a cycle or a BigInt', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(() => codec.encode(cycle, 'k')).toThrow(TypeError);
    expect(() => codec.encode({ big: 1n }, 'k')).toThrow(TypeError);
  });
});
