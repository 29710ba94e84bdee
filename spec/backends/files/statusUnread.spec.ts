import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { filesStatus } from '../../../lib/backends/files/index.ts';
import { record, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

describe('a status file is never configuration', () => {
  it('below a configured directory, also before the first write, after close, and through a linked directory', async () => {
    const dir = temporaryDirectory();
    const linked = join(temporaryDirectory(), 'linked');
    symlinkSync(dir, linked);
    write(join(dir, 'config.yaml'), { '/config': 1 });
    mkdirSync(join(dir, 'run'));
    const path = join(dir, 'run', 'status.yaml');
    write(path, { '/left': 'by an earlier process' });
    const status = filesStatus({ path });
    const [told, other] = await Promise.all([recordLive({ paths: [dir] }), recordLive({ paths: [linked] })]);
    await status.put('/status', 'up');
    await status.close();
    write(path, { '/status': 'written by hand' });
    write(join(dir, 'config.yaml'), { '/config': 2 });
    for (const each of [told, other]) {
      await until(() => expect(each.state).toEqual({ '/config': 2 }));
      expect(each.log).toEqual(['resync initial', 'put /config 1 > 2']);
    }
  });

  it('but a file of the same name elsewhere is, and so is a path that names it', async () => {
    const dir = temporaryDirectory();
    const path = join(dir, 'status.yaml');
    const status = filesStatus({ path });
    onTestFinished(() => status.close());
    await status.put('/status', 'up');
    write(join(dir, 'sub', 'status.yaml'), { '/config': 1 });
    const told = await recordLive({ paths: [dir] });
    const named = record({ paths: [path] });
    await until(() => expect(named.state).toEqual({ '/status': 'up' }));
    expect(told.state).toEqual({ '/config': 1 });
    await status.put('/status', 'down');
    await until(() => expect(named.state).toEqual({ '/status': 'down' }));
    expect(told.state).toEqual({ '/config': 1 });
  });

  it('by another name either: left out below a directory, refused as a path', async () => {
    const dir = temporaryDirectory();
    const path = join(dir, 'run', 'status.yaml');
    mkdirSync(join(dir, 'run'));
    const status = filesStatus({ path });
    onTestFinished(() => status.close());
    await status.put('/status', 'up');
    write(join(dir, 'config', 'a.yaml'), { '/config': 1 });
    symlinkSync('../run/status.yaml', join(dir, 'config', 'alias.yaml'));
    const told = await recordLive({ paths: [join(dir, 'config')] });
    expect([told.state, told.stale]).toEqual([{ '/config': 1 }, undefined]);

    const alias = record({ paths: [join(dir, 'config', 'alias.yaml')] });
    await until(() => expect(alias.error?.code).toBe('INVALID_CONFIG'));
    expect(alias.error?.message).toContain(`alias.yaml is the status file ${path} by another name`);
    const late = await recordLive({ paths: [join(dir, 'config', 'a.yaml'), join(dir, 'late.yaml')], missing: 'empty' });
    symlinkSync(path, join(dir, 'late.yaml'));
    await until(() => expect(late.stale?.message).toContain(`late.yaml is the status file ${path} by another name`));
    expect(late.state).toEqual({ '/config': 1 });
  });

  it('in a directory that came into being as a link, after the status was announced', async () => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, 'config/real'), { recursive: true });
    const status = filesStatus({ path: join(dir, 'run/status.yaml') });
    onTestFinished(() => status.close());
    symlinkSync('config/real', join(dir, 'run'));
    await status.put('/status', 'up');
    write(join(dir, 'config/a.yaml'), { '/config': 1 });
    const told = await recordLive({ paths: [join(dir, 'config')] });
    expect(told.state).toEqual({ '/config': 1 });
  });
});
