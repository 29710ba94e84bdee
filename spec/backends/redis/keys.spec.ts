import { Redis } from 'ioredis';
import { lastValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { isText } from '../../../lib/backends/internal/namedBytes.ts';
import { fromRedis, listRedis, redisBroker, watchRedis } from '../../../lib/backends/redis/index.ts';
import { commonPrefix, globOf, keyArgument, keyBytes, keyText } from '../../../lib/backends/redis/keys.ts';

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

  it('a text is an argument as it is, all else as bytes', () => {
    expect(keyArgument('ü😀', 'utf8')).toBe('ü😀');
    expect(keyArgument('\udcff', 'utf8')).toEqual(Buffer.of(0xff));
    expect(keyArgument('ü', 'latin1')).toEqual(Buffer.of(0xfc));
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

  it.each([
    ['\u0161', 'latin1', 'a'],
    ['a\ud83d', 'latin1', 'a='],
    ['\ud800', 'utf8', '\ufffd'],
    ['x\ude00', 'utf8', 'x\ufffd'],
    // Names for bytes that are a text after all.
    ['\udc61', 'utf8', 'a'],
    ['x\udcc3\udcbc', 'utf8', 'xü'],
  ] as const)('%j has no bytes in %s that are not another key', (key, encoding, other) => {
    expect(() => keyBytes(key, encoding)).toThrow(expect.objectContaining({ code: 'INVALID_KEY', key }) as Error);
    expect(keyText(keyBytes(other, encoding), encoding)).toBe(other);
  });

  it('what cannot be written is refused by sources at once, and by brokers before anything is sent', async () => {
    const client = new Redis({ lazyConnect: true });
    const wrong = { code: 'INVALID_CONFIG', message: expect.stringContaining('"\\ud83d"') as string };
    const config = { prefixes: ['ok', '\ud83d'] };
    const makes: readonly (() => unknown)[] = [
      () => fromRedis(client, config),
      () => listRedis(client, config),
      () => watchRedis(client, config),
      () => redisBroker(client, { prefix: '\ud83d' }),
    ];
    for (const make of makes) expect(make).toThrow(expect.objectContaining(wrong) as Error);
    expect(() => fromRedis(client, { prefixes: ['\u0161'], keyEncoding: 'latin1' })).toThrow('latin1');
    const later = fromRedis(client, { prefixes: of(['\ud83d']) });
    await expect(lastValueFrom(later)).rejects.toMatchObject(wrong);
    const broker = redisBroker(client);
    const refused = { code: 'INVALID_KEY', key: '\ud83d' };
    await expect(broker.put('\ud83d', new Uint8Array())).rejects.toMatchObject(refused);
    await expect(broker.get('\ud83d')).rejects.toMatchObject(refused);
    await expect(broker.txn().delete('\ud83d').commit()).rejects.toMatchObject(refused);
    expect(client.status).toBe('wait');
  });
});
