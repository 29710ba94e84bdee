import type { Duplex } from 'node:stream';

/** As much of @grpc/grpc-js as is used: it comes with etcd3 and is loaded from there, so nobody has to install it. */
export interface Grpc {
  readonly Client: new (host: string, credentials: ChannelCredentials, options: ChannelOptions) => GrpcClient;
  readonly Metadata: new () => Metadata;
}

/** Nothing is known of them but where they come from. */
export type ChannelCredentials = object;
export type ChannelOptions = object;

/** What a call carries beside its message. */
export interface Metadata {
  set(key: string, value: string): void;
}

/** How a call is made. */
export interface CallOptions {
  /** Milliseconds since 1970. */
  readonly deadline?: number;
  /** Whatever else the client was told to add. */
  readonly [option: string]: unknown;
}

/** A stream of messages both ways. */
export interface DuplexCall extends Duplex {
  cancel(): void;
}

type Transform = (bytes: Buffer) => Buffer;

/** One connection to one server. */
export interface GrpcClient {
  close(): void;
  makeUnaryRequest(
    path: string,
    serialize: Transform,
    deserialize: Transform,
    request: Buffer,
    metadata: Metadata,
    options: CallOptions,
    answered: (error: Error | null, answer?: Buffer) => void,
  ): { cancel(): void };
  makeBidiStreamRequest(
    path: string,
    serialize: Transform,
    deserialize: Transform,
    metadata: Metadata,
    options: CallOptions,
  ): DuplexCall;
}
