import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Link, linksOn } from './links.ts';
import type { Root } from './root.ts';
import { look, watchedIdentityOf } from './stats.ts';
import type { WatchTarget } from './watchTarget.ts';

/** What has to be watched, for each configured path and each link; `undefined`: nothing that exists. */
export type Targets = ReadonlyMap<string, WatchTarget | undefined>;

/** What has to be watched for configured paths: themselves, and the links that lead to them. */
export async function targetsOf(roots: readonly Root[]): Promise<Map<string, WatchTarget | undefined>> {
  const targets = new Map<string, WatchTarget | undefined>();
  for (const root of roots) {
    targets.set(root.name, await targetOf(root));
    const links = await linksOn(root.path);
    for (const link of links) await addLink(targets, link);
    // A watcher of the link stays with the file that it led to.
    if (links.length > 0) await addEnd(targets, root.path);
  }
  return targets;
}

/** A link is watched as a name in its directory. */
export async function addLink(targets: Map<string, WatchTarget | undefined>, { directory, name }: Link): Promise<void> {
  const id = `the link ${join(directory, name)}`;
  if (!targets.has(id)) targets.set(id, await nameIn(directory, name));
}

async function addEnd(targets: Map<string, WatchTarget | undefined>, path: string): Promise<void> {
  try {
    const end = await realpath(path);
    if ((await look(end)).isFile()) targets.set(end, await nameIn(dirname(end), basename(end)));
  } catch {
    // It may come into being: then the link, or what is above it, is another one.
  }
}

/** What has to be watched for a configured path: itself if it is a directory, else its name in the one above. */
async function targetOf(root: Root): Promise<WatchTarget | undefined> {
  const { path } = root;
  try {
    const stats = await look(path);
    if (stats.isDirectory()) return { directory: path, identity: watchedIdentityOf(stats), root };
  } catch {
    // It may come into being.
  }
  return nameIn(dirname(path), basename(path));
}

async function nameIn(directory: string, only: string): Promise<WatchTarget | undefined> {
  try {
    return { directory, identity: watchedIdentityOf(await look(directory)), only };
  } catch {
    return undefined;
  }
}
