import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { schemaCodec } from '../../lib/codecs/schemaCodec.ts';
import type { Codec } from '../../lib/model/codec.ts';

describe('schemaCodec is typed by what the schema gives', () => {
  it('with zod, valibot and arktype', () => {
    expectTypeOf(schemaCodec(z.object({ mtu: z.number() }))).toEqualTypeOf<Codec<{ mtu: number }>>();
    expectTypeOf(schemaCodec(v.object({ mtu: v.number() }))).toEqualTypeOf<Codec<{ mtu: number }>>();
    expectTypeOf(schemaCodec(type({ mtu: 'number' }))).toEqualTypeOf<Codec<{ mtu: number }>>();
  });

  it('its results, not what it takes', () => {
    expectTypeOf(schemaCodec(z.string().transform(Number)).decode).returns.toEqualTypeOf<number>();
    expectTypeOf(schemaCodec(z.object({ mtu: z.number().default(1) })).decode).returns.toEqualTypeOf<{ mtu: number }>();
  });

  it('and takes no others', () => {
    // @ts-expect-error a function of one's own is no schema
    schemaCodec((value: unknown) => value);
    // @ts-expect-error not the type of the schema
    schemaCodec(z.object({ mtu: z.number() })).encode({ mtu: '1' }, '/x');
  });
});
