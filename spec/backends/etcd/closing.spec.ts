import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import type { IOptions } from 'etcd3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fromEtcd } from '../../../lib/backends/etcd/fromEtcd.ts';
import { Sockets } from '../../../lib/backends/etcd/sockets.ts';
import { portOf } from '../../servers/ports.ts';
import { plainClient } from '../../support/etcdSubject.ts';
import { until } from '../../support/follower.ts';
import { openedTo } from '../../support/openedTo.ts';

/** With it a server has begun to speak HTTP/2. */
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

async function following(server: Server, options: Partial<IOptions> = {}, scheme = 'http') {
  const accepted = new Set<Socket>();
  server.on('connection', (socket) => {
    accepted.add(socket.on('error', () => undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  const client = plainClient(`${scheme}://127.0.0.1:${portOf(server)}`, options);
  onTestFinished(() => client.close());
  const open = openedTo(() => portOf(server));
  const subscription = fromEtcd(client, { prefixes: ['a/'] }).subscribe();
  onTestFinished(() => subscription.unsubscribe());
  return {
    accepted,
    unsubscribe: async () => {
      subscription.unsubscribe();
      // Whatever was about to be opened is open then.
      for (let turns = 0; turns < 5; turns++) await turn();
      await until(() => expect(open.size).toBe(0), 5_000);
    },
  };
}

/** It hears, and never answers nor closes. */
const mute = (): Server => createServer({ allowHalfOpen: true }, (socket) => void socket.resume());

/** It speaks HTTP/2, and answers nothing. */
const http2 = (): Server =>
  createHttp2Server().on('session', (session) => session.on('error', () => undefined)) as unknown as Server;

const ticks = async (count: number): Promise<void> => {
  for (let tick = 0; tick < count; tick++) await new Promise<void>((resolve) => process.nextTick(resolve));
};

describe('fromEtcd, unsubscribed, keeps no connection', () => {
  it.each(Array.from({ length: 12 }, (_, count) => count))('%i ticks after it was subscribed', async (count) => {
    const { unsubscribe: end } = await following(http2());
    await ticks(count);
    await end();
  });

  it.each(Array.from({ length: 8 }, (_, count) => count))('%i turns of the event loop after that', async (count) => {
    const { unsubscribe: end } = await following(http2());
    for (let turns = 0; turns < count; turns++) await turn();
    await end();
  });

  it.each(Array.from({ length: 12 }, (_, count) => count))(
    '%i ticks after that, where grpc-js is too old to show its sockets, and the server speaks',
    async (count) => {
      const unseen = vi.spyOn(Sockets.prototype, 'of').mockImplementation((credentials) => credentials);
      onTestFinished(() => unseen.mockRestore());
      const { unsubscribe: end } = await following(http2());
      await ticks(count);
      await end();
    },
  );

  it('where the server was reached and says nothing', async () => {
    const { accepted, unsubscribe: end } = await following(mute());
    await until(() => expect(accepted.size).toBe(1));
    await end();
  });

  it('where the server was reached and does not begin with TLS', async () => {
    const credentials = { rootCertificate: Buffer.from(rootCertificates[0]!) };
    const { accepted, unsubscribe: end } = await following(mute(), { credentials }, 'https');
    await until(() => expect(accepted.size).toBe(1));
    await end();
  });

  it('where the server has stopped after the first words', async () => {
    const { accepted, unsubscribe: end } = await following(mute().on('connection', (socket) => socket.write(settings)));
    await until(() => expect([...accepted].some(({ bytesRead }) => bytesRead > 100)).toBe(true));
    await end();
  });
});
