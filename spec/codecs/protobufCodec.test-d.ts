import protobuf8 from 'protobufjs';
import protobuf7 from 'protobufjs-7';
import { describe, expectTypeOf, it } from 'vitest';
import { protobufCodec } from '../../lib/codecs/protobufCodec.ts';
import type { Codec } from '../../lib/model/codec.ts';
import { net as net7 } from './generated/interface7.js';
import { net as net8 } from './generated/interface8.js';

interface Interface {
  name: string;
  counter: string;
}

describe('protobufCodec', () => {
  it('of a reflected type is a cast, or unknown', () => {
    for (const type of [new protobuf8.Type('x'), new protobuf7.Type('x')]) {
      expectTypeOf(protobufCodec<Interface>(type)).toEqualTypeOf<Codec<Interface>>();
      expectTypeOf(protobufCodec(type, { format: 'json' })).toEqualTypeOf<Codec<unknown>>();
    }
  });

  it('of a static class gives plain data', () => {
    const value = protobufCodec(net7.Interface).decode(new Uint8Array(), '/x');
    expectTypeOf(value.name).toEqualTypeOf<string>();
    expectTypeOf(value.counter).toEqualTypeOf<string>();
    expectTypeOf(value.limits).toEqualTypeOf<{ [k: string]: string }>();
    expectTypeOf(value.mac).toEqualTypeOf<Uint8Array>();
    expectTypeOf(value.vrf).toEqualTypeOf<string | null | undefined>();
    expectTypeOf(value.addresses[0]!.ip).toEqualTypeOf<string | null | undefined>();
    expectTypeOf(value).not.toHaveProperty('toJSON');
  });

  it('tells the members of a oneof apart, with classes of version 8', () => {
    const value = protobufCodec(net8.Interface, { longs: 'bigint' }).decode(new Uint8Array(), '/x');
    expectTypeOf(value.mtuSize).toEqualTypeOf<number>();
    expectTypeOf(value.counter).toEqualTypeOf<bigint>();
    if (value.kind === 'tap') expectTypeOf(value.tap).toEqualTypeOf<string>();
    expectTypeOf(value).not.toHaveProperty('$unknowns');
    expectTypeOf(value).not.toHaveProperty('toJSON');
  });

  it('gives 64-bit integers as asked for', () => {
    const { counter, mtuSize } = protobufCodec(net7.Interface, { longs: 'number' }).decode(new Uint8Array(), '/x');
    expectTypeOf(counter).toEqualTypeOf<number>();
    expectTypeOf(mtuSize).toEqualTypeOf<number>();
    // @ts-expect-error no such way
    protobufCodec(net7.Interface, { longs: 'long' });
  });

  it('of a static class may be a cast too', () => {
    expectTypeOf(protobufCodec<net7.IAddress>(net7.Address).encode).parameter(0).toExtend<{ ip?: string | null }>();
  });
});
