import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { ConsulAgent } from '../servers/consul.ts';
import { listening } from './listening.ts';

/** A request as it came, before it is passed on. */
export interface Intercepted {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: string;
}

/** What becomes of a request instead of being passed on; `drop`: its connection is closed. */
export type Instead = 'drop' | { readonly status: number; readonly body: string; readonly done?: boolean };

/**
 * A proxy that understands requests: a test says for each what happens before it is passed on, and what instead. `done`: it is
 * passed on, and its answer is exchanged for another one.
 */
export async function interceptedConsul(
  agent: ConsulAgent,
  before: (request: Intercepted) => Promise<Instead | undefined> | Instead | undefined,
) {
  const requests: Intercepted[] = [];
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing).catch(() => outgoing.destroy()));
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = incoming;
    const body = Buffer.concat(await incoming.toArray());
    const seen = { method, path, body: body.toString() };
    requests.push(seen);
    const instead = await before(seen);
    if (instead === 'drop') return void outgoing.destroy();
    if (instead !== undefined && instead.done !== true)
      return void outgoing.writeHead(instead.status).end(instead.body);
    const passed = request({ host: '127.0.0.1', port: agent.port, method, path, headers, agent: false });
    passed.end(body);
    const [got] = (await once(passed, 'response')) as [IncomingMessage];
    const text = Buffer.concat(await got.toArray());
    outgoing.writeHead(instead?.status ?? got.statusCode!, instead === undefined ? got.headers : {});
    outgoing.end(instead?.body ?? text);
  };
  return { port: await listening(server), requests };
}
