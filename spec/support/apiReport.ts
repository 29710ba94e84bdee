import { posix } from 'node:path';
import ts from 'typescript';
import { read } from './imports.ts';

/**
 * What an entry point exports, as text: each name in order of the alphabet, with the file it comes from and its
 * declaration. Works file by file on the syntax, without a type checker, which `isolatedDeclarations` makes possible.
 */
export function apiReport(entry: string, readFile: (file: string) => string = read): string {
  const declared = declarations(readFile);
  return [...exportsOf(entry, declared)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { from, text }]) => `// ${name} (${from})\n${text.join('\n')}\n`)
    .join('\n');
}

interface Exported {
  readonly from: string;
  readonly text: readonly string[];
}

type Declarations = (file: string) => ts.SourceFile;

/** The `.d.ts` of a source file, as the build makes it: no bodies, no comments, nothing marked `@internal`. */
function declarations(readFile: (file: string) => string): Declarations {
  const cache = new Map<string, ts.SourceFile>();
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    isolatedDeclarations: true,
    declaration: true,
    stripInternal: true,
    removeComments: true,
    verbatimModuleSyntax: true,
  };
  return (file) => {
    const known = cache.get(file);
    if (known !== undefined) return known;
    const { outputText } = ts.transpileDeclaration(readFile(file), { fileName: file, compilerOptions });
    const parsed = ts.createSourceFile(file, outputText, ts.ScriptTarget.ES2022, true);
    cache.set(file, parsed);
    return parsed;
  };
}

function exportsOf(file: string, declared: Declarations): Map<string, Exported> {
  const source = declared(file);
  const local = new Map<string, string[]>(); // every declaration of the file
  const imported = new Map<string, { from: string; name: string }>();
  const own = new Map<string, Exported>();
  const starred = new Map<string, Exported>(); // a name of the file's own wins over these
  for (const node of source.statements) {
    for (const name of declaredNames(node)) local.set(name, [...(local.get(name) ?? []), node.getText(source)]);
    if (ts.isImportDeclaration(node) && node.importClause?.namedBindings !== undefined) {
      const bindings = node.importClause.namedBindings;
      if (!ts.isNamedImports(bindings)) continue;
      const from = specifierOf(node);
      for (const { name, propertyName } of bindings.elements) {
        imported.set(name.text, { from, name: (propertyName ?? name).text });
      }
    }
  }
  const find = (from: string, name: string): Exported => {
    if (!from.startsWith('.')) return { from, text: [`export { ${name} } from '${from}';`] };
    const target = posix.join(posix.dirname(file), from);
    const found = exportsOf(target, declared).get(name);
    return found ?? { from: target, text: [`// not declared for users: ${name}`] };
  };
  for (const node of source.statements) {
    if (ts.isExportDeclaration(node)) {
      const from = node.moduleSpecifier === undefined ? undefined : specifierOf(node);
      if (node.exportClause === undefined && from !== undefined) {
        for (const [name, found] of exportsOf(posix.join(posix.dirname(file), from), declared))
          starred.set(name, found);
      } else if (node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
        for (const { name, propertyName } of node.exportClause.elements) {
          const original = (propertyName ?? name).text;
          const origin = from === undefined ? imported.get(original) : { from, name: original };
          own.set(name.text, origin ? find(origin.from, origin.name) : { from: file, text: local.get(original) ?? [] });
        }
      }
    } else if (isExported(node)) {
      for (const name of declaredNames(node)) own.set(name, { from: file, text: local.get(name) ?? [] });
    }
  }
  return new Map([...starred, ...own]);
}

function declaredNames(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText());
  const named =
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node);
  return named && node.name !== undefined ? [node.name.text] : [];
}

function isExported(node: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

function specifierOf(node: ts.ImportDeclaration | ts.ExportDeclaration): string {
  return node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)
    ? node.moduleSpecifier.text
    : '';
}
