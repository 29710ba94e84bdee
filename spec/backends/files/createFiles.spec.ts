import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFiles, filedbConfig } from '../../../lib/backends/files/index.ts';
import { serviceLabel } from '../../../lib/config/serviceLabel.ts';
import { toState } from '../../../lib/index.ts';
import { failureOf } from '../../support/failureOf.ts';
import { temporaryDirectory, until, write } from '../../support/files.ts';

describe('filedbConfig', () => {
  it('reads the keys of the seeds from a file, a text and an object', async () => {
    const path = join(temporaryDirectory(), 'filedb.conf');
    const yaml = 'configuration-paths:\n  - /etc/agent/config\n  - extra.json\nstatus-path: run/status.yaml\n';
    writeFileSync(path, yaml);
    const expected = { paths: ['/etc/agent/config', 'extra.json'], statusPath: 'run/status.yaml' };
    expect(await filedbConfig(path)).toEqual(expected);
    expect(await filedbConfig({ yaml })).toEqual(expected);
    expect(await filedbConfig({ 'configuration-paths': ['a'] })).toEqual({ paths: ['a'] });
    expect(await filedbConfig({ 'configuration-paths': ['a'], 'status-path': null })).toEqual({ paths: ['a'] });
  });

  it('refuses what it does not know with file, line, key and what was expected', async () => {
    const path = join(temporaryDirectory(), 'filedb.conf');
    writeFileSync(path, 'configuration-paths: [a]\nstatus_path: s.json\n');
    await expect(filedbConfig(path)).rejects.toMatchObject({ code: 'INVALID_CONFIG', file: path, line: 2, column: 1 });
    await expect(filedbConfig(path)).rejects.toThrow(
      `[rx-datasync/files] ${path}:2:1: unknown key 'status_path'; did you mean 'status-path'? known are configuration-paths, status-path`,
    );
    await expect(filedbConfig({ yaml: 'status-path: a.json' })).rejects.toThrow(
      "filedbConfig: the key 'configuration-paths' is missing",
    );
    await expect(filedbConfig({ 'configuration-paths': 'a' })).rejects.toThrow('must be a list of at least one text');
    for (const empty of [{ 'configuration-paths': ['a', ''] }, { yaml: 'configuration-paths:\n- a\n- ""\n' }])
      await expect(filedbConfig(empty)).rejects.toThrow(
        /'configuration-paths'.* a list of at least one text, but element 1 is ""/,
      );
    await expect(filedbConfig('/nowhere/filedb.conf')).rejects.toMatchObject({ code: 'UNREADABLE' });
  });
});

describe('createFiles', () => {
  const agent = () => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, 'config'));
    const statusPath = join(dir, 'config', 'status.json');
    return { dir, statusPath, options: { paths: [join(dir, 'config')], statusPath, usePolling: true, rescan: 20 } };
  };

  it('reads only what is meant for this instance, and keeps the status of it beside', async () => {
    const { dir, statusPath, options } = agent();
    const { prefix, prefixOf } = serviceLabel({ label: 'a', args: [], env: {} });
    write(join(dir, 'config', 'all.yaml'), { [`${prefix}config/if/eth0`]: 1, [`${prefixOf('b')}config/if/eth0`]: 2 });
    // Left there by an earlier process: a new source does not take it for configuration, though nobody has written yet.
    write(statusPath, { [`${prefix}config/if/ghost`]: 1 });
    await using files = createFiles(options);
    const states: object[] = [];
    const watching = files
      .source({ prefixes: [`${prefix}config/`] })
      .pipe(toState())
      .subscribe((state) => states.push(Object.fromEntries(state)));
    onTestFinished(() => watching.unsubscribe());
    await until(() => expect(states).toEqual([{ [`${prefix}config/if/eth0`]: 1 }]));
    const status = files.status({ prefix: `${prefix}status/` });
    await status.put('if/eth0', 'up');
    expect(files.statusPath).toBe(statusPath);
    expect(readFileSync(statusPath, 'utf8')).toContain(`{"key": "${prefix}status/if/eth0", "value": "up"}`);
    const config = files.broker({ prefix });
    expect(await config.listKeys()).toEqual(['config/if/eth0']);
    await expect(config.put('config/if/eth0', 2)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('writes on close what an interval holds back', async () => {
    const { statusPath, options } = agent();
    const files = createFiles(options);
    const status = files.status({ interval: 3_600_000 });
    await status.put('a', 1);
    const waiting = status.put('b', 1);
    await files.close();
    await waiting;
    expect(readFileSync(statusPath, 'utf8')).toContain('"b"');
  });

  it('refuses a status path that is a path of configuration, a directory, or of no format', () => {
    const { dir, options } = agent();
    const refusal = (more: object) => {
      const failure = failureOf(() => createFiles({ ...options, ...more }));
      expect(failure).toMatchObject({ code: 'INVALID_CONFIG' });
      return failure.message;
    };
    const link = join(dir, 'link');
    symlinkSync(join(dir, 'config'), link);
    expect(refusal({ paths: [join(link, 'status.json')] })).toContain('is one of the paths that are read');
    write(options.statusPath, { '/status': 1 });
    symlinkSync('status.json', join(dir, 'config', 'alias.json'));
    expect(refusal({ paths: [join(dir, 'config', 'alias.json')] })).toContain('is one of the paths that are read');
    expect(refusal({ statusPath: join(dir, 'config') })).toContain('it is a directory');
    expect(refusal({ statusPath: 'status.txt' })).toContain('extension');
    expect(refusal({ statusPth: 'a.json' })).toContain("unknown option 'statusPth'");
    expect(refusal({ statusPath: '' })).toContain("'statusPath'");
  });

  it('has no status without a path, and says so', () => {
    const { dir } = agent();
    const files = createFiles({ paths: [join(dir, 'config')] });
    expect(files).not.toHaveProperty('statusPath');
    expect(failureOf(() => files.status()).message).toContain(
      'there is no statusPath (`status-path` of a filedb.conf)',
    );
    expect(readdirSync(dir)).toEqual(['config']);
  });
});
