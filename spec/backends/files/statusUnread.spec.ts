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
});
