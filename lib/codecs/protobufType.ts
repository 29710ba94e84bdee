import type { IConversionOptions } from 'protobufjs';

/** What protobufjs makes of a message type: a static generated class, or a reflected type. */
export interface ProtobufType<M = unknown> {
  /** A message from its bytes. */
  decode(raw: Uint8Array): M;
  /** A writer that holds the message. */
  encode(message: object): {
    /** The bytes of the message. */
    finish(): Uint8Array;
  };
  /** What is wrong with a message before it is written; `null`: nothing. */
  verify(message: object): string | null;
  /** A message from plain data. */
  fromObject(object: { [name: string]: unknown }): object;
  /** Plain data from a message. */
  toObject(message: object, options?: IConversionOptions): { [name: string]: unknown };
}

/** A type that is looked up at run time: `root.lookupType('spec.Interface')`. */
export interface ReflectedProtobufType extends ProtobufType {
  readonly fieldsArray: readonly object[];
}

/** What a 64-bit integer is in a value. */
export type Longs = 'string' | 'number' | 'bigint';

/** What `protobufCodec` makes of messages of a static class: plain data, all fields set. */
export type ProtobufValue<M, L extends Longs = 'string'> = 0 extends 1 & M
  ? M
  : Extract<M, LongLike> extends never
    ? Plain<M, L>
    : LongOf<L> | Plain<Exclude<M, number | LongLike>, L>;

type Plain<M, L extends Longs> = M extends Uint8Array
  ? Uint8Array
  : M extends readonly (infer E)[]
    ? ProtobufValue<E, L>[]
    : M extends object
      ? { [K in keyof M as K extends 'toJSON' | `$${string}` ? never : K]: ProtobufValue<M[K], L> }
      : M;

type LongOf<L extends Longs> = { string: string; number: number; bigint: bigint }[L];

interface LongLike {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}
