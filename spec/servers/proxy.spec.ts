import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { portOf } from './ports.ts';
import { openProxy } from './proxy.ts';

/** An echo server behind a proxy, and a client of it. */
async function link() {
  const served = new Set<Socket>();
  const server = createServer((socket) => {
    served.add(socket);
    socket.on('close', () => served.delete(socket)).on('error', () => undefined);
    socket.on('data', (data) => socket.write(data));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openProxy({ port: portOf(server) });
  onTestFinished(async () => {
    await proxy.close();
    for (const socket of served) socket.destroy();
    server.close();
  });
  const client = async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let received = '';
    let error: Error | undefined;
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.on('error', (cause) => {
      error = cause;
    });
    await once(socket, 'connect');
    return { socket, received: () => received, error: () => error };
  };
  return { proxy, client, served };
}

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 5_000, interval: 5 });

describe('a proxy', () => {
  it('passes both ways, and the end of a link', async () => {
    const { proxy, client, served } = await link();
    const one = await client();
    one.socket.write('abc');
    await until(() => expect(one.received()).toBe('abc'));
    expect([proxy.sent, proxy.received, proxy.links, proxy.accepted]).toEqual([3, 3, 1, 1]);
    one.socket.end();
    await until(() => expect([served.size, proxy.links]).toEqual([0, 0]));
  });

  it('passes megabytes in order', async () => {
    const { proxy, client } = await link();
    const one = await client();
    const text = Array.from({ length: 500_000 }, (_, i) => `${i},`).join('');
    one.socket.write(text);
    await until(() => expect(one.received().length).toBe(text.length));
    expect(one.received() === text).toBe(true);
    expect(proxy.received).toBe(text.length);
  });

  it('cuts: the client is reset, and may come again', async () => {
    const { proxy, client, served } = await link();
    const one = await client();
    await until(() => expect(served.size).toBe(1));
    proxy.cut();
    await until(() => expect(one.error()?.message).toContain('ECONNRESET'));
    const two = await client();
    two.socket.write('again');
    await until(() => expect(two.received()).toBe('again'));
    expect(served.size).toBe(1);
  });

  it('refuses, and accepts again at the same port', async () => {
    const { proxy, client } = await link();
    const { port } = proxy;
    await proxy.refuse();
    await expect(client()).rejects.toThrow('ECONNREFUSED');
    await proxy.accept();
    expect(proxy.port).toBe(port);
    const one = await client();
    one.socket.write('a');
    await until(() => expect(one.received()).toBe('a'));
  });

  it('is a black hole: nobody is told, and after it everything arrives', async () => {
    const { proxy, client } = await link();
    const one = await client();
    one.socket.write('a');
    await until(() => expect(one.received()).toBe('a'));
    proxy.blackHole();
    one.socket.write('b');
    const late = await client();
    late.socket.write('c');
    await sleep(100);
    expect([one.received(), one.error(), late.received(), late.error(), proxy.links]).toEqual([
      'a',
      undefined,
      '',
      undefined,
      1,
    ]);
    await proxy.heal();
    await until(() => expect([one.received(), late.received()]).toEqual(['ab', 'c']));
  });

  it('is closed, also while it is a black hole that somebody has come into', async () => {
    const { proxy, client } = await link();
    proxy.blackHole();
    const one = await client();
    await proxy.close();
    await until(() => expect(one.error()?.message).toContain('ECONNRESET'));
  });

  it('hides from the server, in a black hole, that the client has gone', async () => {
    const { proxy, client, served } = await link();
    const one = await client();
    await until(() => expect(served.size).toBe(1));
    proxy.blackHole();
    one.socket.destroy();
    await sleep(100);
    expect(served.size).toBe(1);
    await proxy.heal();
    await until(() => expect(served.size).toBe(0));
  });

  it('half opens: the server is gone and the client does not know', async () => {
    const { proxy, client, served } = await link();
    const one = await client();
    one.socket.write('a');
    await until(() => expect(one.received()).toBe('a'));
    proxy.halfOpen();
    await until(() => expect(served.size).toBe(0));
    one.socket.write('b');
    await sleep(100);
    expect([one.received(), one.error(), one.socket.destroyed]).toEqual(['a', undefined, false]);
  });

  it('delays without slowing: what follows is not delayed twice', async () => {
    const { proxy, client } = await link();
    const one = await client();
    proxy.delay(100);
    const start = performance.now();
    for (let i = 0; i < 10; i += 1) {
      one.socket.write('x');
      await sleep(1);
    }
    await until(() => expect(one.received()).toBe('x'.repeat(10)));
    expect(performance.now() - start).toBeGreaterThanOrEqual(199);
    expect(performance.now() - start).toBeLessThan(1_500);
  });

  it('throttles', async () => {
    const { proxy, client } = await link();
    const one = await client();
    proxy.throttle(100_000);
    const start = performance.now();
    one.socket.write(Buffer.alloc(20_000));
    await until(() => expect(one.received().length).toBe(20_000));
    expect(performance.now() - start).toBeGreaterThan(390); // 200 ms there, 200 ms back
  });
});
