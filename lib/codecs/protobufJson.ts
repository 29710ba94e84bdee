import { DatasyncError } from '../model/errors.ts';
import { difference } from './protobufPlain.ts';
import type { ProtobufType } from './protobufType.ts';

/** What `protojson.install()` of protobufjs 8 adds to its types. */
interface ProtoJson {
  readonly toJson: (this: unknown, message: object) => unknown;
  readonly fromJson: (this: unknown, json: unknown) => object;
}

interface Reflected {
  readonly fullName: string;
  readonly fieldsArray: readonly { readonly name: string; readonly resolvedType: object | null; resolve(): unknown }[];
}

/** Messages that proto3 JSON does not write as what they are. */
const special =
  /^\.google\.protobuf\.(Any|Timestamp|Duration|FieldMask|Struct|Value|ListValue|(Double|Float|U?Int(32|64)|Bool|String|Bytes)Value)$/;

/**
 * The JSON of messages of one type: that of `protojson` where it is installed, else what `toObject` and `fromObject` make.
 *
 * @throws DatasyncError `INVALID_CONFIG` where that would not be proto3 JSON, as far as the type says it
 */
export function protobufJson(type: ProtobufType): {
  write(message: object): unknown;
  read(json: unknown): object;
} {
  if (hasProtoJson(type)) {
    // Through bytes: `fromJson` makes numbers of some 64-bit integers, and of others not.
    const read = (json: unknown): object => type.decode(type.encode(type.fromJson(json)).finish()) as object;
    return { write: (message) => type.toJson(message), read };
  }
  refuseSpecial(type, new Set());
  const names = { json: true, longs: String, enums: String, bytes: String } as const;
  return {
    write: (message) => type.toObject(message, names),
    read: (json) => {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new TypeError('it is not an object');
      const message = type.fromObject(json as Record<string, unknown>);
      const numbers = { json: true, longs: Number, bytes: String, defaults: true } as const;
      const forms = [type.toObject(message, { ...names, defaults: true }), type.toObject(message, numbers)];
      const lost = type.verify(message) ?? difference(json, forms, alike);
      if (lost !== undefined) throw new TypeError(lost);
      return message;
    },
  };
}

function hasProtoJson(type: ProtobufType): type is ProtobufType & ProtoJson {
  const { toJson, fromJson } = type as Partial<ProtoJson>;
  return typeof toJson === 'function' && typeof fromJson === 'function';
}

/** What proto3 JSON lets stand for another: texts for numbers, and base64 for URLs or without its end. */
function alike(given: unknown, form: unknown): boolean {
  if (typeof given !== 'string') return false;
  if (typeof form === 'number') return given.trim() !== '' && Number(given) === form;
  const bare = (text: string): string => text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return typeof form === 'string' && bare(given) === bare(form);
}

function refuseSpecial(type: object, seen: Set<object>): void {
  if (seen.has(type) || !('fieldsArray' in type)) return;
  seen.add(type);
  const { fullName, fieldsArray } = type as Reflected;
  if (special.test(fullName)) {
    const help = "call protojson.install() of 'protobufjs/ext/protojson.js' (version 8) before, or use 'binary'";
    const message = `protobufCodec: the JSON of ${fullName.slice(1)} is not what protobufjs writes: ${help}`;
    throw new DatasyncError('INVALID_CONFIG', message);
  }
  for (const field of fieldsArray) {
    field.resolve();
    if (field.resolvedType !== null) refuseSpecial(field.resolvedType, seen);
  }
}
