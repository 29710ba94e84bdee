import { entryOf, type ServerName } from './catalogue.ts';
import { startConsul } from './consul.ts';
import { startEtcd } from './etcd.ts';
import { needServer } from './need.ts';
import { startRedis } from './redis.ts';

/**
 * The servers that all specs of a run share: started when the first spec asks, ended with the run. Specs keep to keys of
 * their own there; who stops, pauses or wipes a server starts one of its own.
 */
export interface Shared {
  readonly version: string;
  /** `http://127.0.0.1:2379`, `redis://127.0.0.1:6379`: one or several. */
  readonly endpoints: readonly string[];
}

/** Names of the environment that hold the endpoint of a server that is there already, several with commas between. */
export const variables: Readonly<Record<'etcd' | 'redis' | 'consul', string>> = {
  etcd: 'DATASYNC_ETCD',
  redis: 'DATASYNC_REDIS',
  consul: 'DATASYNC_CONSUL',
};

const kindOf = (name: ServerName) => name.replace(/-.*/, '') as 'etcd' | 'redis' | 'consul';
const running = new Map<ServerName, Promise<Shared>>();

/** Whether `shared` will find a server; as `needServer`, where it will not. */
export function needShared(name: ServerName): boolean {
  return givenEndpoints(name) !== undefined || needServer(name) !== undefined;
}

/** The shared server of a name. */
export function shared(name: ServerName): Promise<Shared> {
  const known = running.get(name) ?? open(name);
  running.set(name, known);
  return known;
}

async function open(name: ServerName): Promise<Shared> {
  const endpoints = givenEndpoints(name);
  if (endpoints !== undefined) return { version: 'of the environment', endpoints };
  switch (kindOf(name)) {
    case 'etcd': {
      const etcd = await startEtcd({ server: name as 'etcd-3.4' });
      return { version: etcd.version, endpoints: etcd.endpoints };
    }
    case 'redis': {
      const redis = await startRedis();
      return { version: redis.version, endpoints: [`redis://127.0.0.1:${redis.port}`] };
    }
    case 'consul': {
      const consul = await startConsul();
      return { version: consul.version, endpoints: consul.agents.map(({ port }) => `http://127.0.0.1:${port}`) };
    }
  }
}

/** The environment stands for the first line of a kind alone: nobody has said that it is a newer one. */
function givenEndpoints(name: ServerName): readonly string[] | undefined {
  const isDefault = !name.startsWith('etcd-') || entryOf(name).version === entryOf('etcd-3.4').version;
  const given = process.env[variables[kindOf(name)]];
  return given === undefined || given === '' || !isDefault ? undefined : given.split(',').map((each) => each.trim());
}
