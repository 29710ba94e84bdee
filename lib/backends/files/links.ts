import { lstat, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, sep } from 'node:path';

/** A link, as a name in a directory that is reached without one. */
export interface Link {
  readonly directory: string;
  readonly name: string;
}

/** More than any system follows. */
const most = 40;

/**
 * All links on the way to where an absolute path leads, also those to which other links lead; in order. Where the way breaks off, those
 * up to there.
 */
export async function linksOn(path: string): Promise<Link[]> {
  const links: Link[] = [];
  let at = parse(path).root;
  const names = path.slice(at.length).split(sep);
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === '..') at = dirname(at);
    if (name === '' || name === '.' || name === '..') continue;
    const next = join(at, name);
    let target: string;
    try {
      if (!(await lstat(next)).isSymbolicLink()) {
        at = next;
        continue;
      }
      target = await readlink(next);
    } catch {
      break;
    }
    links.push({ directory: at, name });
    if (links.length > most) break;
    if (isAbsolute(target)) at = parse(target).root;
    names.unshift(...target.split(sep));
  }
  return links;
}
