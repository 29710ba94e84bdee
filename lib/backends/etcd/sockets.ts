import type { Socket } from 'node:net';
import type { ChannelCredentials } from './grpc.ts';

/** As much as is used of what makes a connection secure, in grpc-js 1.13 and newer. */
interface Connector {
  connect(socket: Socket): Promise<object>;
  waitForReady(): Promise<void>;
}

interface Connecting {
  _createSecureConnector?(...args: readonly unknown[]): Connector;
}

/**
 * The sockets of one channel. grpc-js forgets a connection that is being made when its channel is closed: the socket stays open
 * until the server begins with HTTP/2, which one that stands still never does. And of one that is made it waits until the server
 * closes its side. So all that passes here is closed with the channel, and afterwards nothing is begun.
 */
export class Sockets {
  readonly #open = new Set<Socket>();
  #isClosed = false;

  /** The same credentials, whose sockets are known here. An older grpc-js does not ask them: there they pass unseen. */
  of(credentials: ChannelCredentials): ChannelCredentials {
    const given = credentials as Connecting;
    if (typeof given._createSecureConnector !== 'function') return credentials;
    const watched = Object.create(credentials) as Connecting;
    watched._createSecureConnector = (...args) => this.#watched(given._createSecureConnector!(...args));
    return watched;
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#open) socket.destroy();
  }

  #watched(connector: Connector): Connector {
    return Object.assign(Object.create(connector) as Connector, {
      waitForReady: async () => {
        this.#check();
        return connector.waitForReady();
      },
      connect: async (socket: Socket) => {
        this.#check();
        this.#open.add(socket.once('close', () => this.#open.delete(socket)));
        return connector.connect(socket);
      },
    });
  }

  #check(): void {
    if (this.#isClosed) throw new Error('the channel was closed');
  }
}
