import { describe, expect, it } from 'vitest';
import { fromMemory } from '../../lib/backends/memory/fromMemory.ts';
import { memoryStore } from '../../lib/backends/memory/memoryStore.ts';
import { protobufCodec } from '../../lib/codecs/protobufCodec.ts';
import { encodeText } from '../../lib/internal/bytes.ts';
import type { Codec } from '../../lib/model/codec.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { failureOf } from '../support/failureOf.ts';
import { empty, full, interfaces } from './protobufTypes.ts';

/** Every object in a value, the value too. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...(value instanceof Uint8Array ? [] : Object.values(value).flatMap(objectsIn))];
}

const plain: unknown[] = [Object.prototype, Array.prototype, Uint8Array.prototype];

describe.each(interfaces)('protobufCodec, %s', (name, type) => {
  const codec = protobufCodec(type) as Codec<unknown>;
  const written = (value: unknown) => codec.decode(codec.encode(value, '/x'), '/x');

  it('reads what it wrote', () => {
    expect(written(full)).toEqual(full);
    expect(written(written(full))).toEqual(full);
    expect(written({ tap: '' })).toEqual({ ...empty, tap: '', kind: 'tap' });
  });

  it('takes no bytes for a value, of which all is default', () => {
    expect(codec.decode(new Uint8Array(), '/x')).toStrictEqual(empty);
    expect(written({})).toStrictEqual(empty);
  });

  it('makes plain data: no classes, no Buffers, no views of the raw value, nothing that JSON would lose', () => {
    for (const value of [codec.encode(full, '/x'), written(full), written({})])
      for (const object of objectsIn(value)) expect(plain).toContain(Object.getPrototypeOf(object));
    const raw = codec.encode(full, '/x');
    const { mac } = codec.decode(raw, '/x') as typeof full;
    raw.fill(7);
    expect(mac).toEqual(full.mac);
    expect(mac.buffer.byteLength).toBe(3);
    const { mac: _, ...rest } = written(full) as typeof full;
    expect(JSON.parse(JSON.stringify(rest))).toStrictEqual(rest);
    // A Buffer is what a backend should not hand over; it makes no difference.
    const fromBuffer = codec.decode(Buffer.from(codec.encode(full, '/x')), '/x');
    expect(Object.getPrototypeOf((fromBuffer as typeof full).mac)).toBe(Uint8Array.prototype);
  });

  it('gives 64-bit integers as asked for', () => {
    const raw = codec.encode({ counter: '5', limits: { a: '-5' } }, '/x');
    expect(protobufCodec(type, { longs: 'number' }).decode(raw, '/x')).toMatchObject({ counter: 5, limits: { a: -5 } });
    expect(protobufCodec(type, { longs: 'bigint' }).decode(raw, '/x')).toMatchObject({
      counter: 5n,
      limits: { a: -5n },
    });
    for (const [longs, value] of [
      ['number', { ...empty, counter: 2 ** 53 - 1 }],
      ['bigint', { ...empty, counter: 2n ** 64n - 1n, limits: { a: -(2n ** 63n) } }],
    ] as const) {
      const other = protobufCodec(type, { longs }) as Codec<unknown>;
      expect(other.decode(other.encode(value, '/x'), '/x')).toStrictEqual(value);
    }
  });

  it('refuses what a number cannot hold, if numbers are asked for', () => {
    const error = failureOf(() => protobufCodec(type, { longs: 'number' }).decode(codec.encode(full, '/x'), '/x'));
    expect(error).toMatchObject({ code: 'DECODE_FAILED', key: '/x' });
    expect(error.message).toMatch(/: -?\d{19,20} is no safe integer: set 'longs' to 'string' or 'bigint'$/);
  });

  it.each(['string', 'number'] as const)('refuses a bigint with longs: %s, and says where one is taken', (longs) => {
    const { message } = failureOf(() =>
      protobufCodec(type, { longs } as object).encode({ counter: 5n } as never, '/x'),
    );
    expect(message).toContain(": counter: 5n is a bigint: only a 64-bit field takes it, with longs: 'bigint'");
  });

  it('takes partial values, enums by name, numbers for 64-bit integers, and messages', () => {
    const value = { name: undefined, gateway: null, state: 'UP', counter: 7, addresses: [{ bits: 1 }], load: 0.1 };
    const addresses = [{ ip: '', bits: 1 }];
    expect(written(value)).toEqual({ ...empty, state: 1, counter: '7', addresses, load: Math.fround(0.1) });
    expect(written(type.decode(codec.encode(full, '/x')))).toEqual(full);
  });

  it.each<[string, RegExp, unknown]>([
    ['a name that is no field', /mtu: there is no such field.*\(1500\)$/, { mtu: 1500 }],
    ['such a name inside', /addresses\[1\]\.up: there is no such field/, { addresses: [{}, { up: true }] }],
    ['a text for a number', /mtuSize: "abc" would become 0$/, { mtuSize: 'abc' }],
    ['a fraction for an integer', /mtuSize: 1\.5 would become 1$/, { mtuSize: 1.5 }],
    ['an integer out of range', /mtuSize: 4294967297 would become 1$/, { mtuSize: 2 ** 32 + 1 }],
    ['a negative one for an unsigned one', /bits: -1 would become 4294967295$/, { gateway: { bits: -1 } }],
    ['a number for a text', /name: 5 would become "5"$/, { name: 5 }],
    ['an unknown enum', /state/, { state: 'SIDEWAYS' }],
    ['two members of a oneof', /kind: multiple values$/, { tap: 'a', tunnel: {} }],
    ['a oneof that is not what it says', /kind: "tunnel" would become "tap"$/, { tap: 'a', kind: 'tunnel' }],
    ['a 64-bit integer out of range', /counter/, { counter: '18446744073709551616' }],
    ['a text for bytes', /mac: "AQI=" would become 2 bytes$/, { mac: 'AQI=' }],
    ['no list where there must be one', /addresses/, { addresses: { length: 1 } }],
    ['a list for a map', /limits/, { limits: ['1'] }],
    ['half a character', /name: "\\ud800" has half a character$|utf-8$/, { name: '\ud800' }],
    ['a float that is too big', /load: 1e\+300 would become Infinity$/, { load: 1e300 }],
    ['no object', /it is not an object$/, 5],
    ['undefined', /it is not an object$/, undefined],
  ])('does not write %s', (_, message, value) => {
    const error = failureOf(() => codec.encode(value, '/x'));
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'ENCODE_FAILED', key: '/x' });
    expect(error.message).toMatch(/^\[rx-datasync\] the value of "\/x" cannot be written as protobuf: /);
    expect(error.message).toMatch(message);
  });

  it.each<[string, number[]]>([
    ['a length past the end', [10, 5, 1]],
    ['a number that does not end', [16, 0xff]],
    ['a fixed one that is cut', [93, 1]],
    ['a wire type there is none of', [15]],
    ['text', [...encodeText('{"name":"x"}')]],
  ])('does not read %s', (_, bytes) => {
    const error = failureOf(() => codec.decode(Uint8Array.from(bytes), '/x'));
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'DECODE_FAILED', key: '/x' });
    expect(error.message).toMatch(/the value of "\/x" is not valid protobuf: ./);
  });

  it('does not read any cut of a value as something else than a shorter message', () => {
    const raw = codec.encode(full, '/x');
    for (let length = 0; length < raw.length; length++) {
      try {
        expect(codec.decode(raw.slice(0, length), '/x')).not.toEqual(full);
      } catch (error) {
        expect(error).toMatchObject({ code: 'DECODE_FAILED' });
      }
    }
  });

  it('skips fields it does not know (S17)', () => {
    const raw = Uint8Array.of(...codec.encode({ name: 'x' }, '/x'), 0xa2, 0x06, 1, 1, 0xa8, 0x06, 1);
    expect(codec.decode(raw, '/x')).toStrictEqual({ ...empty, name: 'x' });
  });

  it('refuses texts that are not UTF-8, from version 8 on', () => {
    const raw = Uint8Array.of(10, 1, 0xff);
    if (name.startsWith('version 8')) expect(failureOf(() => codec.decode(raw, '/x')).code).toBe('DECODE_FAILED');
    else expect(codec.decode(raw, '/x')).toMatchObject({ name: '\ufffd' });
  });
});

describe('protobufCodec', () => {
  it('takes types and known options only', () => {
    for (const type of [undefined, null, {}, () => 1, { decode: () => 1 }])
      expect(failureOf(() => protobufCodec(type as never))).toMatchObject({ code: 'INVALID_CONFIG' });
    const type = interfaces[0]![1];
    for (const config of [{ format: 'text' }, { longs: 'long' }, { type }, null])
      expect(failureOf(() => protobufCodec(type, config as never))).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it.each(interfaces)('%s: makes keys rejected in a source, and others flow (I40)', (_, type) => {
    const codec = protobufCodec(type) as Codec<unknown>;
    const store = memoryStore();
    store.put('/x', codec.encode({ name: 'x' }, '/x'));
    const events: DatasyncEvent<unknown>[] = [];
    const subscription = fromMemory(store, { prefixes: [''], codec }).subscribe((event) => events.push(event));
    store.apply([
      { op: 'put', key: '/x', value: Uint8Array.of(10, 5, 1) },
      { op: 'put', key: '/y', value: codec.encode({ name: 'y' }, '/y') },
    ]);
    subscription.unsubscribe();
    expect(events[1]).toMatchObject({
      changes: [{ key: '/y', value: { name: 'y' } }],
      rejected: [{ key: '/x', lastGood: { name: 'x' }, error: { code: 'DECODE_FAILED', backend: 'memory' } }],
    });
  });
});
