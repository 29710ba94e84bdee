import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { listening } from '../../support/listening.ts';

/** Something that names a master, as a Sentinel does, or accepts connections and never says anything. */
export interface FakeSentinel {
  readonly port: number;
  /** How many connections it was ever asked for. */
  readonly accepted: number;
  /** How many are open. */
  readonly open: number;
}

const text = (word: string): string => `$${word.length}\r\n${word}\r\n`;

/** @param master the port of the master; `undefined`: it is silent */
export async function fakeSentinel(master?: number, tls?: TlsOptions): Promise<FakeSentinel> {
  let accepted = 0;
  let open = 0;
  const answer = (command: string): string => {
    if (command.includes('get-master-addr-by-name')) return `*2\r\n${text('127.0.0.1')}${text(String(master))}`;
    if (command.includes('subscribe')) return `*3\r\n${text('subscribe')}${text('+switch-master')}:1\r\n`;
    return command.includes('sentinels') ? '*0\r\n' : '+OK\r\n';
  };
  const take = (socket: Socket): void => {
    accepted += 1;
    open += 1;
    socket.on('close', () => {
      open -= 1;
    });
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (master === undefined) return;
      for (const command of data.toString().split(/^(?=\*\d+\r\n)/m)) socket.write(answer(command));
    });
  };
  const server: Server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  return {
    port: await listening(server),
    get accepted() {
      return accepted;
    },
    get open() {
      return open;
    },
  };
}
