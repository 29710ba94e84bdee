import { readFileSync } from 'node:fs';

/** The chokidar that the specs of this project run with: what `chokidar` means is a matter of vitest.config.ts. */
const name = process.env['DATASYNC_CHOKIDAR'] ?? 'chokidar';
const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);

export const chokidar: { readonly name: string; readonly version: string } = {
  name,
  version: (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
};
