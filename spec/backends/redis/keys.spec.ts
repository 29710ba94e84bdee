import { describe, expect, it } from 'vitest';
import { isText } from '../../../lib/backends/internal/namedBytes.ts';
import { commonPrefix, globOf, keyBytes, keyText } from '../../../lib/backends/redis/keys.ts';

describe('keys of Redis as texts', () => {
  it.each(['', 'a', 'ü日😀', '\ufffd', 'a*?[x]\\'])('%j is what it is, and back', (key) => {
    expect(keyText(Buffer.from(key), 'utf8')).toBe(key);
    expect(keyBytes(key, 'utf8')).toEqual(Buffer.from(key));
    expect(isText(key)).toBe(true);
  });

  it.each([
    ['ff', '\udcff'],
    ['61ff62', 'a\udcffb'],
    // What it would be a part of is not made up, and what is valid stays.
    ['f09f98', '\udcf0\udc9f\udc98'],
    ['c3bcc3', 'ü\udcc3'],
    ['efbfbdfe', '\ufffd\udcfe'],
  ])('bytes that are no UTF-8 (%s) have a name that no text has, and are found again', (hex, name) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(keyText(bytes, 'utf8')).toBe(name);
    expect(isText(name)).toBe(false);
    expect(keyBytes(name, 'utf8')).toEqual(bytes);
  });

  it('with latin1 every byte is a character', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    expect(keyBytes(keyText(bytes, 'latin1'), 'latin1')).toEqual(bytes);
  });

  it('a glob matches the prefix alone', () => {
    expect(globOf(Buffer.from('a*?[x]\\^-')).toString()).toBe('a\\*\\?\\[x]\\\\^-*');
    expect(globOf(Buffer.alloc(0)).toString()).toBe('*');
    expect(globOf(Buffer.of(0xff, 0x2a))).toEqual(Buffer.of(0xff, 0x5c, 0x2a, 0x2a));
  });

  it.each([
    [['nodes/a', 'nodes/b'], 'nodes/'],
    [['a', 'b'], ''],
    [['a', 'ab'], 'a'],
    [['only'], 'only'],
    // 😀 and 😁 share their first half.
    [['x😀', 'x😁'], 'x'],
  ])('%j have in common %j', (prefixes, common) => expect(commonPrefix(prefixes)).toBe(common));
});
