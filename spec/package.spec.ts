import { execSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { apiReport } from './support/apiReport.ts';
import { isFile, libGraph, packageName, reachable, read, root, sources, specifiers } from './support/imports.ts';

interface Manifest {
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const graph = libGraph();
const isBuiltin = (specifier: string) => specifier.startsWith('node:') || builtinModules.includes(specifier);

/** Subpath (`.`, `./files`) to source file. */
const entries = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string'
    ? []
    : [{ subpath, target, source: target.default.replace(/^\.\/dist\/(.*)\.js$/, 'lib/$1.ts') }],
);

function tsconfig(file: string): { compilerOptions: object; files?: string[] } {
  return ts.parseConfigFileTextToJson(file, read(file)).config as { compilerOptions: object };
}

/** Ways from an entry to something outside the package that is not allowed there, one line each. */
function outside(entry: string, allowed: readonly string[]): string[] {
  return [...reachable(graph, entry)]
    .filter(([node]) => !isFile(node) && !allowed.includes(node))
    .map(([, path]) => path.join(' -> '));
}

describe('imports', () => {
  it('are found in every form', () => {
    const text = `import a from 'a'; import type { B } from 'b'; export * from 'c'; export { d } from 'd'; import 'e';
      const f = await import('f'); type G = import('g').G; // import 'no'
      const s = "import 'no'"; const t = import(s);`;
    expect(specifiers('x.ts', text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', '(computed)']);
  });

  it("of what '.' reaches are rxjs alone: no Node, no client", () => {
    expect(reachable(graph, 'lib/index.ts').size).toBeGreaterThan(10);
    expect(outside('lib/index.ts', ['rxjs'])).toEqual([]);
  });

  it("of './testing' need no test runner", () => {
    expect(reachable(graph, 'lib/testing/index.ts').size).toBeGreaterThan(10);
    expect(outside('lib/testing/index.ts', ['rxjs', 'rxjs/testing'])).toEqual([]);
  });

  it('name only what package.json declares, each client as an optional peer', () => {
    const packages = [
      ...new Set(
        [...graph.values()]
          .flat()
          .filter((node) => !isFile(node) && !isBuiltin(node))
          .map(packageName),
      ),
    ];
    expect(packages.sort()).toEqual(Object.keys(manifest.peerDependencies).sort());
    const optional = packages.filter((name) => manifest.peerDependenciesMeta[name]?.optional === true);
    expect(optional).toEqual(packages.filter((name) => name !== 'rxjs'));
    expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining(packages));
    expect(manifest.dependencies).toBeUndefined();
  });
});

describe('the package', () => {
  it('is never packed without dist, to which its entries point', () => {
    expect(manifest.scripts['prepack']).toMatch(/ && npm run build$/);
    expect(manifest.scripts['build']).toBe('tsc -p tsconfig.build.json');
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'lib']));
  });
});

describe('exports', () => {
  it.each(entries)('$subpath has a source file', ({ target, source }) => {
    expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'));
    expect(existsSync(join(root, source)), source).toBe(true);
  });

  it('are what tsconfig.json maps to lib/, and what tsconfig.dist.json checks', () => {
    const names = entries.map(({ subpath, source }) => [`rx-datasync${subpath.slice(1)}`, [`./${source}`]]);
    expect(tsconfig('tsconfig.json').compilerOptions).toMatchObject({ paths: Object.fromEntries(names) });
    expect(tsconfig('spec/tsconfig.dist.json').files).toEqual(entries.map(({ target }) => `.${target.types}`));
  });

  // A change of what users see shows up in review. Written anew by: DATASYNC_UPDATE=1 npx vitest run spec/package.spec.ts
  it.each(entries)('$subpath is as its API report says', ({ subpath, source }) => {
    const file = join(root, 'spec/api', `${subpath === '.' ? 'index' : subpath.slice(2)}.api.txt`);
    const report = apiReport(source);
    if (process.env['DATASYNC_UPDATE']) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, report);
    }
    expect(report).toBe(existsSync(file) ? readFileSync(file, 'utf8') : 'no report yet');
  });
});

describe('prepack', () => {
  it('empties dist before it builds, on every platform: what a source that is gone left there must not be published', () => {
    const [clean, ...rest] = manifest.scripts['prepack']!.split(' && ');
    expect(rest).toEqual(['npm run build']);
    const place = mkdtempSync(join(tmpdir(), 'rx-datasync-'));
    try {
      mkdirSync(join(place, 'dist/old'), { recursive: true });
      writeFileSync(join(place, 'dist/old/gone.js'), '');
      writeFileSync(join(place, 'kept.js'), '');
      // Twice: there may be no dist at all.
      for (let i = 0; i < 2; i++) execSync(clean!, { cwd: place });
      expect(readdirSync(place)).toEqual(['kept.js']);
    } finally {
      rmSync(place, { recursive: true });
    }
  });
});

describe('API report', () => {
  const files: Record<string, string> = {
    'lib/index.ts':
      "export { a as b, type T } from './a.ts'; export * from './c.ts'; import { q } from './c.ts'; export { q };",
    'lib/a.ts': `/** Doc. */ export function a(x: number): string; export function a(x: string): string; export function a(x: unknown): string { return String(x); }
      export interface T { readonly y: number;
        /** @internal */
        z: string } export const hidden: number = 1;`,
    'lib/c.ts':
      "export class C { #p: number = 1; m(): number { return this.#p; } } export const q: number = 1; export { of } from 'rxjs';",
  };

  it('lists each exported name with its declaration, without bodies, comments and internals', () => {
    expect(apiReport('lib/index.ts', (file) => files[file] ?? '').split('\n')).toEqual([
      '// C (lib/c.ts)',
      'export declare class C {',
      '    #private;',
      '    m(): number;',
      '}',
      '',
      '// T (lib/a.ts)',
      'export interface T {',
      '    readonly y: number;',
      '}',
      '',
      '// b (lib/a.ts)',
      'export declare function a(x: number): string;',
      'export declare function a(x: string): string;',
      '',
      '// of (rxjs)',
      "export { of } from 'rxjs';",
      '',
      '// q (lib/c.ts)',
      'export declare const q: number;',
      '',
    ]);
  });
});

describe('operators', () => {
  const operators = sources('lib/operators')
    .filter((file) => !file.includes('/internal/'))
    .map((file) => basename(file, '.ts'));

  it('exist', () => {
    expect(operators).not.toEqual([]);
  });

  it.each(operators)('%s: one public function, a marble and a spec', (name) => {
    const values = apiReport(`lib/operators/${name}.ts`).matchAll(/^export declare (\w+ \w+)/gm);
    expect([...new Set([...values].map(([, declared]) => declared))]).toEqual([`function ${name}`]);
    expect(existsSync(join(root, `marbles/${name}.marble`)), `marbles/${name}.marble`).toBe(true);
    expect(existsSync(join(root, `spec/operators/${name}.spec.ts`)), `spec/operators/${name}.spec.ts`).toBe(true);
  });
});
