import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { run } from '../examples/quickstart/quickstart.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** What the examples leave to their reader, and to each other. */
const preface = `
  import type { Change, ChangeEvent, ResyncEvent, Snapshot } from 'rx-datasync';
  interface Node { readonly mtu: number }
  declare function replaceAll(entries: Snapshot<Node>): Promise<void>;
  declare function apply(changes: readonly Change<Node>[]): Promise<void>;
  declare function resync(event: ResyncEvent<Node>): void;
  declare function change(event: ChangeEvent<Node>): void;
  declare const config: { readonly prefixes: string[]; readonly codec: import('rx-datasync').Codec<Node> };
  declare const list: import('rx-datasync').PinnedStore<number>['list'];
  declare const watch: import('rx-datasync').PinnedStore<number>['watch'];
`;

describe('README', () => {
  it('shows what the quickstart prints', { timeout: 60_000 }, async () => {
    const lines: string[] = [];
    await run((line) => lines.push(line));
    const shown = /<!-- quickstart -->\n```\n(.*?)```/s.exec(readme)?.[1];
    expect(shown?.trimEnd()).toBe(lines.join('\n').trimEnd());
  });

  it('has examples that compile', { timeout: 60_000 }, () => {
    const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text!);
    expect(blocks.length).toBeGreaterThan(2);
    const store = "import { memoryStore as makeStore } from 'rx-datasync';\nconst store = makeStore();";
    const texts = new Map(
      blocks.map((text, index) => [
        join(root, `readme-${index}.ts`),
        `${preface}${/const store =/.test(text) ? '' : store}\n${text}`,
      ]),
    );
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists } = host;
    host.fileExists = (path) => texts.has(path) || fileExists.call(host, path);
    host.getSourceFile = (path, ...rest) => {
      const text = texts.get(path);
      return text === undefined
        ? getSourceFile.call(host, path, ...rest)
        : ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
    };
    const program = ts.createProgram([...texts.keys()], { ...options, noEmit: true, noUnusedLocals: false }, host);
    const problems = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
    expect(problems.filter((problem) => problem.includes('readme-'))).toEqual([]);
  });

  it.each(['README.md', ...['consul', 'etcd', 'files', 'redis'].map((name) => `lib/backends/${name}/README.md`)])(
    '%s links to what is there',
    (page) => {
      const text = readFileSync(join(root, page), 'utf8');
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, path]) => path!);
      expect(links.length).toBeGreaterThan(0);
      expect(links.filter((path) => !existsSync(join(root, dirname(page), path)))).toEqual([]);
    },
  );

  it.each(['README.md', 'marbles/README.md'])('%s links, and shows, only what is in the package', (page) => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
    // npm packs these whatever `files` says.
    const packed = [...files, 'package.json', 'README.md', 'LICENSE'];
    const text = readFileSync(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)|src="(?!https?:)([^"]+)"/g)].map(([, a, b]) =>
      posix.join(dirname(page), (a ?? b)!),
    );
    expect(links.filter((path) => path.endsWith('.svg')).length).toBeGreaterThan(5);
    const isPacked = (path: string) => packed.some((file) => path === file || path.startsWith(`${file}/`));
    expect(links.filter((path) => !isPacked(path))).toEqual([]);
  });

  it('is at most 300 lines long', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(300);
  });
});
