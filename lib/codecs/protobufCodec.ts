import { decodeText, encodeText } from '../internal/bytes.ts';
import type { Codec } from '../model/codec.ts';
import { decode, encode } from '../model/coding.ts';
import { checkOptions, oneOf, type Rules } from '../model/options.ts';
import { protobufJson } from './protobufJson.ts';
import { difference, plain } from './protobufPlain.ts';
import type { Longs, ProtobufType, ProtobufValue, ReflectedProtobufType } from './protobufType.ts';

export type { Longs, ProtobufType, ProtobufValue, ReflectedProtobufType } from './protobufType.ts';

/** How messages are written, and what their values are. */
export interface ProtobufCodecConfig<L extends Longs = Longs> {
  /**
   * `'binary'`, or proto3 JSON in UTF-8: names as the type has them (`mtuSize`, unless it was made with `keepCase`), enums
   * by name, 64-bit integers as texts, bytes in base64. Names and enums that the type does not know are refused.
   *
   * The special JSON of `google.protobuf.Timestamp`, `Duration`, `Any` and the like is written by protobufjs 8 after
   * `protojson.install()` for reflected types only; without it such a type is refused, but a static class does not tell.
   *
   * @defaultValue 'binary'
   */
  readonly format?: 'binary' | 'json';
  /**
   * What a 64-bit integer is in a value. `'number'` refuses those that a number cannot hold; `'bigint'` is exact, but
   * `JSON.stringify` of such values throws.
   *
   * @defaultValue 'string'
   */
  readonly longs?: L;
}

const rules: Rules = {
  format: oneOf('binary', 'json'),
  longs: oneOf('string', 'number', 'bigint'),
};

const methods = ['decode', 'encode', 'verify', 'fromObject', 'toObject'] as const;
const typeRules: Rules = {
  type: [isType, `a message type of protobufjs, with ${methods.join(', ')}`],
};

/**
 * Protocol Buffers, by protobufjs 7 or 8: the types are yours, made by either.
 *
 * Values are plain data, so that they compare, spread and print: every field is set, to its default where the message has
 * none (`null` for a message that is absent, `[]`, `{}`), but for `optional` fields and members of a `oneof`, which are
 * absent then; the name of a `oneof` says which member is there. Enums are numbers, 64-bit integers texts (see `longs`), bytes
 * a `Uint8Array`. Fields that the type does not know are skipped, so a value that is read and written again loses them.
 *
 * `encode` takes such values, with any field left out, enums also by name, and message objects. It reads again what it made,
 * and refuses what would be lost or changed: names that are no field, texts for numbers, integers out of range, two members of a
 * `oneof`. The same value may be written as other bytes than another program's: `compareAndSwap` compares bytes.
 *
 * For reflected types the type is a cast: `protobufCodec<Interface>(root.lookupType('spec.Interface'))`.
 *
 * Errors: `DECODE_FAILED` for what is no message of this type, as far as bytes tell (they carry no names); text that is not UTF-8 is
 * found by version 8 only, version 7 replaces characters. `ENCODE_FAILED` with the field.
 *
 * @example
 * fromEtcd(client, { prefixes: ['/if/'], codec: protobufCodec(Interface, { longs: 'number' }) })
 *
 * @param type a generated class, or `root.lookupType(name)`
 * @throws DatasyncError `INVALID_CONFIG` at once, where one of them is none
 */
export function protobufCodec<T = unknown>(type: ReflectedProtobufType, config?: ProtobufCodecConfig): Codec<T>;
export function protobufCodec<M, L extends Longs = 'string'>(
  type: ProtobufType<M>,
  config?: ProtobufCodecConfig<L>,
): Codec<ProtobufValue<M, L>>;
export function protobufCodec(type: ProtobufType, config: ProtobufCodecConfig = {}): Codec<unknown> {
  checkOptions('protobufCodec', config, rules);
  checkOptions('protobufCodec', { type }, typeRules, ['type']);
  const { format = 'binary', longs = 'string' } = config;
  const all = { defaults: true, oneofs: true } as const;
  const toValue = (message: object): unknown => plain(type.toObject(message, all), longs);

  /** Refuses a message that says something else than the value it was made of. */
  const check = (value: unknown, message: object): void => {
    const names = plain(type.toObject(message, { ...all, longs: Number, enums: String }), longs);
    const lost = difference(value, [toValue(message), names], () => false);
    if (lost !== undefined) throw new TypeError(lost);
  };
  const messageOf = (value: unknown): object => {
    if (typeof value !== 'object' || value === null) throw new TypeError('it is not an object');
    const message = type.fromObject(value as Record<string, unknown>);
    const problem = type.verify(message);
    if (problem !== null) throw new TypeError(problem);
    return message;
  };

  const binary: Codec<unknown> = {
    name: 'protobuf',
    decode: (raw) => toValue(type.decode(raw) as object),
    encode: (value) => {
      // A copy: protobufjs writes into Buffers.
      const raw = new Uint8Array(type.encode(messageOf(value)).finish());
      check(value, type.decode(raw) as object);
      return raw;
    },
  };
  const json = (): Codec<unknown> => {
    const text = protobufJson(type);
    return {
      name: 'proto3 JSON',
      decode: (raw) => toValue(text.read(JSON.parse(decodeText(raw)))),
      encode: (value) => {
        const message = messageOf(value);
        check(value, message);
        return encodeText(JSON.stringify(text.write(message)));
      },
    };
  };
  const codec = format === 'json' ? json() : binary;
  return {
    name: codec.name,
    decode: (raw, key) => decode(codec, raw, key),
    encode: (value, key) => encode(codec, value, key),
  };
}

function isType(value: unknown): boolean {
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false;
  return methods.every((method) => typeof (value as Partial<ProtobufType>)[method] === 'function');
}
