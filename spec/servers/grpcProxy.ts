import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerName } from './catalogue.ts';
import { Child } from './child.ts';
import type { Etcd } from './etcd.ts';
import { foundServer } from './need.ts';
import { freePorts, saysPortTaken } from './ports.ts';

/** etcd's own proxy: clients share its connections and its watches, and never see a server behind it come or go. */
export interface GrpcProxy {
  /** `127.0.0.1:port` */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts `etcd grpc-proxy` before a server, and resolves when it listens. Whoever starts it stops it. */
export async function startGrpcProxy(etcd: Etcd, server: ServerName): Promise<GrpcProxy> {
  const { programs, env } = foundServer(server);
  const targets = etcd.members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  for (let attempt = 1; ; attempt += 1) {
    const directory = mkdtempSync(join(tmpdir(), 'rx-datasync-grpc-proxy-'));
    const [port = 0] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const child = new Child({
      label: 'etcd grpc-proxy',
      command: programs['etcd']!,
      // Since 3.6 it also connects to where it says that it is, and ends where nobody is there.
      args: [
        ...['grpc-proxy', 'start', `--endpoints=${targets}`],
        ...[`--listen-addr=${address}`, `--advertise-client-url=${address}`],
      ],
      env,
      directory,
    });
    const stop = async (): Promise<void> => {
      await child.stop();
      rmSync(directory, { recursive: true, force: true });
    };
    try {
      await child.ready(() => listens(port));
      return { address, stop };
    } catch (error) {
      await stop();
      if (attempt === 3 || !saysPortTaken(String(error))) throw error;
    }
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const is = (there: boolean) => () => {
      socket.destroy();
      resolve(there);
    };
    socket.once('connect', is(true)).once('error', is(false));
  });
}
