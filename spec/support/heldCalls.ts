import { createRequire } from 'node:module';

const grpc = createRequire(createRequire(import.meta.url).resolve('etcd3'))('@grpc/grpc-js');

/** One call, as a client's `defaultCallOptions` is told of it. */
export interface CallContext {
  readonly service: string;
  readonly method: string;
  readonly isStream: boolean;
}

/** Calls that a test holds back: for the `defaultCallOptions` of a client. */
export class HeldCalls {
  /** How many were held. */
  held = 0;
  release: () => void = () => undefined;
  readonly #isHeld: (call: CallContext, number: number) => boolean;
  readonly #released: Promise<void>;
  #number = 0;

  /** @param isHeld asked for each call; the first one has the number 1 */
  constructor(isHeld: (call: CallContext, number: number) => boolean) {
    this.#isHeld = isHeld;
    this.#released = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  readonly options = (call: CallContext): object => {
    this.#number++;
    if (!this.#isHeld(call, this.#number)) return {};
    this.held++;
    return { interceptors: [this.#hold] };
  };

  /** An interceptor of gRPC. */
  readonly #hold = (options: unknown, next: (options: unknown) => object): object =>
    new grpc.InterceptingCall(next(options), {
      start: (metadata: unknown, listener: unknown, go: (metadata: unknown, listener: unknown) => void) =>
        void this.#released.then(() => go(metadata, listener)),
    });
}

interface Listener {
  onReceiveStatus(status: object): void;
}

/**
 * For the `defaultCallOptions` of a client: the connection breaks before there is an answer.
 *
 * @param isDone whether the server has got the request, and has done it
 */
export function broken(isDone: boolean): object {
  const status = { code: 14, details: 'Connection dropped', metadata: new grpc.Metadata() };
  const start = (metadata: unknown, listener: Listener, go: (metadata: unknown, listener: object) => void): void => {
    const breaks = () => listener.onReceiveStatus(status);
    if (isDone)
      go(metadata, { onReceiveMetadata: () => undefined, onReceiveMessage: () => undefined, onReceiveStatus: breaks });
    else breaks();
  };
  const held = { start, sendMessage: () => undefined, halfClose: () => undefined };
  return {
    interceptors: [
      (options: unknown, next: (options: unknown) => object): object =>
        new grpc.InterceptingCall(next(options), isDone ? { start } : held),
    ],
  };
}
