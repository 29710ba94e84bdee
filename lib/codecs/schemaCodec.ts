import { isPromiseLike } from '../internal/isPromiseLike.ts';
import type { Codec } from '../model/codec.ts';
import { decode, encode } from '../model/coding.ts';
import { DatasyncError, type ErrorCode } from '../model/errors.ts';
import { checkOptions, type Rules, withMethods } from '../model/options.ts';
import { jsonCodec } from './jsonCodec.ts';

/** A schema of any library that speaks Standard Schema, version 1: zod, valibot, arktype … */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    /** The value the schema makes of another, or what is wrong with it. */
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>;
  };
}

/** What a schema says of a value: the value it makes of it, or what is wrong. */
export type StandardResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong, and where. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const rules: Rules = {
  schema: [isSchema, "a Standard Schema: an object or function with '~standard', version 1"],
  codec: withMethods('a codec: { name, decode, encode }', 'decode', 'encode'),
};

/** So many are told in the message; the cause tells them all. */
const told = 3;

/**
 * Values that fit a schema, on top of another codec: what does not fit is rejected, and its last good value stays. The
 * value is what the schema makes of it: with its defaults, without what it strips.
 *
 * What is written is read again first, and refused where this codec would reject it. So a schema that makes one type of
 * another (texts to numbers) reads but does not write, unless it takes its own results too; a `Date` of
 * `z.coerce.date()` does.
 *
 * Errors: `DECODE_FAILED` and `ENCODE_FAILED`, naming the path and the message of each issue; `cause.issues` are those of
 * the schema. Asynchronous schemas are refused in the same way, as soon as one makes a Promise.
 *
 * @example
 * const codec = schemaCodec(z.object({ mtu: z.number() }));
 * fromFiles({ paths: ['config/'], prefixes: ['/nodes/'], codec });
 *
 * @param codec between bytes and what the schema checks. Default: `jsonCodec()`
 * @throws DatasyncError `INVALID_CONFIG` at once, where one of them is none
 */
export function schemaCodec<T>(schema: StandardSchema<T>, codec: Codec<unknown> = jsonCodec()): Codec<T> {
  checkOptions('schemaCodec', { schema, codec }, rules, ['schema', 'codec']);
  const standard = schema['~standard'];

  const read = (raw: Uint8Array, key: string, code: ErrorCode): T => {
    const result = standard.validate(decode(codec, raw, key));
    if (isPromiseLike(result)) {
      // Nobody waits for it: when it fails, that must not end the process.
      result.catch(() => undefined);
      const message = `the schema for ${JSON.stringify(key)} is asynchronous, and must not be (validate returned a Promise)`;
      throw new DatasyncError(code, message, { key });
    }
    if (result.issues === undefined) return result.value;
    const message = `the value of ${JSON.stringify(key)} does not fit its schema: ${textOf(result.issues, told)}`;
    const cause = Object.assign(new Error(textOf(result.issues)), { issues: result.issues });
    throw new DatasyncError(code, message, { key, cause });
  };

  return {
    name: codec.name,
    decode: (raw, key) => read(raw, key, 'DECODE_FAILED'),
    encode: (value, key) => {
      const raw = encode(codec, value, key);
      read(raw, key, 'ENCODE_FAILED');
      return raw;
    },
  };
}

function isSchema(value: unknown): boolean {
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

function textOf(issues: readonly StandardIssue[], most = issues.length): string {
  const texts = issues.slice(0, most).map(({ path = [], message }) => {
    const place = path.map(placeOf).join('').replace(/^\./, '');
    // arktype says it itself.
    return place === '' || message.startsWith(place) ? message : `${place}: ${message}`;
  });
  if (issues.length > most) texts.push(`and ${issues.length - most} more`);
  return texts.join('; ');
}

/** `.mtu`, `[0]`, `["a b"]`. */
function placeOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  const key = typeof segment === 'object' ? segment.key : segment;
  if (typeof key === 'number') return `[${key}]`;
  if (typeof key === 'string' && !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `[${JSON.stringify(key)}]`;
  return `.${String(key)}`;
}
