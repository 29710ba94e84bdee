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
