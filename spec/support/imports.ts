import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The package's directory. */
export const root: string = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** The text of one of the package's files, given by its path from the root. */
export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The TypeScript files under a folder, as sorted paths from the root (`lib/model/ack.ts`). */
export function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** What each file imports, of types too: packages by their specifier, files of the package by their path from the root. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** The import graph of the real files under `lib/`. */
export function libGraph(): ImportGraph {
  return new Map(
    sources('lib').map((file) => [file, specifiers(file, read(file)).map((name) => resolveSpecifier(file, name))]),
  );
}

/** Every specifier of a module: `import`, `export … from`, `import()` and the type `import('…')`. */
export function specifiers(file: string, text: string): string[] {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined;
    if (specifier !== undefined) found.add(ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)');
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, false));
  return [...found];
}

function resolveSpecifier(file: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier;
}

/** All that is reached from one file: `path` is the way there, for the message. */
export function reachable(graph: ImportGraph, entry: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>([[entry, [entry]]]);
  for (const [file, path] of found) {
    for (const to of graph.get(file) ?? []) if (!found.has(to)) found.set(to, [...path, to]);
  }
  return found;
}

/** Whether a node of the graph is a file of the package. */
export function isFile(node: string): boolean {
  return node.startsWith('lib/');
}

/** `js-yaml` of `js-yaml/dist/x`, `@scope/name` of `@scope/name/sub`. */
export function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
