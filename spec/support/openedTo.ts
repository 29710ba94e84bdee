import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What `connect` of this process opens to a server from now on, and is not closed. */
export function openedTo(port: () => number): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  const opened = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.once('connect', () => {
      if (socket.remotePort !== port()) open.delete(socket);
    });
  };
  subscribe('net.client.socket', opened);
  onTestFinished(() => void unsubscribe('net.client.socket', opened));
  return open;
}
