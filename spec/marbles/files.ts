import { readdirSync, readFileSync } from 'node:fs';
import { gallery } from './gallery.ts';
import { type Diagram, parse } from './parse.ts';
import { render } from './render.ts';

const folder = new URL('../../marbles/', import.meta.url);

/** Where a file of `marbles/` is. */
export function marblesFile(name: string): URL {
  return new URL(name, folder);
}

/** The names in `marbles/` that end so. */
export function marblesFiles(ending: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort((a, b) => (a.slice(0, -ending.length) < b.slice(0, -ending.length) ? -1 : 1));
}

export function readMarbles(name: string): string {
  return readFileSync(marblesFile(name), 'utf8');
}

export function parseFile(name: string): Diagram {
  return parse(readMarbles(name), `marbles/${name}`);
}

/** All that is generated, by file name: a picture per diagram, and the gallery. */
export function generated(): Map<string, string> {
  const drawn = marblesFiles('.marble').map((file) => ({ diagram: parseFile(file), text: readMarbles(file) }));
  const pictures = drawn.map(({ diagram }) => [`${diagram.name}.svg`, render(diagram)] as const);
  return new Map([...pictures, ['README.md', gallery(drawn)]]);
}
