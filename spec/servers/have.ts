import { entryOf, type ServerName, serverNames } from './catalogue.ts';
import { fetchByApt } from './fetch.ts';
import { type Found, find } from './find.ts';

/** A server that can be started, or why it cannot be had. */
export type Have = { readonly found: Found } | { readonly missing: string };

/** What this machine has of every server in the catalogue; what can be fetched and is not there is fetched first. */
export async function haveServers(): Promise<Readonly<Record<ServerName, Have>>> {
  const first = await findAll(serverNames);
  const fetchable = serverNames.filter((name) => first.get(name) === undefined && entryOf(name).debs !== undefined);
  let failure = '';
  if (fetchable.length > 0) {
    try {
      await fetchByApt(fetchable);
    } catch (error) {
      failure = `; fetching it failed: ${(error as Error).message.split('\n', 1)[0]}`;
    }
  }
  const second = await findAll(fetchable);
  return Object.fromEntries(
    serverNames.map((name) => {
      const found = first.get(name) ?? second.get(name);
      return [name, found === undefined ? { missing: `${reasonOf(name)}${failure}` } : { found }];
    }),
  ) as Record<ServerName, Have>;
}

async function findAll(names: readonly ServerName[]): Promise<ReadonlyMap<ServerName, Found | undefined>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await find(name)] as const)));
}

function reasonOf(name: ServerName): string {
  const { version, programs, go } = entryOf(name);
  if (go !== undefined) return `${version} is built by \`npm run servers -- --go\``;
  return `no ${programs.join(', ')} ${version} in the cache or on PATH`;
}
