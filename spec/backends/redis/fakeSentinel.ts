import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

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
  const sockets = new Set<Socket>();
  let accepted = 0;
  const answer = (command: string): string => {
    if (command.includes('get-master-addr-by-name')) return `*2\r\n${text('127.0.0.1')}${text(String(master))}`;
    if (command.includes('subscribe')) return `*3\r\n${text('subscribe')}${text('+switch-master')}:1\r\n`;
    return command.includes('sentinels') ? '*0\r\n' : '+OK\r\n';
  };
  const take = (socket: Socket): void => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (master === undefined) return;
      for (const command of data.toString().split(/^(?=\*\d+\r\n)/m)) socket.write(answer(command));
    });
  };
  const server: Server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
  };
}
