import protobuf8 from 'protobufjs';
import { install } from 'protobufjs/ext/protojson.js';
import protobuf7 from 'protobufjs-7';
import { afterEach, describe, expect, it } from 'vitest';
import { protobufCodec, type ReflectedProtobufType } from '../../lib/codecs/protobufCodec.ts';
import { decodeText, encodeText } from '../../lib/internal/bytes.ts';
import type { Codec } from '../../lib/model/codec.ts';
import { failureOf } from '../support/failureOf.ts';
import { empty, full, interfaces } from './protobufTypes.ts';

const raw = (value: unknown) => encodeText(JSON.stringify(value));

const json = { format: 'json' } as const;
/** Their values are not typed here. */
type Reflected = ReflectedProtobufType;

/** `full`, as proto3 JSON has it. */
const fullJson = {
  name: full.name,
  mtuSize: -1,
  counter: '18446744073709551615',
  mac: 'AP8B',
  state: 'DOWN',
  addresses: [{ ip: '10.0.0.1', bits: 24 }, {}],
  limits: { a: '-9223372036854775808', 'b c': '1' },
  vrf: '',
  tunnel: { ip: '10.0.0.2' },
  load: 0.5,
  gateway: { bits: 32 },
};

/** After `protojson.install()`, as a program would have it that called it. */
function withProtoJson<R>(work: () => R): R {
  install();
  return work();
}

afterEach(() => {
  // What install() put there is global.
  for (const name of ['toJson', 'fromJson', 'toJsonString', 'fromJsonString'])
    Reflect.deleteProperty(protobuf8.Type.prototype, name);
});

const ways: readonly (readonly [string, () => Codec<unknown>])[] = [
  ...interfaces.map(([name, type]) => [name, () => protobufCodec<unknown>(type as Reflected, json)] as const),
  ['version 8, with protojson', () => withProtoJson(() => protobufCodec(interfaces[0]![1] as Reflected, json))],
];

describe.each(ways)('protobufCodec of proto3 JSON, %s', (name, make) => {
  it('reads what it wrote', () => {
    const codec = make();
    for (const value of [full, { ...empty, tap: '', kind: 'tap' }, empty])
      expect(codec.decode(codec.encode(value, '/x'), '/x')).toEqual(value);
  });

  it('writes names of enums, texts for 64-bit integers, and base64', () => {
    const json = JSON.parse(decodeText(make().encode(full, '/x'))) as typeof fullJson;
    // A member that is the default may be there or not.
    expect(json).toMatchObject({ ...fullJson, addresses: [{ ip: '10.0.0.1', bits: 24 }, expect.any(Object)] });
  });

  it('reads what others write', () => {
    const codec = make();
    expect(codec.decode(raw(fullJson), '/x')).toEqual(full);
    expect(codec.decode(raw({}), '/x')).toStrictEqual(empty);
    const odd = { state: 1, counter: 5, mtuSize: '1500', mac: '/+8', name: null, load: 'NaN' };
    const value = { ...empty, state: 1, counter: '5', mtuSize: 1500, mac: Uint8Array.of(255, 239), load: Number.NaN };
    expect(codec.decode(raw(odd), '/x')).toStrictEqual(value);
  });

  it('reads base64 for URLs, from version 8 on', () => {
    const read = () => make().decode(raw({ mac: '_-8' }), '/x');
    if (name.startsWith('version 8')) expect(read()).toMatchObject({ mac: Uint8Array.of(255, 239) });
    else expect(failureOf(read).code).toBe('DECODE_FAILED');
  });

  it.each<[string, unknown]>([
    ['a name that is no field', { mtu: 1 }],
    ['such a name inside', { addresses: [{ up: true }] }],
    ['a text for a number', { mtuSize: 'abc' }],
    ['an empty text for a number', { mtuSize: ' ' }],
    ['a fraction for an integer', { mtuSize: 1.5 }],
    ['an integer out of range', { mtuSize: 2 ** 32 + 1 }],
    ['a number for a text', { name: 5 }],
    ['a flag for a text', { name: true }],
    ['an unknown enum', { state: 'SIDEWAYS' }],
    ['no base64', { mac: '!' }],
    ['an object for a list', { addresses: {} }],
    ['a list for an object', { gateway: [] }],
    ['a list for a map', { limits: ['1'] }],
    ['two members of a oneof', { tap: 'a', tunnel: {} }],
    ['a list', []],
    ['null', null],
    ['a number', 1],
  ])('does not read %s', (_, json) => {
    const error = failureOf(() => make().decode(raw(json), '/x'));
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'DECODE_FAILED', key: '/x' });
    expect(error.message).toMatch(/^\[rx-datasync\] the value of "\/x" is not valid proto3 JSON: ./);
  });

  it('does not read what is no JSON, and says where a field is wrong', () => {
    expect(failureOf(() => make().decode(encodeText('{'), '/x')).code).toBe('DECODE_FAILED');
    const error = failureOf(() => make().decode(raw({ gateway: { bits: 'many' } }), '/x'));
    expect(error.message).toMatch(name.includes('protojson') ? /bits/ : /gateway\.bits: "many" would become 0$/);
  });

  it('does not write what would be lost', () => {
    for (const value of [{ mtuSize: 'abc' }, { mtu: 1 }, { name: '\ud800' }, 5]) {
      const error = failureOf(() => make().encode(value, '/x'));
      expect(error).toMatchObject({ name: 'DatasyncError', code: 'ENCODE_FAILED', key: '/x' });
    }
  });
});

describe('messages that have a JSON of their own', () => {
  const proto = `syntax = "proto3"; import "google/protobuf/timestamp.proto";
    message Inner { repeated google.protobuf.Timestamp at = 1; Inner inner = 2; }
    message Outer { Inner inner = 1; }`;

  const timestamp = protobuf8.common.get('google/protobuf/timestamp.proto')!;
  const parsed = (protobuf: typeof protobuf8) => {
    const root = new protobuf.Root().addJSON(timestamp.nested!) as protobuf8.Root;
    protobuf.parse(proto, root);
    return root.lookupType('Outer');
  };

  it.each<[string, typeof protobuf8]>([
    ['7', protobuf7 as never],
    ['8', protobuf8],
  ])('are refused without protojson (version %s), though not in binary', (_, protobuf) => {
    const type = parsed(protobuf);
    const error = failureOf(() => protobufCodec(type, json));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(error.message).toMatch(/the JSON of google\.protobuf\.Timestamp is not .*protojson\.install\(\)/);
    const value = { inner: { at: [{ seconds: '1', nanos: 0 }], inner: null } };
    const codec = protobufCodec(type);
    expect(codec.decode(codec.encode(value, '/x'), '/x')).toEqual(value);
  });

  it('are looked for in types that contain themselves', () => {
    const { root } = protobuf8.parse('syntax = "proto3"; message Tree { repeated Tree children = 1; }');
    const codec = protobufCodec<unknown>(root.lookupType('Tree'), json);
    expect(codec.decode(raw({ children: [{}] }), '/x')).toEqual({ children: [{ children: [] }] });
  });

  it('are as they must be with it', () => {
    const codec = withProtoJson(() => protobufCodec(parsed(protobuf8), json));
    const value = { inner: { at: [{ seconds: '1', nanos: 0 }], inner: null } };
    expect(decodeText(codec.encode(value, '/x'))).toBe('{"inner":{"at":["1970-01-01T00:00:01Z"]}}');
    expect(codec.decode(codec.encode(value, '/x'), '/x')).toEqual(value);
  });
});
