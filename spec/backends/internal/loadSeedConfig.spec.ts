import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSeedConfig, type SeedInput } from '../../../lib/backends/internal/loadSeedConfig.ts';
import { type SeedKeys, seedKey } from '../../../lib/backends/internal/seedKeys.ts';
import type { DatasyncError } from '../../../lib/model/errors.ts';
import { temporaryDirectory } from '../../support/files.ts';

const keys = {
  'dial-timeout': seedKey.duration,
  endpoints: seedKey.texts,
  tls: { enabled: seedKey.flag },
} satisfies SeedKeys;
const load = (input: SeedInput) => loadSeedConfig(input, keys, { where: 'etcdConfig', backend: 'etcd' });
const refused = (input: SeedInput) =>
  load(input).then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error as DatasyncError,
  );

function file(text: string | Uint8Array, name = 'etcd.conf'): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  return path;
}

const text = `# where etcd is
endpoints:
  - 10.0.0.1:2379
dial-timeout: 1m
tls:
  enabled: true
`;
const options = { endpoints: ['10.0.0.1:2379'], dialTimeout: 60_000, tls: { enabled: true } };

describe('loadSeedConfig', () => {
  it('reads a file, the URL of one, a text, and an object', async () => {
    expect(await load(file(text))).toEqual(options);
    expect(await load(pathToFileURL(file(text)))).toEqual(options);
    expect(await load(file(`\uFEFF${text}`))).toEqual(options);
    expect(await load({ yaml: text })).toEqual(options);
    expect(await load({ 'dial-timeout': 0 })).toEqual({ dialTimeout: 0 });
    expect(await load(file(JSON.stringify({ 'dial-timeout': 2e6 })))).toEqual({ dialTimeout: 2 });
  });

  it.each(['', '\n \n', '# nothing\n', '---\n# nothing\n', '--- # x\n...\n', 'tls:\n'])(
    'takes %j for a configuration without keys',
    async (nothing) => {
      expect(await load(file(nothing))).toEqual({});
    },
  );

  it('refuses an unknown key with file, line and column', async () => {
    const path = file(`${text}  enabeld: true\n`);
    expect(await refused(path)).toMatchObject({
      code: 'INVALID_CONFIG',
      backend: 'etcd',
      file: path,
      line: 7,
      column: 3,
      message: `[rx-datasync/etcd] ${path}:7:3: unknown key 'tls.enabeld'; did you mean 'tls.enabled'? known are enabled`,
    });
  });

  it('refuses a wrong value where its key stands, also in JSON and in a text', async () => {
    expect(await refused(file('\ndial-timeout: soon\n'))).toMatchObject({ code: 'INVALID_CONFIG', line: 2, column: 1 });
    const json = await refused(file('{ "endpoints": ["a"],\n  "dial-timeout": "soon" }'));
    expect(json).toMatchObject({ line: 2, column: 4 });
    const inText = await refused({ yaml: 'tls: { enabled: 1 }' });
    expect(inText.message).toBe("[rx-datasync/etcd] etcdConfig:1:8: 'tls.enabled' must be true or false, not 1");
    expect(inText).not.toHaveProperty('file');
  });

  it('has no line for a key that comes by a merge', async () => {
    const path = file('tls: &t { enabled: true }\n<<: *t\n');
    expect((await refused(path)).message).toContain(`${path}: unknown key 'enabled'`);
  });

  it.each([
    ['a: [', { line: 1 }],
    ['tls:\n  enabled: true\n  enabled: true\n', { line: 3, column: 3 }],
    ['a: 1\n---\na: 2\n', {}],
  ])('refuses %j as no YAML', async (bad, place) => {
    const path = file(bad);
    expect(await refused(path)).toMatchObject({ code: 'PARSE_FAILED', backend: 'etcd', file: path, ...place });
  });

  it('refuses what is no table, and what cannot be read', async () => {
    expect((await refused(file('- a\n'))).message).toContain('a configuration must be a table of keys, not an array');
    expect(await refused(join(temporaryDirectory(), 'none.conf'))).toMatchObject({ code: 'UNREADABLE' });
    expect(await refused(file(Uint8Array.of(0xff, 0xfe)))).toMatchObject({ code: 'UNREADABLE' });
    expect(await refused(5 as never)).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});
