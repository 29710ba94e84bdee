// Compiles what consumers write against the packed tarball, with the oldest to the newest TypeScript that is supported.
// Usage: tsx spec/consumers/main.ts rx-datasync-0.1.0.tgz
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const place = join(root, '.cache/consumers');
const [tarball] = process.argv.slice(2);
if (tarball === undefined) throw new Error('Usage: tsx spec/consumers/main.ts TARBALL');

/** The compilers of package.json beside this, and the two that the project has itself. */
const compilers = new Map([
  ['5.8', join(place, 'node_modules/typescript-5.8/bin/tsc')],
  ['5.9', join(place, 'node_modules/typescript-5.9/bin/tsc')],
  ['6', join(root, 'node_modules/typescript/bin/tsc6')],
  ['7', join(root, 'node_modules/@typescript/native/bin/tsc')],
]);

/** How a Node program and how Angular or Vite resolve. */
const resolutions = { nodenext: { module: 'nodenext' }, bundler: { module: 'esnext', moduleResolution: 'bundler' } };

mkdirSync(place, { recursive: true });
const lock = 'package-lock.json';
const isInstalled =
  existsSync(compilers.get('5.9')!) &&
  existsSync(join(place, lock)) &&
  readFileSync(join(place, lock), 'utf8') === readFileSync(join(here, lock), 'utf8');
if (!isInstalled) {
  for (const name of ['package.json', lock]) cpSync(join(here, name), join(place, name));
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: place, stdio: 'inherit' });
}

const installed = join(place, 'node_modules/rx-datasync');
rmSync(installed, { recursive: true, force: true });
mkdirSync(installed, { recursive: true });
execFileSync('tar', ['-xzf', resolve(tarball), '--strip-components=1', '-C', installed]);
for (const peer of ['rxjs', 'tslib']) {
  const link = join(place, 'node_modules', peer);
  rmSync(link, { recursive: true, force: true });
  symlinkSync(join(root, 'node_modules', peer), link);
}
for (const name of ['use.ts', 'wrong.ts']) cpSync(join(here, name), join(place, name));

for (const [name, options] of Object.entries(resolutions)) {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable', 'dom'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  writeFileSync(
    join(place, `tsconfig.${name}.json`),
    JSON.stringify({ compilerOptions, files: ['use.ts', 'wrong.ts'] }),
  );
}

const run = promisify(execFile);
const [oldest, newest] = [[...compilers.keys()].at(0), [...compilers.keys()].at(-1)];
for (const [version, tsc] of compilers) {
  const isEnd = version === oldest || version === newest;
  const names = Object.keys(resolutions).filter((name) => name === 'nodenext' || isEnd);
  const each = names.map(async (name) => {
    try {
      await run(process.execPath, [tsc, '-p', `tsconfig.${name}.json`], { cwd: place });
      console.log(`TypeScript ${version}, ${name}: ok`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`TypeScript ${version}, ${name}: FAILED\n${(error as { stdout?: string }).stdout ?? String(error)}`);
    }
  });
  await Promise.all(each);
}
