import { createServer, type Server } from 'node:net';

/** Redis Cluster listens at port + 10,000 too. */
const highest = 55_000;

/** Free ports on loopback, all at once: one by one the system may give the same port twice. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  try {
    const ports: number[] = [];
    while (ports.length < count) {
      const server = await listening();
      held.push(server); // also one that is too high: else it comes again
      const port = portOf(server);
      if (port <= highest) ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** The port that a server of ours listens at. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens at no port');
  return address.port;
}

/** A message of a server whose port was taken between the choice and its start. */
export function saysPortTaken(message: string): boolean {
  return /address already in use|EADDRINUSE|bind: address/i.test(message);
}

function listening(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
