import { describe, expect, it } from 'vitest';
import { textCodec } from '../../lib/codecs/textCodec.ts';

describe('textCodec', () => {
  it.each(['', 'plain', 'größer', 'ключ', '😀', 'a\0b', '\uFEFFwith a byte order mark', '\u2028'])(
    'reads what it wrote: %j',
    (text) => {
      expect(textCodec.decode(textCodec.encode(text, 'k'), 'k')).toBe(text);
    },
  );

  it('makes plain bytes', () => {
    expect(Object.getPrototypeOf(textCodec.encode('x', 'k'))).toBe(Uint8Array.prototype);
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['a cut character', [0xf0, 0x9f, 0x98]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['latin1', [0x67, 0x72, 0xf6]],
  ])('refuses %s instead of replacing it', (_, raw) => {
    expect(() => textCodec.decode(Uint8Array.from(raw), 'k')).toThrow(TypeError);
  });

  it.each([
    ['undefined', undefined, 'it is no text: undefined'],
    ['a number', 5, 'it is no text: 5'],
    ['bytes', Uint8Array.of(1), 'it is no text: an object'],
    ['a lone surrogate', 'a\uD800b', 'it has half a character'],
  ])('cannot write %s, which would come back as another text', (_, value, message) => {
    expect(() => textCodec.encode(value as string, 'k')).toThrow(message);
  });

  it('reads one value after a bad one', () => {
    expect(() => textCodec.decode(Uint8Array.of(0xf0, 0x9f), 'k')).toThrow();
    expect(textCodec.decode(Uint8Array.of(0x78), 'k')).toBe('x');
  });
});
