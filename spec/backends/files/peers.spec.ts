import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { record, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

// As if they were not installed.
const missing = vi.hoisted(() => (name: string) => () => {
  throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
});
vi.mock('chokidar', missing('chokidar'));
vi.mock('js-yaml', missing('js-yaml'));

describe('fromFiles without its peers', () => {
  it('ends with MISSING_PEER and the npm line where it should watch', async () => {
    const told = record({ paths: [temporaryDirectory()] });
    await until(() => expect(told.error).toMatchObject({ code: 'MISSING_PEER', backend: 'files' }));
    expect(told.error?.message).toMatch(/needs the package 'chokidar'.*: npm install chokidar@5 /);
    expect(told.status.state).toBe('closed');
  });

  it('ends with MISSING_PEER and the npm line where the first scan meets a YAML file', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    write(join(dir, 'b.yaml'), { '/b': 1 });
    const told = record({ paths: [dir], usePolling: true });
    await until(() => expect(told.error).toMatchObject({ code: 'MISSING_PEER' }));
    expect(told.error?.message).toMatch(/b\.yaml needs the package 'js-yaml'.*: npm install js-yaml@5 /);
    expect(told.events).toEqual([]);
  });

  it('needs none of them for JSON that is polled; a YAML file that turns up later makes it stale', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.json'), { '/a': 1 });
    const told = await recordLive({ paths: [dir], usePolling: true, rescan: 20 });
    write(join(dir, 'b.yaml'), { '/b': 1 });
    await until(() => expect(told.stale).toMatchObject({ code: 'MISSING_PEER' }));
    write(join(dir, 'a.json'), { '/a': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 2 }));
    expect(told.error).toBeUndefined();
  });
});
