import { entryOf, type ServerName, serverNames } from './catalogue.ts';
import { fetchByApt } from './fetch.ts';
import { type Found, find } from './find.ts';

/** A server that can be started, or why it cannot be had. */
export type Have = { readonly found: Found } | { readonly missing: string };

/**
 * What this machine has of every server in the catalogue; what can be fetched and is not there is fetched first.
 *
 * @param isWanted whether a server of the second line is fetched too. Default: the one that `DATASYNC_REDIS_LINE` names
 */
export async function haveServers(
  isWanted: (name: ServerName) => boolean = (name) => name === process.env['DATASYNC_REDIS_LINE'],
): Promise<Readonly<Record<ServerName, Have>>> {
  const first = await findAll(serverNames);
  const isFetchable = (name: ServerName): boolean => {
    const { debs, isSecondLine } = entryOf(name);
    return debs !== undefined && (isSecondLine !== true || isWanted(name));
  };
  const fetchable = serverNames.filter((name) => first.get(name) === undefined && isFetchable(name));
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
  const { version, programs, go, isSecondLine } = entryOf(name);
  if (isSecondLine === true) return `${version} is fetched by \`npm run servers -- --all\``;
  if (go !== undefined) return `${version} is built by \`npm run servers -- --go\``;
  return `no ${programs.join(', ')} ${version} in the cache or on PATH`;
}
