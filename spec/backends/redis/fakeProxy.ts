import { connect, createServer } from 'node:net';
import { listening } from '../../support/listening.ts';

/** Something before a server that passes on all but what it has an answer to of its own. */
export interface FakeProxy {
  readonly port: number;
  /** How often it was asked for what it does not pass on. */
  readonly refused: number;
}

/**
 * @param port of the server
 * @param answer what it says itself to a command (`INFO server`); `'close'`: it hangs up; `undefined`: it passes it on
 */
export async function fakeProxy(port: number, answer: (command: string) => string | undefined): Promise<FakeProxy> {
  let refused = 0;
  const server = createServer((socket) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    upstream.pipe(socket);
    socket.on('data', (data) => {
      for (const command of data.toString('latin1').split(/^(?=\*\d+\r\n)/m)) {
        const words = command.split('\r\n').filter((line) => line !== '' && !/^[*$]\d+$/.test(line));
        const said = answer(words.join(' ').toUpperCase());
        if (said === undefined) upstream.write(command, 'latin1');
        else {
          refused += 1;
          if (said === 'close') socket.destroy();
          else socket.write(`${said}\r\n`);
        }
      }
    });
  });
  return {
    port: await listening(server),
    get refused() {
      return refused;
    },
  };
}
