// What "." costs a user: bundled, minified and gzipped, without rxjs. `DATASYNC_UPDATE=1 npx tsx spec/size/main.ts`
// lowers the limits to what is measured; raising one is done by hand, in limits.json, where a review sees it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild'; // comes with tsx

const here = dirname(fileURLToPath(import.meta.url));
const limitsFile = join(here, 'limits.json');
const imports = {
  '.': "export * from './lib/index.ts'",
  '{ filterByRevision }': "export { filterByRevision } from './lib/index.ts'",
};

const limits = (existsSync(limitsFile) ? JSON.parse(readFileSync(limitsFile, 'utf8')) : {}) as Record<string, number>;
for (const [name, contents] of Object.entries(imports)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(here, '../..') },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['rxjs', 'rxjs/*'],
    logLevel: 'error',
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  const bytes = gzipSync(code, { level: 9 }).length;
  const limit = limits[name];
  const tooBig = limit !== undefined && bytes > limit;
  const verdict = limit === undefined ? 'no limit yet' : `limit ${kB(limit)}${tooBig ? ': TOO BIG' : ''}`;
  console.log(`${name.padEnd(20)} ${kB(code.length)} minified, ${kB(bytes)} gzipped (${verdict})`);
  if (tooBig) process.exitCode = 1;
  else limits[name] = Math.min(limit ?? Infinity, Math.ceil(bytes / 100) * 100);
}
if (process.env['DATASYNC_UPDATE']) writeFileSync(limitsFile, `${JSON.stringify(limits, null, 2)}\n`);

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(2)} kB`;
}
