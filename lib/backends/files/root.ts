import { sep } from 'node:path';
import { globPattern, ignoredBy, isGlob, splitGlob, unescaped } from './glob.ts';

/** What is looked at for the sake of one configured path. */
export interface Root {
  /** As configured, but absolute. */
  readonly name: string;
  /** A file or a directory: itself, or the part of a glob without special characters. */
  readonly path: string;
  readonly isGlob: boolean;
  /** So many directories below it are read. */
  readonly depth: number;
  /** Two roots with the same rules say the same here. */
  readonly rules: string;
  /** Whether a file or directory below it is left out; both paths start at the root, with `/` between the names. */
  readonly ignores: (path: string) => boolean;
  /** Whether a file below it is meant. */
  readonly wants: (path: string) => boolean;
}

/** @param name an absolute path or glob */
export function rootOf(name: string, recursive: boolean, ignore: readonly string[]): Root {
  const ignores = ignoredBy(ignore);
  // Where a backslash parts names it escapes nothing.
  const path = name.split(sep).join('/');
  if (!isGlob(path)) {
    const depth = recursive ? Infinity : 0;
    return {
      name,
      path: sep === '/' ? unescaped(name) : name,
      isGlob: false,
      depth,
      rules: JSON.stringify([recursive, ignore]),
      ignores,
      wants: () => true,
    };
  }
  const { base, rest } = splitGlob(path);
  const pattern = globPattern(rest);
  // What is between braces may have slashes of its own.
  const depth = rest.includes('**') || /\{[^}]*\//.test(rest) ? Infinity : rest.split('/').length - 1;
  return {
    name,
    path: base === '' ? '/' : base,
    isGlob: true,
    depth,
    rules: JSON.stringify([depth === Infinity ? '**' : depth, ignore]),
    ignores,
    wants: (file) => pattern.test(file),
  };
}
